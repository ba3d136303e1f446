import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stackPassword } from "../../../src/release/credentials";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "slipway-asked-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The engine's command, with this answer to the one question that it knows. */
function answering(key: string, value: unknown): NodeJS.ProcessEnv {
  const answer = JSON.stringify({ value: JSON.stringify(value), objectValue: value, secret: true });
  writeFileSync(
    path.join(folder, "pulumi"),
    `#!/bin/sh\ncase " $* " in *" ${key} "*) cat <<'END'\n${answer}\nEND\n;; *) exit 255 ;; esac\n`,
    { mode: 0o700 },
  );
  return { PATH: `${folder}:${process.env.PATH}` };
}

const PLACE = { host: "old.example", username: "octo", at: "registries[0].password" };
const ENTRY = { host: "old.example", username: "octo", password: "hush" };

test("the password of the registry that is asked for, however its host is written", async () => {
  const env = answering("slipway:registries[0]", { ...ENTRY, host: "Old.Example" });
  expect((await stackPassword("prod", PLACE, env))?.reveal()).toBe("hush");
});

test.each([
  ["another registry", { ...ENTRY, host: "new.example" }],
  ["another person", { ...ENTRY, username: "hubot" }],
  ["no password", { host: "old.example", username: "octo" }],
  ["no registry", "hush"],
])("%s at that place now: no password", async (_, entry) => {
  expect(await stackPassword("prod", PLACE, answering("slipway:registries[0]", entry))).toBeUndefined();
});
