import { describe, expect, test } from "vitest";
import { REVISION_ANNOTATION } from "../../../plan/annotations";
import type { LicenceRules } from "../../../plan/policy/policy-config";
import type { VerifyRules } from "../../../plan/trust";
import { imageSignatureBytes } from "../../../trust/in-toto";
import { sbomPackages } from "../../../trust/sbom";
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
      ["verify-licence: has no SBOM that can be read for linux/arm64, so nobody knows its licences"],
    ],
    [
      "an SBOM of a kind that nobody can read",
      { "linux/amd64": CLEAN, "linux/arm64": { packages: "many" } },
      DENIED,
      ["verify-licence: has no SBOM that can be read for linux/arm64, so nobody knows its licences"],
    ],
    [
      "a licence that nobody states, where that is refused; the image itself is no package",
      { "linux/amd64": CLEAN, "linux/arm64": CLEAN },
      { ...DENIED, unknown: "refuse" },
      ["verify-licence: has packages whose licence the SBOM does not say: nobody-knows 1.0"],
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
      [`verify-revision: what is signed says no revision; ${REVISION} is wanted`],
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
