import { describe, expect, test } from "vitest";
import { REVISION_ANNOTATION } from "../../../src/plan/annotations";
import type { LicenceRules } from "../../../src/plan/policy/policy-config";
import type { VerifyRules } from "../../../src/plan/trust";
import { sbomPackages } from "../../../src/signing/build-statements";
import { imageSignatureBytes } from "../../../src/signing/in-toto";
import { newKeyPair, PLATFORMS, REVISION, Scene, signerOf } from "../../support/signed-image";

const keys = newKeyPair();
const DENIED: LicenceRules = { licences: ["/A?GPL-.+/"], unknown: "allow" };

/** What syft writes, as far as it matters. */
function spdx(...packages: readonly (readonly [name: string, licence: string])[]): object {
  return {
    spdxVersion: "SPDX-2.3",
    packages: [
      {
        SPDXID: "SPDXRef-root",
        name: "app",
        licenseConcluded: "NOASSERTION",
        licenseDeclared: "NOASSERTION",
      },
      ...packages.map(([name, licence]) => ({
        SPDXID: `SPDXRef-${name}`,
        name,
        versionInfo: "1.0",
        licenseConcluded: "NOASSERTION",
        licenseDeclared: licence,
      })),
    ],
    relationships: [
      {
        spdxElementId: "SPDXRef-DOCUMENT",
        relationshipType: "DESCRIBES",
        relatedSpdxElement: "SPDXRef-root",
      },
    ],
  };
}

/** A document whose only package is described by it: of which that is the whole content, or the image itself. */
function describesOnly(licenseDeclared: string): object {
  return {
    spdxVersion: "SPDX-2.3",
    packages: [{ SPDXID: "SPDXRef-app", name: "app", licenseDeclared }],
    relationships: [{ relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-app" }],
  };
}

const CLEAN = spdx(["zlib", "Zlib"], ["nobody-knows", "NOASSERTION"]);

async function problems(
  sbom: Readonly<Record<string, object>>,
  rules: Partial<VerifyRules>,
): Promise<string[]> {
  const scene = new Scene(keys, [PLATFORMS, { sbom }]);
  await scene.release();
  const verdict = await scene.verify(rules);
  return verdict.problems.map(({ code, message }) => `${code}: ${message}`);
}

describe("denied licences", () => {
  test.each([
    ["none is denied", { "linux/amd64": CLEAN, "linux/arm64": CLEAN }, DENIED, []],
    [
      "one platform has one",
      { "linux/amd64": CLEAN, "linux/arm64": spdx(["readline", "GPL-3.0-or-later"]) },
      DENIED,
      ["verify-licence: has packages with a denied licence: readline 1.0: GPL-3.0-or-later"],
    ],
    [
      "one platform has no SBOM",
      { "linux/amd64": CLEAN },
      DENIED,
      ["verify-licence: has no readable SBOM for linux/arm64, so its licences are unknown"],
    ],
    [
      "an SBOM of a kind that nobody can read",
      { "linux/amd64": CLEAN, "linux/arm64": { packages: "many" } },
      DENIED,
      ["verify-licence: has no readable SBOM for linux/arm64, so its licences are unknown"],
    ],
    [
      "a licence that nobody states, where that is refused; the image itself is no package",
      { "linux/amd64": CLEAN, "linux/arm64": CLEAN },
      { ...DENIED, unknown: "refuse" },
      [
        "verify-licence: has packages without a licence in the SBOM, or without an SPDX id for it: nobody-knows 1.0",
      ],
    ],
    [
      "the package that the document is about has one",
      { "linux/amd64": CLEAN, "linux/arm64": describesOnly("GPL-3.0-only") },
      DENIED,
      ["verify-licence: has packages with a denied licence: app: GPL-3.0-only"],
    ],
    [
      "an SBOM that lists nothing, where unknown licences pass",
      { "linux/amd64": CLEAN, "linux/arm64": { spdxVersion: "SPDX-2.3", packages: [] } },
      DENIED,
      [],
    ],
    [
      "SBOMs that list nothing but the image, where unknown licences are refused",
      {
        "linux/amd64": { spdxVersion: "SPDX-2.3", packages: [] },
        "linux/arm64": describesOnly("NOASSERTION"),
      },
      { ...DENIED, unknown: "refuse" },
      [
        "verify-licence: has an SBOM that lists no package for linux/amd64, linux/arm64, so its licences are unknown",
      ],
    ],
    [
      "packages that are no list",
      { "linux/amd64": CLEAN, "linux/arm64": { spdxVersion: "SPDX-2.3", packages: { a: "b" } } },
      DENIED,
      ["verify-licence: has no readable SBOM for linux/arm64, so its licences are unknown"],
    ],
  ] as const)("%s", async (_, sbom, licences, expected) => {
    expect(await problems(sbom, { licences })).toEqual(expected);
  });

  test("are not asked about where nobody denies any", async () => {
    expect(await problems({}, {})).toEqual([]);
  });

  test("an SBOM that was signed beside the index counts", async () => {
    const scene = new Scene(keys);
    await scene.release();
    const statement = {
      _type: "https://in-toto.io/Statement/v1",
      predicateType: "https://cyclonedx.org/bom",
      subject: [{ digest: { sha256: scene.image.digest.slice("sha256:".length) } }],
      predicate: {
        bomFormat: "CycloneDX",
        components: [{ name: "a", version: "2", licenses: [{ license: { id: "AGPL-3.0-only" } }] }],
      },
    };
    scene.attach(await (await signerOf(keys)).sign(Buffer.from(JSON.stringify(statement))));
    const { problems: found } = await scene.verify({ licences: DENIED });
    expect(found.map(({ message }) => message)).toEqual([
      "has packages with a denied licence: a 2: AGPL-3.0-only",
    ]);
  });
});

test("CycloneDX: an expression, a name, several that hold together", () => {
  const components = [
    { name: "a", licenses: [{ expression: "MIT OR GPL-3.0-only" }] },
    { name: "b", licenses: [{ license: { name: "Our own" } }] },
    { name: "c", licenses: [{ license: { id: "MIT" } }, { license: { id: "GPL-3.0-only" } }] },
    { name: "d" },
  ];
  expect(sbomPackages({ bomFormat: "CycloneDX", components })).toEqual([
    { name: "a", licence: "MIT OR GPL-3.0-only" },
    { name: "b", licence: "Our own" },
    { name: "c", licence: "(MIT) AND (GPL-3.0-only)" },
    { name: "d" },
  ]);
});

test("CycloneDX: components within components, and what the document is about where it states a licence", () => {
  const metadata = {
    component: { name: "app", components: [{ name: "inner", licenses: [license("MIT")] }] },
  };
  const components = [
    {
      name: "a",
      components: [{ name: "b", components: [{ name: "c", licenses: [license("GPL-3.0-only")] }] }],
    },
    { name: "d" },
  ];
  expect(sbomPackages({ bomFormat: "CycloneDX", metadata, components })).toEqual([
    { name: "inner", licence: "MIT" },
    { name: "a" },
    { name: "b" },
    { name: "c", licence: "GPL-3.0-only" },
    { name: "d" },
  ]);
  const stated = { component: { name: "app", licenses: [license("GPL-3.0-only")] } };
  expect(sbomPackages({ bomFormat: "CycloneDX", metadata: stated })).toEqual([
    { name: "app", licence: "GPL-3.0-only" },
  ]);
});

test("CycloneDX: nested as deep as a file can hold", () => {
  let component: object = { name: "last", licenses: [license("GPL-3.0-only")] };
  for (let level = 0; level < 50_000; level += 1) component = { name: "x", components: [component] };
  const packages = sbomPackages({ bomFormat: "CycloneDX", components: [component] });
  expect(packages).toHaveLength(50_001);
  expect(packages?.at(-1)).toEqual({ name: "last", licence: "GPL-3.0-only" });
});

test("SPDX: of several described packages none is the image", () => {
  const packages = ["a", "b"].map((name) => ({
    SPDXID: `SPDXRef-${name}`,
    name,
    licenseDeclared: "NOASSERTION",
  }));
  const relationships = packages.map(({ SPDXID }) => ({
    relationshipType: "DESCRIBES",
    relatedSpdxElement: SPDXID,
  }));
  expect(sbomPackages({ spdxVersion: "SPDX-2.3", packages, relationships })).toEqual([
    { name: "a" },
    { name: "b" },
  ]);
});

function license(id: string): object {
  return { license: { id } };
}

describe("a release without a version, which has no statement", () => {
  const rules = { predicates: ["signature"], revision: REVISION };

  test.each([
    ["of this commit, by the signed index", { [REVISION_ANNOTATION]: REVISION }, []],
    [
      "of another commit",
      { [REVISION_ANNOTATION]: "f".repeat(40) },
      [`verify-revision: what is signed says revision ${"f".repeat(40)}, not ${REVISION}`],
    ],
    [
      "of nobody knows which",
      {},
      [`verify-revision: what is signed says no revision; ${REVISION} is required`],
    ],
  ])("%s", async (_, annotations, expected) => {
    const scene = new Scene(keys, [PLATFORMS, { annotations }]);
    await scene.sign(imageSignatureBytes(scene.image.digest));
    const { problems: found } = await scene.verify(rules);
    expect(found.map(({ code, message }) => `${code}: ${message}`)).toEqual(expected);
  });

  test("the index's word is not enough where a statement is asked for", async () => {
    const scene = new Scene(keys, [PLATFORMS, { annotations: { [REVISION_ANNOTATION]: REVISION } }]);
    await scene.sign(imageSignatureBytes(scene.image.digest));
    const { problems: found } = await scene.verify({ ...rules, predicates: ["signature", "statement"] });
    expect(found.map(({ code }) => code)).toEqual(["verify-predicate", "verify-revision"]);
  });
});
