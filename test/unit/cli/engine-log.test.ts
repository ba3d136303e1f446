import { expect, test } from "vitest";
import { environmentSecrets, logsSecrets, withLogShown } from "../../../src/cli/engine/redacted-log";
import { flagValue } from "../../../src/cli/engine/run-pulumi";

test.each([
  ["-v=9"],
  ["-v9"],
  ["-v", "11"],
  ["--verbose=9"],
  ["--verbose", "10"],
  ["up", "--yes", "-v=11", "--debug"],
  ["-v", "many"],
  ["-v"],
  ["-v=0x9"],
  ["--verbose=010"],
  ["-yv=9"],
  ["-yv9"],
  ["-yv", "9"],
  ["-fyv=11"],
  ["--verbose="],
])("%s %s: the log would contain secrets", (...args) => {
  expect(logsSecrets(args)).toBe(true);
});

test.each([
  [],
  ["up", "--yes"],
  ["-v=8"],
  ["-v3", "--logtostderr", "--debug"],
  ["--verbose", "1"],
  ["--version"],
  ["-yv", "8"],
  ["-yfv3", "--diff"],
])("%s: the log contains no secrets", (...args) => {
  expect(logsSecrets(args)).toBe(false);
});

test("the log's level can also come from the environment", () => {
  expect(logsSecrets(["--yes"], { PULUMI_OPTION_VERBOSE: "9" })).toBe(true);
  expect(logsSecrets(["--yes", "-v=3"], { PULUMI_OPTION_VERBOSE: "0xb" })).toBe(true);
  expect(logsSecrets(["--yes"], { PULUMI_OPTION_VERBOSE: "8" })).toBe(false);
  expect(logsSecrets(["--yes"], { PULUMI_OPTION_VERBOSE: "" })).toBe(false);
});

test("the log goes to standard error, whatever the arguments say", () => {
  expect(withLogShown(["up", "-v=9"])).toEqual(["up", "-v=9", "--logtostderr"]);
  expect(withLogShown(["up", "--logtostderr", "--logtostderr=false"]).at(-1)).toBe("--logtostderr");
  expect(withLogShown(["up", "--", "x"])).toEqual(["up", "--logtostderr", "--", "x"]);
});

test("secrets of the environment are those in secret variables and the passwords in proxies' addresses", () => {
  const found = environmentSecrets({
    GHCR_TOKEN: "one",
    AWL_DOCKERHUB_TOKEN: " two ",
    HUB_PAT: "three",
    COSIGN_PRIVATE_KEY: "four",
    PULUMI_CONFIG_PASSPHRASE: "five",
    https_proxy: "http://me:s%2Fx@proxy:3128",
    HTTP_PROXY: "http://proxy:3128",
    GHCR_USERNAME: "octo",
    PATH: "/usr/bin",
    CI_REGISTRY_PASSWORD: "",
  });
  expect(found.sort()).toEqual([" two ", "five", "four", "one", "s%2Fx", "s/x", "three", "two"]);
});

test("a flag's value is found in both notations", () => {
  expect(flagValue(["up", "--config-file", "a.yaml"], "--config-file")).toBe("a.yaml");
  expect(flagValue(["up", "--config-file=a.yaml"], "--config-file")).toBe("a.yaml");
  expect(flagValue(["up"], "--config-file")).toBeUndefined();
});
