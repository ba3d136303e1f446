import { expect, test } from "vitest";
import { environmentSecrets } from "../../cli/engine-secrets";
import { flagValue, isTelling } from "../../cli/quiet-engine";

test.each([
  ["-v=9"],
  ["-v9"],
  ["-v", "11"],
  ["--verbose=9"],
  ["--verbose", "10"],
  ["up", "--yes", "-v=11", "--debug"],
  ["-v", "many"],
])("%s %s: the engine would tell secrets", (...args) => {
  expect(isTelling(args)).toBe(true);
});

test.each([
  [],
  ["up", "--yes"],
  ["-v=8"],
  ["-v3", "--logtostderr", "--debug"],
  ["--verbose", "1"],
  ["--version"],
])("%s: it would not", (...args) => {
  expect(isTelling(args)).toBe(false);
});

test("secrets of an environment are told by the names of their variables, and by passwords in proxies", () => {
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

test("a flag's value, in both ways of writing it", () => {
  expect(flagValue(["up", "--config-file", "a.yaml"], "--config-file")).toBe("a.yaml");
  expect(flagValue(["up", "--config-file=a.yaml"], "--config-file")).toBe("a.yaml");
  expect(flagValue(["up"], "--config-file")).toBeUndefined();
});
