import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import type { Config } from "../../../src/plan/config";
import { DEFAULT_POLICY } from "../../../src/plan/policy/policy-config";
import { ProblemError } from "../../../src/plan/problem";
import { readConfig } from "../../../src/settings/read";

const PUBLIC = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
const FILES: Readonly<Record<string, string>> = {
  "cosign.key":
    "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nQUFB\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n",
  "cosign.pub": PUBLIC,
  "root.json": "{}",
};

function readFile(path: string): string {
  const text = FILES[path];
  if (text === undefined) throw new Error("does not exist");
  return text;
}

function read(more: Readonly<Record<string, unknown>>, secretKeys: readonly string[] = []): Config {
  const written = { registries: [{ host: "localhost:5000" }], images: [{ name: "app" }], ...more };
  return readConfig({ written, env: {}, secretKeys, readFile });
}

function codes(more: Readonly<Record<string, unknown>>): string[] {
  try {
    read(more);
    return [];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.problems.map(({ code, path }) => `${code} ${path}`);
  }
}

describe("sign", () => {
  test("is by key by default, and off where the settings say so", () => {
    expect(read({}).sign).toEqual({ mode: "key", trusted: [] });
    expect(read({ sign: { mode: "none" } }).sign).toEqual({ mode: "none" });
  });

  test("takes a key from a file of the project, and shows neither key nor password", () => {
    const config = read({ sign: { mode: "key", keyFile: "cosign.key", password: "hunter2hunter2" } }, [
      "sign",
    ]);
    const { sign } = config;
    expect(sign.mode === "key" && sign.key?.reveal()).toBe(FILES["cosign.key"]);
    expect(`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`).not.toMatch(/hunter2|QUFB/);
  });

  test("takes the public key and further signers from files of the project", () => {
    const trusted = [{ keyFile: "cosign.pub" }, { subject: "/https:.+/", trustedRoot: "root.json" }];
    expect(read({ sign: { mode: "key", publicKeyFile: "cosign.pub", trusted } }).sign).toEqual({
      mode: "key",
      publicKey: PUBLIC,
      trusted: [
        { kind: "key", publicKey: PUBLIC },
        {
          kind: "identity",
          subject: "/https:.+/",
          issuer: "https://token.actions.githubusercontent.com",
          trustedRoot: "{}",
        },
      ],
    });
  });

  test("names its servers by default, and takes a trusted root from a file", () => {
    expect(read({ sign: { mode: "keyless", trustedRoot: "root.json" } }).sign).toEqual({
      mode: "keyless",
      fulcio: "https://fulcio.sigstore.dev",
      rekor: "https://rekor.sigstore.dev",
      trustedRoot: "{}",
      trusted: [],
    });
  });

  test.each([
    ["an unknown mode", { sign: { mode: "gpg" } }, ["config-value sign.mode"]],
    ["a key in plain text", { sign: { mode: "key", key: "PEM" } }, ["config-plain-secret sign.key"]],
    [
      "a key where nothing is signed",
      { sign: { mode: "none", keyFile: "cosign.key" } },
      ["config-conflict sign.keyFile"],
    ],
    [
      "a key where signing is keyless",
      { sign: { mode: "keyless", keyFile: "cosign.key" } },
      ["config-conflict sign.keyFile"],
    ],
    [
      "servers where a key signs",
      { sign: { mode: "key", rekor: "https://rekor.example" } },
      ["config-conflict sign.rekor"],
    ],
    [
      "a public key where signing is keyless",
      { sign: { mode: "keyless", publicKeyFile: "cosign.pub" } },
      ["config-conflict sign.publicKeyFile"],
    ],
    [
      "two public keys",
      { sign: { mode: "key", publicKey: PUBLIC, publicKeyFile: "cosign.pub" } },
      ["config-conflict sign.publicKeyFile"],
    ],
    [
      "a trusted signer without a name",
      { sign: { mode: "keyless", trusted: [{}] } },
      ["config-required sign.trusted[0]"],
    ],
    [
      "a trusted signer with two names, and an issuer of a key",
      {
        sign: {
          mode: "key",
          trusted: [
            { keyFile: "cosign.pub" },
            { key: PUBLIC, keyFile: "cosign.pub", issuer: "https://a.example" },
          ],
        },
      },
      ["config-conflict sign.trusted[1].keyFile", "config-conflict sign.trusted[1].issuer"],
    ],
    [
      "a trusted key's file that is not there",
      { sign: { mode: "key", trusted: [{ keyFile: "old.pub" }] } },
      ["config-file sign.trusted[0].keyFile"],
    ],
    [
      "trust where nothing is signed",
      { sign: { mode: "none", trusted: [{ keyFile: "cosign.pub" }] } },
      ["config-conflict sign.trusted"],
    ],
    [
      "a file that is not there",
      { sign: { mode: "key", keyFile: "none.key" } },
      ["config-file sign.keyFile"],
    ],
    ["a file outside", { sign: { mode: "key", keyFile: "../cosign.key" } }, ["config-value sign.keyFile"]],
    [
      "a server without TLS",
      { sign: { mode: "keyless", fulcio: "http://fulcio.example" } },
      ["config-value sign.fulcio"],
    ],
  ])("%s is refused", (_, more, expected) => {
    expect(codes(more)).toEqual(expected);
  });
});

describe("promote.verify", () => {
  const promote = (verify: object) => ({ promote: { from: "stage", verify } });

  test("asks for signature and statement by a key from a file", () => {
    expect(read(promote({ keyFile: "cosign.pub", minAge: "24h", maxAge: "30d" })).promote?.verify).toEqual({
      signer: { kind: "key", publicKey: PUBLIC },
      predicates: ["signature", "statement"],
      platforms: [],
      minAge: 86_400,
      maxAge: 2_592_000,
    });
  });

  test("takes GitHub Actions for a subject's issuer", () => {
    expect(
      read(promote({ subject: "/https:.+/", trustedRoot: "root.json" })).promote?.verify?.signer,
    ).toEqual({
      kind: "identity",
      subject: "/https:.+/",
      issuer: "https://token.actions.githubusercontent.com",
      trustedRoot: "{}",
    });
  });

  test.each([
    ["nobody", {}, ["config-required promote.verify"]],
    ["two signers", { keyFile: "cosign.pub", subject: "a" }, ["config-conflict promote.verify.subject"]],
    [
      "an issuer without a subject",
      { keyFile: "cosign.pub", issuer: "https://a.example" },
      ["config-conflict promote.verify.issuer"],
    ],
    ["a private key", { key: "-----BEGIN PRIVATE KEY-----" }, ["config-value promote.verify.key"]],
    ["a broken pattern", { subject: "/(/" }, ["config-value promote.verify.subject"]],
    [
      "an age without a unit",
      { keyFile: "cosign.pub", maxAge: "30" },
      ["config-value promote.verify.maxAge"],
    ],
    [
      "ages that exclude each other",
      { keyFile: "cosign.pub", minAge: "2d", maxAge: "1d" },
      ["config-conflict promote.verify.minAge"],
    ],
    [
      "no predicate at all",
      { keyFile: "cosign.pub", predicates: [] },
      ["config-value promote.verify.predicates"],
    ],
  ])("%s is refused", (_, verify, expected) => {
    expect(codes(promote(verify))).toEqual(expected);
  });
});

describe("github.workflows.keyless", () => {
  const github = (workflows: object, sign?: object) => ({
    github: { workflows },
    ...(sign === undefined ? {} : { sign }),
  });

  test.each([
    ["says nothing by itself", {}, { mode: "keyless" }, []],
    ["may repeat what sign says", { keyless: true }, { mode: "keyless" }, []],
    ["may repeat that nothing is signed keyless", { keyless: false }, undefined, []],
    [
      "may not take the right away",
      { keyless: false },
      { mode: "keyless" },
      ["config-conflict github.workflows.keyless"],
    ],
    [
      "may not give it to who needs none",
      { keyless: true },
      undefined,
      ["config-conflict github.workflows.keyless"],
    ],
  ])("%s", (_, workflows, sign, expected) => {
    expect(codes(github(workflows, sign))).toEqual(expected);
  });
});

describe("policy", () => {
  test("has defaults that nobody stumbles over", () => {
    expect(read({}).policy).toEqual(DEFAULT_POLICY);
    expect(read({ policy: {} }).policy).toEqual(DEFAULT_POLICY);
  });

  test("takes a level alone, or with what it needs", () => {
    const policy = {
      floatingBase: "warn",
      unpinnedAction: { allow: ["/octo\\/.+/"] },
      requiredPlatforms: { platforms: ["linux/amd64"] },
      deniedLicences: { level: "warn", licences: ["SSPL-1.0"] },
      prereleaseOnFloatingTag: "off",
    };
    expect(read({ policy }).policy).toEqual({
      ...DEFAULT_POLICY,
      floatingBase: { level: "warn", allow: [] },
      unpinnedAction: { level: "refuse", allow: ["/octo\\/.+/"] },
      requiredPlatforms: { level: "refuse", platforms: ["linux/amd64"] },
      deniedLicences: { level: "warn", licences: ["SSPL-1.0"], unknown: "allow" },
      prereleaseOnFloatingTag: { level: "off" },
    });
  });

  test("a rule that needs more than a level says what", () => {
    expect(() => read({ policy: { deniedLicences: "refuse" } })).toThrow(
      'policy.deniedLicences: "refuse" is not off or { licences: [AGPL-3.0-only] } [config-type]',
    );
  });

  test.each([
    ["an unknown rule", { floatingbase: "off" }, ["config-unknown-key policy.floatingbase"]],
    ["an unknown level", { missingProvenance: "error" }, ["config-value policy.missingProvenance"]],
    [
      "an unknown level of a rule with options",
      { floatingBase: "error" },
      ["config-value policy.floatingBase"],
    ],
    ["a level without its options", { deniedLicences: "refuse" }, ["config-type policy.deniedLicences"]],
    [
      "no platform",
      { requiredPlatforms: { platforms: [] } },
      ["config-value policy.requiredPlatforms.platforms"],
    ],
    [
      "an unknown platform",
      { requiredPlatforms: { platforms: ["linux/vax"] } },
      ["config-value policy.requiredPlatforms.platforms[0]"],
    ],
    [
      "a broken pattern",
      { deniedLicences: { licences: ["/(/"] } },
      ["config-value policy.deniedLicences.licences[0]"],
    ],
  ])("%s is refused", (_, policy, expected) => {
    expect(codes({ policy })).toEqual(expected);
  });
});
