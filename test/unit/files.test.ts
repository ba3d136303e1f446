import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { readList } from "../../components/files";

const folder = mkdtempSync(path.join(tmpdir(), "slipway-list-"));
const file = path.join(folder, "services.list");

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a list has one entry a line, with comments and any line ends", () => {
  writeFileSync(file, "\uFEFF# services\r\n\r\nlanggraph\r\ntemporal-worker # runs jobs\napi");
  expect(readList(file)).toEqual(["langgraph", "temporal-worker", "api"]);
});

test.each([
  ["a\nb\na\n", '"a" is listed twice'],
  ["# none\n", "the list is empty; write one entry a line"],
  [Buffer.from([0xff, 0xfe]), "not valid"],
])("%j is refused", (content, message) => {
  writeFileSync(file, content);
  expect(() => readList(file)).toThrow(message);
});

test("a file that is missing is named", () => {
  expect(() => readList(path.join(folder, "other.list"))).toThrow(/other\.list: ENOENT/);
});
