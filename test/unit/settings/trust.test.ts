import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../../src/plan/policy/policy-config";
import { type Input, MINIMAL, problemsOf, read as readWith } from "./read-config";

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

function input(settings: object, secretKeys: readonly string[] = []): Input {
  return { written: { ...MINIMAL, ...settings }, secretKeys, readFile };
}

const read = (settings: object, secretKeys?: readonly string[]) => readWith(input(settings, secretKeys));

/** `code path` of each problem, separated by commas. */
function codes(settings: object): string {
  return problemsOf(input(settings))
    .problems.map(({ code, path }) => `${code} ${path}`)
    .join(", ");
}

describe("sign", () => {
  test("uses a key by default, and can be off", () => {
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

  test("uses Sigstore's public servers by default, and takes a trusted root from a file", () => {
    expect(read({ sign: { mode: "keyless", trustedRoot: "root.json" } }).sign).toEqual({
      mode: "keyless",
      fulcio: "https://fulcio.sigstore.dev",
      rekor: "https://rekor.sigstore.dev",
      trustedRoot: "{}",
      trusted: [],
    });
  });

  test.each<[sign: object, problems: string]>([
    [{ mode: "gpg" }, "config-value sign.mode"],
    [{ mode: "key", key: "PEM" }, "config-plain-secret sign.key"],
    [{ mode: "none", keyFile: "cosign.key" }, "config-conflict sign.keyFile"],
    [{ mode: "keyless", keyFile: "cosign.key" }, "config-conflict sign.keyFile"],
    [{ mode: "key", rekor: "https://rekor.example" }, "config-conflict sign.rekor"],
    [{ mode: "keyless", publicKeyFile: "cosign.pub" }, "config-conflict sign.publicKeyFile"],
    [{ publicKey: PUBLIC, publicKeyFile: "cosign.pub" }, "config-conflict sign.publicKeyFile"],
    [{ mode: "keyless", trusted: [{}] }, "config-required sign.trusted[0]"],
    [
      {
        trusted: [
          { keyFile: "cosign.pub" },
          { key: PUBLIC, keyFile: "cosign.pub", issuer: "https://a.test" },
        ],
      },
      "config-conflict sign.trusted[1].keyFile, config-conflict sign.trusted[1].issuer",
    ],
    [{ trusted: [{ keyFile: "missing.pub" }] }, "config-file sign.trusted[0].keyFile"],
    [{ mode: "none", trusted: [{ keyFile: "cosign.pub" }] }, "config-conflict sign.trusted"],
    [{ keyFile: "missing.key" }, "config-file sign.keyFile"],
    [{ keyFile: "../cosign.key" }, "config-value sign.keyFile"],
    [{ mode: "keyless", fulcio: "http://fulcio.example" }, "config-value sign.fulcio"],
  ])("%j: %s", (sign, problems) => {
    expect(codes({ sign })).toBe(problems);
  });
});

describe("promote.verify", () => {
  const promote = (verify: object) => ({ promote: { from: "stage", verify } });

  test("requires signature and statement, by a key from a file", () => {
    expect(read(promote({ keyFile: "cosign.pub", minAge: "24h", maxAge: "30d" })).promote?.verify).toEqual({
      signer: { kind: "key", publicKey: PUBLIC },
      predicates: ["signature", "statement"],
      platforms: [],
      minAge: 86_400,
      maxAge: 2_592_000,
    });
  });

  test("has GitHub Actions as the default issuer of a subject", () => {
    expect(
      read(promote({ subject: "/https:.+/", trustedRoot: "root.json" })).promote?.verify?.signer,
    ).toEqual({
      kind: "identity",
      subject: "/https:.+/",
      issuer: "https://token.actions.githubusercontent.com",
      trustedRoot: "{}",
    });
  });

  test.each<[verify: object, problems: string]>([
    [{}, "config-required promote.verify"],
    [{ keyFile: "cosign.pub", subject: "a" }, "config-conflict promote.verify.subject"],
    [{ keyFile: "cosign.pub", issuer: "https://a.test" }, "config-conflict promote.verify.issuer"],
    [{ key: "-----BEGIN PRIVATE KEY-----" }, "config-value promote.verify.key"],
    [{ subject: "/(/" }, "config-value promote.verify.subject"],
    [{ keyFile: "cosign.pub", maxAge: "30" }, "config-value promote.verify.maxAge"],
    [{ keyFile: "cosign.pub", minAge: "2d", maxAge: "1d" }, "config-conflict promote.verify.minAge"],
    [{ keyFile: "cosign.pub", predicates: [] }, "config-value promote.verify.predicates"],
  ])("%j: %s", (verify, problems) => {
    expect(codes(promote(verify))).toBe(problems);
  });
});

describe("github.workflows.keyless", () => {
  test.each([
    ["keyless", undefined],
    ["keyless", true],
    ["key", false],
  ])("with sign.mode %s, %s is accepted", (mode, keyless) => {
    expect(read({ sign: { mode }, github: { workflows: { keyless } } }).github?.workflows).toBeDefined();
  });

  test.each([
    ["keyless", false],
    ["key", true],
  ])("with sign.mode %s, %s is refused", (mode, keyless) => {
    expect(codes({ sign: { mode }, github: { workflows: { keyless } } })).toBe(
      "config-conflict github.workflows.keyless",
    );
  });
});

describe("policy", () => {
  test("has the defaults of the plan", () => {
    expect(read({}).policy).toEqual(DEFAULT_POLICY);
    expect(read({ policy: {} }).policy).toEqual(DEFAULT_POLICY);
  });

  test("takes a level alone, or with its options", () => {
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

  test("a rule that needs options names them", () => {
    expect(() => read({ policy: { deniedLicences: "refuse" } })).toThrow(
      'policy.deniedLicences: "refuse" is not off or { licences: [AGPL-3.0-only] } [config-type]',
    );
  });

  test.each<[policy: object, problem: string]>([
    [{ floatingbase: "off" }, "config-unknown-key policy.floatingbase"],
    [{ missingProvenance: "error" }, "config-value policy.missingProvenance"],
    [{ floatingBase: "error" }, "config-value policy.floatingBase"],
    [{ requiredPlatforms: { platforms: [] } }, "config-value policy.requiredPlatforms.platforms"],
    [
      { requiredPlatforms: { platforms: ["linux/vax"] } },
      "config-value policy.requiredPlatforms.platforms[0]",
    ],
    [{ deniedLicences: { licences: ["/(/"] } }, "config-value policy.deniedLicences.licences[0]"],
    [{ deniedLicences: { licences: ["a\nb"] } }, "config-value policy.deniedLicences.licences[0]"],
  ])("%j: %s", (policy, problem) => {
    expect(codes({ policy })).toBe(problem);
  });
});
