import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { publish } from "../../../src/cli/publish/publish";
import type { Digest } from "../../../src/plan/digest";
import type { PlannedImage } from "../../../src/plan/release-plan";
import type { ContentClaim, ReleaseStatement } from "../../../src/plan/statement";
import { OCI_INDEX } from "../../../src/registry/manifests";
import { planText } from "../../../src/report/plan-text";
import { crane } from "../../support/crane";
import { type FaultProxy, startFaultProxy } from "../../support/fault-proxy";
import { type Olareg, startOlareg } from "../../support/olareg";
import { Pusher } from "../../support/pusher";
import { startRegistry, type TestRegistry } from "../../support/registry";
import { newKeyPair } from "../../support/signed-image";
import { SignedWorld } from "../../support/signed-world";

/**
 * What someone can do with push rights to every registry and without the signing key. Real registries, the real plan
 * and the real operations; cosign judges. The engine, BuildKit and the issue's own six attacks are in
 * test/e2e/forgery.test.ts.
 */
const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];
const RELEASE = "https://slipway.dev/release/v1";
const CLAIM = "https://slipway.dev/claim/v1";

/** Without the referrers API, and with it. */
let plain: TestRegistry;
let withApi: Olareg;
let proxy: FaultProxy;
let world: SignedWorld;
let namespace: string;
let evil: readonly [Pusher, Pusher];
let count = 0;

beforeAll(async () => {
  [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
  proxy = await startFaultProxy(plain.host);
});

afterAll(async () => {
  await proxy?.stop();
  await Promise.all([plain?.stop(), withApi?.stop()]);
});

beforeEach(() => {
  world = new SignedWorld();
  namespace = `n${count++}`;
  evil = at("app");
  world.configure("stage", stage());
  world.commit("v1.2.2");
});

afterEach(() => {
  proxy.reset();
  world.remove();
});

function at(image: string, inside = namespace): [Pusher, Pusher] {
  return [new Pusher(proxy.host, `${inside}/${image}`), new Pusher(withApi.host, `${inside}/${image}`)];
}

function registries(inside = namespace) {
  return [proxy.host, withApi.host].map((host) => ({ host, namespace: inside }));
}

function image(changes: object = {}) {
  return {
    name: "app",
    context: "app",
    platforms: ["linux/amd64", "linux/arm64"],
    sbom: false,
    tags: TAGS,
    ...changes,
  };
}

function stage(changes: object = {}) {
  return {
    registries: registries(),
    images: [image()],
    requireTag: true,
    sign: { mode: "key", publicKeyFile: "cosign.pub" },
    ...changes,
  };
}

async function planned(stack = "stage"): Promise<PlannedImage> {
  const { plan } = await world.plan(stack);
  const [first] = plan.images;
  if (first === undefined) throw new Error("no image is planned");
  return first;
}

/** What the index of the next release says of itself, as `slipway plan --json` shows it to anyone. */
async function nextAnnotations(): Promise<Readonly<Record<string, string>>> {
  return (await planned()).intent.annotations;
}

async function digests(...tags: readonly string[]): Promise<Set<Digest>> {
  const found = await Promise.all(tags.flatMap((tag) => evil.map((pusher) => pusher.digest(tag))));
  return new Set(found);
}

/** Nothing that was pushed without the key has a signature by it, in any registry. */
async function expectNothingForgedIsSigned(...more: readonly Pusher[]): Promise<void> {
  for (const pusher of [...evil, ...more]) {
    for (const digest of pusher.pushed)
      expect(await world.signed(`${pusher.repository}@${digest}`), digest).toEqual([]);
  }
}

/** 1.2.3 is built here, has all its tags in both registries, and is signed. */
async function expectOwnBuild(stack = "stage"): Promise<Digest> {
  const { manifest, built } = await world.release(stack);
  const [app] = manifest.images;
  if (app === undefined) throw new Error("nothing was released");
  expect(built).toContain("app");
  const sha = `sha-${manifest.revision.slice(0, 7)}`;
  expect(await digests("1.2.3", "1.2", "1", "latest", sha)).toEqual(new Set([app.digest]));
  for (const { repository } of evil)
    expect(await world.signed(`${repository}@${app.digest}`)).toEqual(["signature", CLAIM, RELEASE]);
  await expectNothingForgedIsSigned();
  return app.digest;
}

function claim(changes: Partial<ContentClaim> = {}): ContentClaim {
  return {
    schema: 1,
    image: "app",
    lane: "",
    version: "1.2.3",
    revision: world.git("rev-parse", "HEAD"),
    contentKey: "c".repeat(64),
    repositories: evil.map(({ repository }) => repository),
    ...changes,
  };
}

function statement(changes: Partial<ReleaseStatement> = {}): ReleaseStatement {
  return {
    ...claim(),
    version: "1.2.3",
    platforms: ["linux/amd64", "linux/arm64"],
    inputs: {},
    bases: {},
    ...changes,
  };
}

const sha = () => `sha-${world.git("rev-parse", "HEAD").slice(0, 7)}`;
const provenance = () => ({ revision: world.git("rev-parse", "HEAD"), builder: "https://ci.example" });

/** Ways to pass an image off as the content of the version that is about to be released. */
const CONTENT: readonly [what: string, attack: (honest: Digest) => Promise<void>][] = [
  [
    "the commit's tag, with the content key",
    async () => {
      for (const pusher of evil)
        await pusher.tag(await pusher.push({ annotations: await nextAnnotations() }), sha());
    },
  ],
  [
    "the same in the second registry only",
    async () => evil[1].tag(await evil[1].push({ annotations: await nextAnnotations() }), sha()),
  ],
  [
    "every floating tag, with the content key and provenance",
    async () => {
      for (const pusher of evil) {
        const annotations = await nextAnnotations();
        await pusher.tag(await pusher.push({ annotations, provenance: provenance() }), "latest", "1.2", "1");
      }
    },
  ],
  [
    "the content key as annotation and as label",
    async () => {
      const annotations = await nextAnnotations();
      await evil[0].tag(await evil[0].push({ annotations, labels: annotations }), sha(), "latest");
    },
  ],
  [
    "signed by another key: image, claim and statement",
    async () => {
      const { intent } = await planned();
      for (const pusher of evil) {
        const digest = await pusher.push({ annotations: intent.annotations });
        await pusher.sign(digest, claim({ contentKey: intent.contentKey }), statement());
        await pusher.tag(digest, sha(), "latest");
      }
    },
  ],
  [
    "the bundles of an honest release, by the fallback tag",
    async (honest) => {
      const digest = await evil[0].push({ annotations: await nextAnnotations() });
      await evil[0].steal(evil[0], honest, digest);
      await evil[0].tag(digest, sha(), "latest");
    },
  ],
  [
    "the bundles of an honest release, by the referrers API",
    async (honest) => {
      const digest = await evil[1].push({ annotations: await nextAnnotations() });
      await evil[1].steal(evil[1], honest, digest);
      await evil[1].tag(digest, sha(), "latest");
    },
  ],
  [
    "the honest list of referrers under the forged digest's fallback tag",
    async (honest) => {
      const digest = await evil[0].push({ annotations: await nextAnnotations() });
      const list = await evil[0].client.getManifest(evil[0].path, honest.replace(":", "-"));
      if (list === undefined) throw new Error("there is no fallback tag");
      await evil[0].client.putManifest(
        evil[0].path,
        digest.replace(":", "-"),
        list.bytes,
        list.descriptor.mediaType,
      );
      await evil[0].tag(digest, sha(), "latest");
    },
  ],
  [
    "an unsigned claim and an unsigned statement",
    async () => {
      const { intent } = await planned();
      const digest = await evil[0].push({ annotations: intent.annotations });
      await evil[0].state(digest, statement({ contentKey: intent.contentKey }));
      await evil[0].attach(digest, Buffer.from(JSON.stringify(claim({ contentKey: intent.contentKey }))));
      await evil[0].tag(digest, sha());
    },
  ],
  [
    "an image for one platform, with the content key",
    async () =>
      evil[0].tag(
        await evil[0].push({ annotations: await nextAnnotations(), architectures: ["amd64"] }),
        sha(),
        "latest",
      ),
  ],
  [
    "an image of another commit under the commit's tag",
    async () => {
      const annotations = {
        ...(await nextAnnotations()),
        "org.opencontainers.image.revision": "f".repeat(40),
      };
      for (const pusher of evil) await pusher.tag(await pusher.push({ annotations }), sha(), "latest");
    },
  ],
  [
    "what it says of itself is an option of git, Markdown and control characters",
    async () => {
      const annotations = {
        ...(await nextAnnotations()),
        "org.opencontainers.image.revision": "--upload-pack=/bin/false",
        "org.opencontainers.image.version": "9.9.9](https://evil.example) <img src=x>\n::set-output",
      };
      for (const pusher of evil) await pusher.tag(await pusher.push({ annotations }), sha(), "latest", "1");
    },
  ],
];

/** What the project itself signed for something else, with this content's key: a claim replayed. */
const REPLAYED: readonly [what: string, changes: Partial<ContentClaim>][] = [
  ["about another image", { image: "web" }],
  ["of another lane", { lane: "edge" }],
  ["for another repository", { repositories: ["localhost:1/octo/app"] }],
];

/** Signed by the project's own key. */
async function signedByTheProject(
  pusher: Pusher,
  annotations: Readonly<Record<string, string>>,
  said: ContentClaim,
  stated?: ReleaseStatement,
): Promise<Digest> {
  const own = new Pusher(pusher.host, pusher.path, world.keys);
  const digest = await own.push({ annotations });
  await own.sign(digest, said, stated);
  return digest;
}

describe("content that someone passes off as the next version is built again", () => {
  test.each(CONTENT)("%s", async (_, attack) => {
    const { manifest } = await world.release();
    world.commit("v1.2.3");
    await attack(manifest.images[0]?.digest ?? "sha256:");
    const digest = await expectOwnBuild();
    // Another machine with the key builds nothing twice.
    const again = await world.release();
    expect(again.built).toEqual([]);
    expect(again.manifest.images[0]?.digest).toBe(digest);
  });

  test("by the tag that its content key makes", async () => {
    world.configure("stage", stage({ images: [image({ tags: TAGS.slice(0, 3) })] }));
    const { intent } = await planned();
    expect(intent.candidateTag).toMatch(/^candidate-/);
    for (const pusher of evil)
      await pusher.tag(await pusher.push({ annotations: intent.annotations }), intent.candidateTag ?? "");
    const { built, manifest } = await world.release();
    expect(built).toEqual(["app"]);
    expect(await digests(intent.candidateTag ?? "", "1.2.2")).toEqual(new Set([manifest.images[0]?.digest]));
    await expectNothingForgedIsSigned();
  });

  test.each(REPLAYED)("an own claim %s", async (_, changes) => {
    await world.release();
    world.commit("v1.2.3");
    const { intent } = await planned();
    const replayed = claim({ contentKey: intent.contentKey, ...changes });
    for (const pusher of evil)
      await pusher.tag(await signedByTheProject(pusher, intent.annotations, replayed), sha(), "latest");
    await expectOwnBuild();
  });

  test("a claim about the same image in another repository", async () => {
    const elsewhere = at("app", `${namespace}-other`);
    world.configure("other", stage({ registries: registries(`${namespace}-other`) }));
    const { manifest } = await world.release("other");
    const digest = manifest.images[0]?.digest ?? "";
    for (const [index, pusher] of evil.entries())
      await crane("copy", `${elsewhere[index]?.repository}@${digest}`, `${pusher.repository}:${sha()}`);
    for (const [index, pusher] of evil.entries())
      await pusher.steal(
        elsewhere[index] ?? pusher,
        manifest.images[0]?.digest ?? "sha256:",
        await pusher.digest(sha()),
      );
    const { built, manifest: own } = await world.release();
    expect(built).toEqual(["app"]);
    expect(own.images[0]?.digest).not.toBe(digest);
  });
});

/** Ways to have a version tag, a statement or a platform believed; each refuses the release, and says why. */
const REFUSED: readonly [what: string, code: string, attack: (honest: Digest) => Promise<void>][] = [
  [
    "the version's tag on an image that names the commit",
    "version-not-verified",
    async () => {
      const annotations = { "org.opencontainers.image.revision": world.git("rev-parse", "HEAD") };
      for (const pusher of evil) await pusher.tag(await pusher.push({ annotations }), "1.2.3");
    },
  ],
  [
    "the version's tag in the second registry only",
    "version-not-verified",
    async () => evil[1].tag(await evil[1].push({ annotations: await nextAnnotations() }), "1.2.3"),
  ],
  [
    "the version's tag on the signed image of another version",
    "version-not-verified",
    async (honest) => {
      for (const pusher of evil) await pusher.tag(honest, "1.2.3");
    },
  ],
  [
    "the same, with an unsigned statement of this version",
    "version-not-verified",
    async (honest) => {
      for (const pusher of evil) {
        await pusher.state(honest, statement());
        await pusher.tag(honest, "1.2.3");
      }
    },
  ],
  [
    "the version's tag on an image that another key signed",
    "version-not-verified",
    async () => {
      for (const pusher of evil) {
        const digest = await pusher.push({ annotations: await nextAnnotations() });
        await pusher.sign(digest, claim(), statement());
        await pusher.tag(digest, "1.2.3");
      }
    },
  ],
  [
    "the version's tag on an image with the bundles of an honest release",
    "version-not-verified",
    async (honest) => {
      for (const pusher of evil) {
        const digest = await pusher.push({ annotations: await nextAnnotations() });
        await pusher.steal(pusher, honest, digest);
        await pusher.tag(digest, "1.2.3");
      }
    },
  ],
  ...REPLAYED.map(([what, changes]): (typeof REFUSED)[number] => [
    `the version's tag on an image with an own statement ${what}`,
    "version-not-verified",
    async () => {
      for (const pusher of evil) {
        const stated = statement(changes);
        const digest = await signedByTheProject(pusher, await nextAnnotations(), stated, stated);
        await pusher.tag(digest, "1.2.3");
      }
    },
  ]),
  [
    "the version's tag on an image with an own claim and no statement",
    "version-not-verified",
    async () => {
      for (const pusher of evil)
        await pusher.tag(await signedByTheProject(pusher, await nextAnnotations(), claim()), "1.2.3");
    },
  ],
  [
    "the version's tag on an image with an own statement of another commit",
    "version-of-another-revision",
    async () => {
      for (const pusher of evil) {
        const stated = statement({ revision: "f".repeat(40) });
        await pusher.tag(await signedByTheProject(pusher, {}, stated, stated), "1.2.3");
      }
    },
  ],
  [
    "the commit's tag on a signed image of another commit",
    "tag-other-revision",
    async (honest) => evil[0].tag(honest, sha()),
  ],
  [
    "sixty versions that are newer",
    "versions-not-verified",
    async () => {
      const digest = await evil[0].push();
      await evil[0].tag(digest, ...Array.from({ length: 60 }, (_, patch) => `9.9.${patch}`));
    },
  ],
];

describe("a release is refused, with a reason", () => {
  test.each(REFUSED)("%s: %s", async (_, code, attack) => {
    const { manifest } = await world.release();
    const honest = manifest.images[0]?.digest ?? "sha256:";
    world.commit("v1.2.3");
    await attack(honest);
    await expect(world.release()).rejects.toThrow(`[${code}]`);
    expect(await digests("latest", "1.2", "1")).toEqual(new Set([honest]));
    await expectNothingForgedIsSigned();
    for (const pusher of evil) expect(await world.signed(`${pusher.repository}@${honest}`)).toHaveLength(3);
  });
});

/** Ways to keep floating tags from a release. */
const NEWER: readonly [what: string, attack: (honest: Digest) => Promise<void>][] = [
  [
    "an unsigned image",
    async () => {
      for (const pusher of evil) await pusher.tag(await pusher.push(), "9.9.9", "1.2.9");
    },
  ],
  [
    "one in the second registry only",
    async () => evil[1].tag(await evil[1].push(), "9.9.9", "1.9.9", "1.2.9"),
  ],
  ["the signed image of another version", async (honest) => evil[0].tag(honest, "9.9.9")],
  [
    "the signed image of another version, with an unsigned statement",
    async (honest) => {
      await evil[0].state(honest, statement({ version: "9.9.9" }));
      await evil[0].tag(honest, "9.9.9");
    },
  ],
  [
    "an image with a statement by another key",
    async () => {
      const digest = await evil[1].push();
      await evil[1].sign(digest, claim({ version: "9.9.9" }), statement({ version: "9.9.9" }));
      await evil[1].tag(digest, "9.9.9");
    },
  ],
  [
    "a version that only another component's git tag has",
    async () => {
      world.git("tag", "web-v9.9.9", "HEAD~1");
      await evil[0].tag(await evil[0].push(), "9.9.9");
    },
  ],
];

describe("a newer version that is not verified does not hold floating tags", () => {
  test.each(NEWER)("%s", async (_, attack) => {
    const { manifest } = await world.release();
    world.commit("v1.2.3");
    await attack(manifest.images[0]?.digest ?? "sha256:");
    await expectOwnBuild();
  });

  test.each([
    ["the first registry", 0],
    ["the second registry", 1],
  ] as const)(
    "a floating tag of a newer release, moved in %s, goes back to that release",
    async (_, index) => {
      world.commit("v1.3.0");
      const { manifest } = await world.release();
      const newest = manifest.images[0]?.digest;
      await evil[index].tag(await evil[index].push(), "latest", "1");
      world.git("checkout", "--quiet", "-b", "maintenance", "v1.2.2");
      world.commit("v1.2.3");
      await world.release();
      expect(await digests("latest", "1")).toEqual(new Set([newest]));
      await expectNothingForgedIsSigned();
    },
  );
});

describe("between the plan and the writes", () => {
  beforeEach(async () => {
    await world.release();
    world.commit("v1.2.3");
  });

  test.each([
    ["after the plan", "afterPlan"],
    ["while the image is built", "whileBuilding"],
  ] as const)("content under its tags, %s: the build wins", async (_, moment) => {
    const annotations = await nextAnnotations();
    const { manifest } = await world.release("stage", {
      [moment]: async () => {
        for (const pusher of evil)
          await pusher.tag(await pusher.push({ annotations }), sha(), "latest", "1.2");
      },
    });
    expect(await digests("1.2.3", "1.2", "1", "latest", sha())).toEqual(
      new Set([manifest.images[0]?.digest]),
    );
    await expectNothingForgedIsSigned();
  });

  test("the version's tag is written: the release stops before any floating tag", async () => {
    const before = await digests("latest");
    const release = world.release("stage", {
      whileBuilding: async () => evil[1].tag(await evil[1].push(), "1.2.3"),
    });
    await expect(release).rejects.toThrow(/1\.2\.3 is a version tag and already points to/);
    expect(await digests("latest")).toEqual(before);
    await expectNothingForgedIsSigned();
  });

  test("newer versions appear: floating tags move all the same", async () => {
    const { manifest } = await world.release("stage", {
      whileBuilding: async () => {
        for (const pusher of evil) await pusher.tag(await pusher.push(), "9.9.9");
      },
    });
    expect(await digests("latest", "1")).toEqual(new Set([manifest.images[0]?.digest]));
  });

  test("a newer version appears at the very write of latest: the tag is not given to it", async () => {
    proxy.inject({
      method: "PUT",
      path: /\/manifests\/latest$/,
      times: 1,
      fault: { kind: "call", run: async () => evil[0].tag(await evil[0].push(), "9.9.9") },
    });
    const { manifest } = await world.release();
    expect(await digests("latest")).toEqual(new Set([manifest.images[0]?.digest]));
    await expectNothingForgedIsSigned();
  });

  test("an honest newer version appears then, and is another image in this registry", async () => {
    world.configure("newer", stage({ registries: registries().slice(1) }));
    proxy.inject({
      method: "PUT",
      path: /\/manifests\/latest$/,
      times: 1,
      fault: {
        kind: "call",
        run: async () => {
          world.commit("v1.3.0");
          await world.release("newer");
          await evil[0].tag(await evil[0].push(), "1.3.0");
        },
      },
    });
    await world.release();
    expect(await evil[0].digest("latest")).toBe(await evil[0].digest("1.2.3"));
    await expectNothingForgedIsSigned();
  });
});

describe("a version that is released", () => {
  test("keeps what is signed, with an unsigned statement beside it", async () => {
    world.commit("v1.2.3");
    const { manifest, plan } = await world.release();
    const digest = manifest.images[0]?.digest ?? "sha256:";
    for (const pusher of evil)
      await pusher.state(digest, { ...statement({ source: "https://evil.example/app" }), extra: true });
    const again = await world.release();
    expect(again.built).toEqual([]);
    expect(again.plan.images[0]?.statement).toEqual(plan.images[0]?.statement);
    for (const pusher of evil) {
      for (const bytes of await pusher.bundles(digest))
        expect(
          Buffer.from(JSON.parse(Buffer.from(bytes).toString()).dsseEnvelope.payload, "base64").toString(),
        ).not.toContain("evil.example");
    }
  });

  test("cannot lose the record of uncommitted changes", async () => {
    world.configure("stage", stage({ requireTag: false }));
    world.commit("v1.2.3");
    world.write({ "app/file": "not committed" });
    const { manifest } = await world.release();
    world.write({ "app/file": "v1.2.3" });
    const { revision } = manifest;
    for (const pusher of evil)
      await pusher.state(manifest.images[0]?.digest ?? "sha256:", statement({ revision }));
    expect((await planned()).statement).toMatchObject({ dirty: true });
  });

  test("is adopted by another machine with the key, by what is signed", async () => {
    world.commit("v1.2.3");
    const { manifest } = await world.release();
    expect(await planned()).toMatchObject({
      content: { from: "version-tag", digest: manifest.images[0]?.digest },
      verifiedBy: "signature",
    });
  });

  test("is verified by the stack's own state, and nothing else under that tag is", async () => {
    world.commit("v1.2.3");
    const { manifest } = await world.release();
    expect((await world.release("stage", { previous: manifest })).built).toEqual([]);
    await evil[1].tag(await evil[1].push({ annotations: await nextAnnotations() }), "1.2.3");
    const again = world.release("stage", { previous: manifest });
    await expect(again).rejects.toThrow("[version-tag-moved]");
    await expectNothingForgedIsSigned();
  });

  test("is not verified by the state of another stack", async () => {
    world.configure("other", stage({ sign: { mode: "none" } }));
    world.commit("v1.2.3");
    await world.release("other");
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
  });

  test("is found beside junk, by what is signed", async () => {
    world.commit("v1.2.3");
    const { manifest } = await world.release();
    const digest = manifest.images[0]?.digest ?? "sha256:";
    for (let index = 0; index < 20; index += 1) {
      for (const pusher of evil) await pusher.attach(digest, Buffer.from(`junk ${index}`));
    }
    expect((await world.release()).built).toEqual([]);
  });
});

describe("a stack that promotes", () => {
  let prodOf: readonly [Pusher, Pusher];

  beforeEach(() => {
    prodOf = at("app", `${namespace}-prod`);
  });

  function prod(changes: object = {}) {
    return stage({
      registries: registries(`${namespace}-prod`),
      promote: { statement: "v1.2.3", registry: { host: proxy.host, namespace } },
      ...changes,
    });
  }

  const byKey = { verify: { keyFile: "cosign.pub" } };
  const statementOf = (version: string) => ({
    statement: version,
    registry: { host: proxy.host, namespace },
  });

  async function releaseBoth(): Promise<Digest> {
    await world.release();
    world.commit("v1.2.3");
    const { manifest } = await world.release();
    return manifest.images[0]?.digest ?? "sha256:";
  }

  async function inProd(...tags: readonly string[]): Promise<Set<Digest>> {
    const found = await Promise.all(tags.flatMap((tag) => prodOf.map((pusher) => pusher.digest(tag))));
    return new Set(found);
  }

  test.each<[string, string, string, (honest: Digest) => Promise<void>]>([
    [
      "a tag on the signed image of another version, and an unsigned statement",
      "v9.9.9",
      "version-not-verified",
      async (honest) => {
        await evil[0].state(honest, statement({ version: "9.9.9" }));
        await evil[0].tag(honest, "9.9.9");
      },
    ],
    [
      "a tag on an image that another key signed",
      "v9.9.9",
      "version-not-verified",
      async () => {
        const digest = await evil[0].push();
        await evil[0].sign(digest, claim({ version: "9.9.9" }), statement({ version: "9.9.9" }));
        await evil[0].tag(digest, "9.9.9");
      },
    ],
    [
      "a version's tag that was moved to another signed version",
      "v1.2.3",
      "version-not-verified",
      async () => evil[0].tag(await evil[0].digest("1.2.2"), "1.2.3"),
    ],
    [
      "a version's tag that was moved to an image with the honest bundles",
      "v1.2.3",
      "version-not-verified",
      async (honest) => {
        const digest = await evil[0].push();
        await evil[0].steal(evil[0], honest, digest);
        await evil[0].tag(digest, "1.2.3");
      },
    ],
    [
      "an own statement for another repository",
      "v9.9.9",
      "version-not-verified",
      async () => {
        const stated = statement({ version: "9.9.9", repositories: ["localhost:1/octo/app"] });
        await evil[0].tag(await signedByTheProject(evil[0], {}, stated, stated), "9.9.9");
      },
    ],
  ])("by a statement refuses %s", async (_, version, code, attack) => {
    const honest = await releaseBoth();
    await attack(honest);
    for (const verify of [{}, byKey]) {
      world.configure("prod", prod({ promote: { ...statementOf(version), ...verify } }));
      await expect(world.release("prod"), JSON.stringify(verify)).rejects.toThrow(`[${code}]`);
    }
    expect(await prodOf[0].client.listTags(prodOf[0].path)).toEqual([]);
  });

  test.each([
    ["by its own signer", {}, {}],
    ["by the key that promote.verify names", { sign: { mode: "none" } }, byKey],
  ])("takes a release, and no version that is not verified holds its tags: %s", async (_, sign, verify) => {
    const honest = await releaseBoth();
    world.configure("prod", prod({ ...sign, promote: { ...statementOf("v1.2.3"), ...verify } }));
    for (const pusher of prodOf) await pusher.tag(await pusher.push(), "9.9.9", sha(), "latest");
    await world.release("prod", {
      afterPlan: async () => {
        for (const pusher of prodOf) await pusher.tag(await pusher.push(), "1.2.9");
      },
    });
    expect(await inProd("1.2.3", "1.2", "1", "latest", sha())).toEqual(new Set([honest]));
    await expectNothingForgedIsSigned(...prodOf);
  });

  test("a newer version that was promoted holds, on a machine without state and git tags", async () => {
    world.configure("prod", prod());
    await releaseBoth();
    world.commit("v1.3.0");
    const { manifest } = await world.release();
    world.configure("prod", prod({ promote: statementOf("v1.3.0") }));
    await world.release("prod");
    world.git("tag", "--delete", "v1.3.0");
    world.configure("prod", prod());
    await world.release("prod");
    expect(await inProd("latest", "1")).toEqual(new Set([manifest.images[0]?.digest]));
  });

  test("goes back to what it promoted, and to nothing else", async () => {
    await releaseBoth();
    for (const version of ["v1.2.2", "v1.2.3"]) {
      world.configure("prod", prod({ promote: statementOf(version) }));
      await world.release("prod");
    }
    const rollback = { to: "v1.2.2", bad: ["v1.2.3"] };
    world.configure("prod", prod({ rollback }));
    const old = await prodOf[0].digest("1.2.2");
    const { plan } = await world.plan("prod");
    expect(plan.refusals).toEqual([]);
    await world.release("prod");
    expect(await inProd("latest", "1", "1.2")).toEqual(new Set([old]));
    for (const pusher of prodOf) await pusher.tag(await pusher.digest("1.2.3"), "1.2.2");
    await expect(world.release("prod")).rejects.toThrow("[version-not-verified]");
    expect(await inProd("latest", "1", "1.2")).toEqual(new Set([old]));
  });

  test("an image that stays as it was promoted passes the gate all the same", async () => {
    const images = [image(), image({ name: "web" })];
    world.configure("stage", stage({ images }));
    world.configure("prod", prod({ images, promote: statementOf("v1.2.2") }));
    await world.release();
    const { manifest: previous } = await world.release("prod");
    world.commit("v1.2.3");
    await world.release();
    world.configure("prod", prod({ images, promote: { ...statementOf("v1.2.3"), images: ["app"] } }));
    expect((await world.plan("prod", previous)).plan.refusals).toEqual([]);

    const web = previous.images.find(({ name }) => name === "web")?.digest ?? "sha256:";
    const [there] = at("web", `${namespace}-prod`);
    const none = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }));
    await there.client.putManifest(there.path, web.replace(":", "-"), none, OCI_INDEX);
    await expect(world.release("prod", { previous })).rejects.toThrow(/web.*\[verify-/s);
  });

  test("without signatures it promotes nothing on a registry's word", async () => {
    world.configure("stage", stage({ sign: { mode: "none" } }));
    await releaseBoth();
    world.configure("prod", prod({ sign: { mode: "none" } }));
    await expect(world.release("prod")).rejects.toThrow("[policy-unverified-content]");
  });
});

describe("a stack that lists the registry of a lower one", () => {
  function prod(changes: object = {}) {
    const lower = { host: withApi.host, namespace };
    return stage({ registries: [{ host: proxy.host, namespace: `${namespace}-prod` }, lower], ...changes });
  }

  beforeEach(() => {
    world.configure("stage", stage({ registries: registries().slice(1) }));
    evil = [at("app", `${namespace}-prod`)[0], at("app")[1]];
  });

  test("takes what that one signed, also from an empty state and later", async () => {
    const { manifest } = await world.release();
    world.configure("prod", prod());
    for (let run = 0; run < 2; run += 1) {
      const released = await world.release("prod");
      expect(released.built).toEqual([]);
      expect(released.manifest.images[0]?.digest).toBe(manifest.images[0]?.digest);
    }
    expect((await world.release()).built).toEqual([]);
  });

  test("builds again what was forged there, whatever it says, with every gate on refuse", async () => {
    const policy = {
      unsignedPromotion: "refuse",
      missingProvenance: "refuse",
      uncommittedVersion: "refuse",
    };
    world.configure("prod", prod({ policy }));
    world.commit("v1.2.3");
    const { intent } = await planned("prod");
    const digest = await evil[1].push({ annotations: intent.annotations, provenance: provenance() });
    await evil[1].tag(digest, sha(), "latest");
    await expectOwnBuild("prod");
  });
});

describe("a base", () => {
  const base = {
    context: "app",
    dockerfile: "Dockerfile.base",
    include: ["kit"],
    platforms: ["linux/amd64"],
  };

  beforeEach(() => {
    world.configure("stage", stage({ base, images: [image({ platforms: ["linux/amd64"] })] }));
    world.write({
      "app/Dockerfile.base": "FROM scratch\nCOPY kit /kit\n",
      "app/kit": "kit",
    });
  });

  async function baseIntent() {
    world.write({ "app/Dockerfile": `ARG BASE_IMAGE\nFROM $\{BASE_IMAGE}\nCOPY file /file\n` });
    world.git("add", "--all");
    world.git("commit", "--quiet", "--message", "base");
    world.git("tag", "v1.2.3");
    const { plan } = await world.plan();
    const [found] = plan.images;
    if (found?.intent.candidateTag === undefined) throw new Error("no base is planned");
    return found.intent;
  }

  test.each<
    [string, (tag: string, annotations: Readonly<Record<string, string>>, key: string) => Promise<void>]
  >([
    [
      "without any annotation",
      async (tag) => {
        for (const pusher of evil) await pusher.tag(await pusher.push({ architectures: ["amd64"] }), tag);
      },
    ],
    [
      "with its content key",
      async (tag, annotations) => {
        for (const pusher of evil) await pusher.tag(await pusher.push({ annotations }), tag);
      },
    ],
    [
      "with an own claim about the image that is built from it",
      async (tag, annotations, contentKey) => {
        for (const pusher of evil)
          await pusher.tag(await signedByTheProject(pusher, annotations, claim({ contentKey, tag })), tag);
      },
    ],
  ])("that someone pushed %s is built again", async (_, attack) => {
    const intent = await baseIntent();
    const tag = intent.candidateTag ?? "";
    await attack(tag, intent.annotations, intent.contentKey);
    const forged = await digests(tag);
    const { built, manifest } = await world.release();
    expect(built).toEqual([intent.name, "app"]);
    const own = manifest.images.find(({ name }) => name === intent.name)?.digest;
    expect(await digests(tag)).toEqual(new Set([own]));
    expect(forged.has(own ?? "sha256:")).toBe(false);
    await expectNothingForgedIsSigned();
    expect((await world.release()).built).toEqual([]);
  });

  test("of the project's own with other content is refused under this name", async () => {
    const { candidateTag: tag = "", annotations, name } = await baseIntent();
    const said = claim({ image: name, contentKey: "d".repeat(64), tag });
    for (const pusher of evil) await pusher.tag(await signedByTheProject(pusher, annotations, said), tag);
    await expect(world.release()).rejects.toThrow("[base-other-content]");
  });
});

describe("a stack that signs nothing", () => {
  const settings = (policy: object = {}) => stage({ sign: { mode: "none" }, policy });

  beforeEach(async () => {
    const annotations = await nextAnnotations();
    for (const pusher of evil) await pusher.tag(await pusher.push({ annotations }), sha());
  });

  test("says what it takes on the registry's word", async () => {
    world.configure("stage", settings());
    const { plan } = await world.plan();
    expect(plan.images[0]).toMatchObject({ content: { from: "candidate" }, verifiedBy: "registry" });
    expect(planText(plan)).toContain("on the registry's word alone: nothing is signed (sign: none)");
  });

  test("takes nothing where its policy refuses that", async () => {
    world.configure("stage", settings({ unverifiedContent: "refuse" }));
    await expect(world.release()).rejects.toThrow("[policy-unverified-content]");
  });
});

describe("what is believed without a signature by the stack's key", () => {
  const own = () => stage({ registries: registries().slice(1) });

  test("the digest that slipway:adopt names is released and signed, and no other one under its tag", async () => {
    const annotations = { "org.opencontainers.image.revision": world.git("rev-parse", "HEAD") };
    const theirs = await evil[1].push({ annotations });
    await evil[1].tag(theirs, "1.2.2");
    world.configure("stage", own());
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
    world.configure("stage", { ...own(), adopt: [`app@${theirs}`] });
    const { built, manifest } = await world.release();
    expect([built, manifest.images[0]?.digest]).toEqual([[], theirs]);
    expect(await world.signed(`${evil[1].repository}@${theirs}`)).toEqual(["signature", RELEASE]);
    await evil[1].tag(await evil[1].push({ annotations }), "1.2.2");
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
  });

  test("what a replaced key signed, where sign.trusted names that key, and nowhere else", async () => {
    const { manifest } = await world.release();
    const old = world.keys;
    world.keys = newKeyPair();
    const sign = { mode: "key", publicKey: world.keys.publicPem };
    world.configure("stage", stage({ sign }));
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
    world.configure("stage", stage({ sign: { ...sign, trusted: [{ key: old.publicPem }] } }));
    const again = await world.release();
    expect(again.built).toEqual([]);
    world.write({ "cosign.pub": world.keys.publicPem });
    for (const { repository } of evil)
      expect(await world.signed(`${repository}@${manifest.images[0]?.digest}`)).toContain(RELEASE);
  });

  test("the digests of artifacts/release-manifest.json, which is the state of slipway publish", async () => {
    world.configure("stage", own());
    const { manifest } = await world.release();
    const honest = manifest.images[0]?.digest ?? "";
    const forged = await evil[1].push();
    await evil[1].tag(forged, "1.2.2", "1.2", "1", "latest", sha());
    const state = JSON.stringify({ ...manifest, run: { tags: [] } }).replaceAll(honest, forged);
    world.write({ "artifacts/release-manifest.json": state });
    const env = { PATH: process.env.PATH, COSIGN_PRIVATE_KEY: world.keys.privatePem };
    expect(await publish({ stack: "stage", cwd: world.dir, env, flags: [], output: "table" })).toBe(0);
    expect(await world.signed(`${evil[1].repository}@${forged}`)).toContain("signature");
  });
});
