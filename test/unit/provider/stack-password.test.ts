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

/** An environment with a `pulumi` that only knows this configuration key. */
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

test("the registry's password is read, whatever the case of its host", async () => {
  const env = answering("slipway:registries[0]", { ...ENTRY, host: "Old.Example" });
  expect((await stackPassword("prod", PLACE, env))?.reveal()).toBe("hush");
});

test.each([
  ["another registry", { ...ENTRY, host: "new.example" }],
  ["another user", { ...ENTRY, username: "hubot" }],
  ["no password", { host: "old.example", username: "octo" }],
  ["no registry", "hush"],
])("with %s at that place, there is no password", async (_, entry) => {
  expect(await stackPassword("prod", PLACE, answering("slipway:registries[0]", entry))).toBeUndefined();
});
