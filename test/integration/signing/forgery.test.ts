import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { publish } from "../../../src/cli/publish/publish";
import type { Digest } from "../../../src/plan/digest";
import type { PlannedImage } from "../../../src/plan/release-plan";
import type { ContentClaim, ReleaseStatement } from "../../../src/plan/statement";
import { OCI_INDEX } from "../../../src/registry/manifests";
import { planText } from "../../../src/report/plan-text";
import { crane } from "../../support/crane";
import { type Pushed, Pusher } from "../../support/pusher";
import { newKeyPair } from "../../support/signed-image";
import { SignedWorld } from "../../support/signed-world";
import { startTwoRegistries } from "../../support/two-registries";

/**
 * Attacks by someone who can push to every registry and does not have the signing key: real registries, the real plan
 * and the real operations, judged by cosign. test/e2e/forgery.test.ts has those that need the engine and BuildKit.
 */
const TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];
const RELEASE = "https://slipway.dev/release/v1";
const CLAIM = "https://slipway.dev/claim/v1";
const REVISION = "org.opencontainers.image.revision";
const OTHER_COMMIT = "f".repeat(40);

const two = startTwoRegistries();
let world: SignedWorld;
let namespace: string;
let evil: readonly [Pusher, Pusher];
let count = 0;

beforeEach(() => {
  world = new SignedWorld();
  namespace = `n${count++}`;
  evil = at("app");
  world.configure("stage", stage());
  world.commit("v1.2.2");
});

afterEach(() => {
  two.proxy.reset();
  world.remove();
});

function at(image: string, inside = namespace): [Pusher, Pusher] {
  const [first, second] = two.hosts;
  return [new Pusher(first, `${inside}/${image}`), new Pusher(second, `${inside}/${image}`)];
}

function registries(inside = namespace) {
  return two.hosts.map((host) => ({ host, namespace: inside }));
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

const commit = () => world.git("rev-parse", "HEAD");
const sha = () => `sha-${commit().slice(0, 7)}`;
const provenance = () => ({ revision: commit(), builder: "https://ci.example" });

async function inBoth(attack: (pusher: Pusher) => Promise<unknown>): Promise<void> {
  for (const pusher of evil) await attack(pusher);
}

/** Pushes an image with the annotations of the next release, which `slipway plan --json` shows to anyone. */
async function pushForgery(pusher: Pusher, changes: Pushed = {}): Promise<Digest> {
  const { intent } = await planned();
  return pusher.push({ ...changes, annotations: { ...intent.annotations, ...changes.annotations } });
}

async function tagForgery(pusher: Pusher, tags: readonly string[], changes?: Pushed): Promise<void> {
  await pusher.tag(await pushForgery(pusher, changes), ...tags);
}

/** Pushes an image without annotations. */
async function tagOther(pusher: Pusher, ...tags: readonly string[]): Promise<void> {
  await pusher.tag(await pusher.push(), ...tags);
}

async function digests(...tags: readonly string[]): Promise<Set<Digest>> {
  const found = await Promise.all(tags.flatMap((tag) => evil.map((pusher) => pusher.digest(tag))));
  return new Set(found);
}

/** Nothing that was pushed without the key is signed with it, in any registry. */
async function expectNothingForgedIsSigned(...more: readonly Pusher[]): Promise<void> {
  for (const pusher of [...evil, ...more]) {
    for (const digest of pusher.pushed)
      expect(await world.signed(`${pusher.repository}@${digest}`), digest).toEqual([]);
  }
}

/** 1.2.3 is built, has all its tags in both registries, and is signed. */
async function expectOwnBuild(stack = "stage"): Promise<Digest> {
  const { digest, built } = await world.release(stack);
  expect(built).toContain("app");
  expect(await digests("1.2.3", "1.2", "1", "latest", sha())).toEqual(new Set([digest]));
  for (const { repository } of evil)
    expect(await world.signed(`${repository}@${digest}`)).toEqual(["signature", CLAIM, RELEASE]);
  await expectNothingForgedIsSigned();
  return digest;
}

function claim(changes: Partial<ContentClaim> = {}): ContentClaim {
  return {
    schema: 1,
    image: "app",
    lane: "",
    version: "1.2.3",
    revision: commit(),
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

/** An image that the project's own key signed. */
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

/** An image with the bundles of an honest release. */
async function withStolenBundles(pusher: Pusher, honest: Digest): Promise<Digest> {
  const digest = await pushForgery(pusher);
  await pusher.steal(pusher, honest, digest);
  return digest;
}

type Attack = readonly [what: string, attack: (honest: Digest) => Promise<void>];

/** Ways to pass an image off as the content of the version that is about to be released. */
const CONTENT: readonly Attack[] = [
  ["the commit's tag, with the content key", () => inBoth((pusher) => tagForgery(pusher, [sha()]))],
  ["the same in the second registry only", () => tagForgery(evil[1], [sha()])],
  [
    "every floating tag, with the content key and provenance",
    () => inBoth((pusher) => tagForgery(pusher, ["latest", "1.2", "1"], { provenance: provenance() })),
  ],
  [
    "the content key as annotation and as label",
    async () => {
      const { intent } = await planned();
      await tagForgery(evil[0], [sha(), "latest"], { labels: intent.annotations });
    },
  ],
  [
    "signed by another key: image, claim and statement",
    async () => {
      const { contentKey } = (await planned()).intent;
      await inBoth(async (pusher) => {
        const digest = await pushForgery(pusher);
        await pusher.sign(digest, claim({ contentKey }), statement());
        await pusher.tag(digest, sha(), "latest");
      });
    },
  ],
  [
    "the bundles of an honest release, by the fallback tag",
    async (honest) => evil[0].tag(await withStolenBundles(evil[0], honest), sha(), "latest"),
  ],
  [
    "the bundles of an honest release, by the referrers API",
    async (honest) => evil[1].tag(await withStolenBundles(evil[1], honest), sha(), "latest"),
  ],
  [
    "the honest list of referrers under the forged digest's fallback tag",
    async (honest) => {
      const [{ client, path }] = evil;
      const digest = await pushForgery(evil[0]);
      const list = await client.getManifest(path, honest.replace(":", "-"));
      if (list === undefined) throw new Error("there is no fallback tag");
      await client.putManifest(path, digest.replace(":", "-"), list.bytes, list.descriptor.mediaType);
      await evil[0].tag(digest, sha(), "latest");
    },
  ],
  [
    "an unsigned claim and an unsigned statement",
    async () => {
      const { contentKey } = (await planned()).intent;
      const digest = await pushForgery(evil[0]);
      await evil[0].state(digest, statement({ contentKey }));
      await evil[0].attach(digest, Buffer.from(JSON.stringify(claim({ contentKey }))));
      await evil[0].tag(digest, sha());
    },
  ],
  [
    "an image for one platform, with the content key",
    () => tagForgery(evil[0], [sha(), "latest"], { architectures: ["amd64"] }),
  ],
  [
    "an image of another commit under the commit's tag",
    () =>
      inBoth((pusher) =>
        tagForgery(pusher, [sha(), "latest"], { annotations: { [REVISION]: OTHER_COMMIT } }),
      ),
  ],
  [
    "annotations with an option of git, Markdown and control characters",
    () => {
      const annotations = {
        [REVISION]: "--upload-pack=/bin/false",
        "org.opencontainers.image.version": "9.9.9](https://evil.example) <img src=x>\n::set-output",
      };
      return inBoth((pusher) => tagForgery(pusher, [sha(), "latest", "1"], { annotations }));
    },
  ],
];

/** What the project itself signed for something else, with this content's key. */
const REPLAYED: readonly [what: string, changes: Partial<ContentClaim>][] = [
  ["about another image", { image: "web" }],
  ["of another lane", { lane: "edge" }],
  ["for another repository", { repositories: ["localhost:1/octo/app"] }],
];

describe("content that an attacker passes off as the next version is built again", () => {
  test.each(CONTENT)("%s", async (_, attack) => {
    const { digest: honest } = await world.release();
    world.commit("v1.2.3");
    await attack(honest);
    const digest = await expectOwnBuild();
    // As on another machine with the key.
    expect(await world.release()).toMatchObject({ built: [], digest });
  });

  test("by the tag that its content key makes", async () => {
    world.configure("stage", stage({ images: [image({ tags: TAGS.slice(0, 3) })] }));
    const { candidateTag = "" } = (await planned()).intent;
    expect(candidateTag).toMatch(/^candidate-/);
    await inBoth((pusher) => tagForgery(pusher, [candidateTag]));
    const { built, digest } = await world.release();
    expect(built).toEqual(["app"]);
    expect(await digests(candidateTag, "1.2.2")).toEqual(new Set([digest]));
    await expectNothingForgedIsSigned();
  });

  test.each(REPLAYED)("an own claim %s", async (_, changes) => {
    await world.release();
    world.commit("v1.2.3");
    const { contentKey, annotations } = (await planned()).intent;
    const replayed = claim({ contentKey, ...changes });
    await inBoth(async (pusher) =>
      pusher.tag(await signedByTheProject(pusher, annotations, replayed), sha(), "latest"),
    );
    await expectOwnBuild();
  });

  test("a claim about the same image in another repository", async () => {
    const elsewhere = at("app", `${namespace}-other`);
    world.configure("other", stage({ registries: registries(`${namespace}-other`) }));
    const { digest } = await world.release("other");
    for (const index of [0, 1] as const) {
      await crane("copy", `${elsewhere[index].repository}@${digest}`, `${evil[index].repository}:${sha()}`);
      await evil[index].steal(elsewhere[index], digest, await evil[index].digest(sha()));
    }
    const own = await world.release();
    expect(own.built).toEqual(["app"]);
    expect(own.digest).not.toBe(digest);
  });
});

/** Ways to pass off a version tag, a statement or a platform. Each refuses the release, and says why. */
const REFUSED: readonly [what: string, code: string, attack: (honest: Digest) => Promise<void>][] = [
  ...(
    [
      [
        "the version's tag on an image that names the commit",
        () =>
          inBoth(async (pusher) =>
            pusher.tag(await pusher.push({ annotations: { [REVISION]: commit() } }), "1.2.3"),
          ),
      ],
      ["the version's tag in the second registry only", () => tagForgery(evil[1], ["1.2.3"])],
      [
        "the version's tag on the signed image of another version",
        (honest) => inBoth((pusher) => pusher.tag(honest, "1.2.3")),
      ],
      [
        "the same, with an unsigned statement of this version",
        (honest) =>
          inBoth(async (pusher) => {
            await pusher.state(honest, statement());
            await pusher.tag(honest, "1.2.3");
          }),
      ],
      [
        "the version's tag on an image that another key signed",
        () =>
          inBoth(async (pusher) => {
            const digest = await pushForgery(pusher);
            await pusher.sign(digest, claim(), statement());
            await pusher.tag(digest, "1.2.3");
          }),
      ],
      [
        "the version's tag on an image with the bundles of an honest release",
        (honest) => inBoth(async (pusher) => pusher.tag(await withStolenBundles(pusher, honest), "1.2.3")),
      ],
      ...REPLAYED.map(
        ([what, changes]): Attack => [
          `the version's tag on an image with an own statement ${what}`,
          () =>
            inBoth(async (pusher) => {
              const { annotations } = (await planned()).intent;
              const stated = statement(changes);
              await pusher.tag(await signedByTheProject(pusher, annotations, stated, stated), "1.2.3");
            }),
        ],
      ),
      [
        "the version's tag on an image with an own claim and no statement",
        () =>
          inBoth(async (pusher) => {
            const { annotations } = (await planned()).intent;
            await pusher.tag(await signedByTheProject(pusher, annotations, claim()), "1.2.3");
          }),
      ],
    ] satisfies Attack[]
  ).map(([what, attack]): (typeof REFUSED)[number] => [what, "version-not-verified", attack]),
  [
    "the version's tag on an image with an own statement of another commit",
    "version-of-another-revision",
    () =>
      inBoth(async (pusher) => {
        const stated = statement({ revision: OTHER_COMMIT });
        await pusher.tag(await signedByTheProject(pusher, {}, stated, stated), "1.2.3");
      }),
  ],
  [
    "the commit's tag on a signed image of another commit",
    "tag-other-revision",
    (honest) => evil[0].tag(honest, sha()),
  ],
  [
    "sixty versions that are newer",
    "versions-not-verified",
    () => tagOther(evil[0], ...Array.from({ length: 60 }, (_, patch) => `9.9.${patch}`)),
  ],
];

describe("a release is refused with a reason", () => {
  test.each(REFUSED)("%s: %s", async (_, code, attack) => {
    const { digest: honest } = await world.release();
    world.commit("v1.2.3");
    await attack(honest);
    await expect(world.release()).rejects.toThrow(`[${code}]`);
    expect(await digests("latest", "1.2", "1")).toEqual(new Set([honest]));
    await expectNothingForgedIsSigned();
    for (const pusher of evil) expect(await world.signed(`${pusher.repository}@${honest}`)).toHaveLength(3);
  });
});

/** Ways to keep floating tags from a release. */
const NEWER: readonly Attack[] = [
  ["an unsigned image", () => inBoth((pusher) => tagOther(pusher, "9.9.9", "1.2.9"))],
  ["one in the second registry only", () => tagOther(evil[1], "9.9.9", "1.9.9", "1.2.9")],
  ["the signed image of another version", (honest) => evil[0].tag(honest, "9.9.9")],
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
      await tagOther(evil[0], "9.9.9");
    },
  ],
];

describe("a newer version that is not verified does not hold floating tags", () => {
  test.each(NEWER)("%s", async (_, attack) => {
    const { digest: honest } = await world.release();
    world.commit("v1.2.3");
    await attack(honest);
    await expectOwnBuild();
  });

  test.each([
    ["the first registry", 0],
    ["the second registry", 1],
  ] as const)(
    "a floating tag of a newer release, moved in %s, goes back to that release",
    async (_, index) => {
      world.commit("v1.3.0");
      const { digest: newest } = await world.release();
      await tagOther(evil[index], "latest", "1");
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
    const { annotations } = (await planned()).intent;
    const { digest } = await world.release("stage", {
      [moment]: () =>
        inBoth(async (pusher) => pusher.tag(await pusher.push({ annotations }), sha(), "latest", "1.2")),
    });
    expect(await digests("1.2.3", "1.2", "1", "latest", sha())).toEqual(new Set([digest]));
    await expectNothingForgedIsSigned();
  });

  test("the version's tag is written: the release stops before any floating tag", async () => {
    const before = await digests("latest");
    const release = world.release("stage", {
      whileBuilding: () => tagOther(evil[1], "1.2.3"),
    });
    await expect(release).rejects.toThrow(/1\.2\.3 is a version tag and already points to/);
    expect(await digests("latest")).toEqual(before);
    await expectNothingForgedIsSigned();
  });

  test("newer versions appear: floating tags move all the same", async () => {
    const { digest } = await world.release("stage", {
      whileBuilding: () => inBoth((pusher) => tagOther(pusher, "9.9.9")),
    });
    expect(await digests("latest", "1")).toEqual(new Set([digest]));
  });

  test("a newer version appears at the very write of latest: the tag is not given to it", async () => {
    two.proxy.inject({
      method: "PUT",
      path: /\/manifests\/latest$/,
      times: 1,
      fault: { kind: "call", run: () => tagOther(evil[0], "9.9.9") },
    });
    const { digest } = await world.release();
    expect(await digests("latest")).toEqual(new Set([digest]));
    await expectNothingForgedIsSigned();
  });

  test("an honest newer version appears then, and is another image in this registry", async () => {
    world.configure("newer", stage({ registries: registries().slice(1) }));
    two.proxy.inject({
      method: "PUT",
      path: /\/manifests\/latest$/,
      times: 1,
      fault: {
        kind: "call",
        run: async () => {
          world.commit("v1.3.0");
          await world.release("newer");
          await tagOther(evil[0], "1.3.0");
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
    const { digest, plan } = await world.release();
    await inBoth((pusher) =>
      pusher.state(digest, { ...statement({ source: "https://evil.example/app" }), extra: true }),
    );
    const again = await world.release();
    expect(again.built).toEqual([]);
    expect(again.plan.images[0]?.statement).toEqual(plan.images[0]?.statement);
    await inBoth(async (pusher) => {
      for (const bytes of await pusher.bundles(digest)) {
        const { dsseEnvelope } = JSON.parse(Buffer.from(bytes).toString());
        expect(Buffer.from(dsseEnvelope.payload, "base64").toString()).not.toContain("evil.example");
      }
    });
  });

  test("cannot lose the record of uncommitted changes", async () => {
    world.configure("stage", stage({ requireTag: false }));
    world.commit("v1.2.3");
    world.write({ "app/file": "not committed" });
    const { digest, manifest } = await world.release();
    world.write({ "app/file": "v1.2.3" });
    const { revision } = manifest;
    await inBoth((pusher) => pusher.state(digest, statement({ revision })));
    expect((await planned()).statement).toMatchObject({ dirty: true });
  });

  test("is adopted by another machine with the key, by what is signed", async () => {
    world.commit("v1.2.3");
    const { digest } = await world.release();
    expect(await planned()).toMatchObject({
      content: { from: "version-tag", digest },
      verifiedBy: "signature",
    });
  });

  test("is verified by the stack's own state, and nothing else under that tag is", async () => {
    world.commit("v1.2.3");
    const { manifest } = await world.release();
    expect((await world.release("stage", { previous: manifest })).built).toEqual([]);
    await tagForgery(evil[1], ["1.2.3"]);
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
    const { digest } = await world.release();
    for (let index = 0; index < 20; index += 1)
      await inBoth((pusher) => pusher.attach(digest, Buffer.from(`junk ${index}`)));
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
      promote: statementOf("v1.2.3"),
      ...changes,
    });
  }

  const byKey = { verify: { keyFile: "cosign.pub" } };
  const statementOf = (version: string) => ({
    statement: version,
    registry: { host: two.proxy.host, namespace },
  });

  async function releaseBoth(): Promise<Digest> {
    await world.release();
    world.commit("v1.2.3");
    return (await world.release()).digest;
  }

  async function inProd(...tags: readonly string[]): Promise<Set<Digest>> {
    const found = await Promise.all(tags.flatMap((tag) => prodOf.map((pusher) => pusher.digest(tag))));
    return new Set(found);
  }

  test.each<[string, string, (honest: Digest) => Promise<void>]>([
    [
      "a tag on the signed image of another version, and an unsigned statement",
      "v9.9.9",
      async (honest) => {
        await evil[0].state(honest, statement({ version: "9.9.9" }));
        await evil[0].tag(honest, "9.9.9");
      },
    ],
    [
      "a tag on an image that another key signed",
      "v9.9.9",
      async () => {
        const digest = await evil[0].push();
        await evil[0].sign(digest, claim({ version: "9.9.9" }), statement({ version: "9.9.9" }));
        await evil[0].tag(digest, "9.9.9");
      },
    ],
    [
      "a version's tag that was moved to another signed version",
      "v1.2.3",
      async () => evil[0].tag(await evil[0].digest("1.2.2"), "1.2.3"),
    ],
    [
      "a version's tag that was moved to an image with the honest bundles",
      "v1.2.3",
      async (honest) => evil[0].tag(await withStolenBundles(evil[0], honest), "1.2.3"),
    ],
    [
      "an own statement for another repository",
      "v9.9.9",
      async () => {
        const stated = statement({ version: "9.9.9", repositories: ["localhost:1/octo/app"] });
        await evil[0].tag(await signedByTheProject(evil[0], {}, stated, stated), "9.9.9");
      },
    ],
  ])("by a statement refuses %s", async (_, version, attack) => {
    await attack(await releaseBoth());
    for (const verify of [{}, byKey]) {
      world.configure("prod", prod({ promote: { ...statementOf(version), ...verify } }));
      await expect(world.release("prod"), JSON.stringify(verify)).rejects.toThrow("[version-not-verified]");
    }
    expect(await prodOf[0].client.listTags(prodOf[0].path)).toEqual([]);
  });

  test.each([
    ["by its own signer", {}, {}],
    ["by the key that promote.verify names", { sign: { mode: "none" } }, byKey],
  ])("takes a release, and no version that is not verified holds its tags: %s", async (_, sign, verify) => {
    const honest = await releaseBoth();
    world.configure("prod", prod({ ...sign, promote: { ...statementOf("v1.2.3"), ...verify } }));
    for (const pusher of prodOf) await tagOther(pusher, "9.9.9", sha(), "latest");
    await world.release("prod", {
      afterPlan: async () => {
        for (const pusher of prodOf) await tagOther(pusher, "1.2.9");
      },
    });
    expect(await inProd("1.2.3", "1.2", "1", "latest", sha())).toEqual(new Set([honest]));
    await expectNothingForgedIsSigned(...prodOf);
  });

  test("a newer version that was promoted holds, on a machine without state and git tags", async () => {
    world.configure("prod", prod());
    await releaseBoth();
    world.commit("v1.3.0");
    const { digest } = await world.release();
    world.configure("prod", prod({ promote: statementOf("v1.3.0") }));
    await world.release("prod");
    world.git("tag", "--delete", "v1.3.0");
    world.configure("prod", prod());
    await world.release("prod");
    expect(await inProd("latest", "1")).toEqual(new Set([digest]));
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
    const [host, lower] = two.hosts;
    const promoted = { host, namespace: `${namespace}-prod` };
    return stage({ registries: [promoted, { host: lower, namespace }], ...changes });
  }

  beforeEach(() => {
    world.configure("stage", stage({ registries: registries().slice(1) }));
    evil = [at("app", `${namespace}-prod`)[0], at("app")[1]];
  });

  test("takes what that one signed, also from an empty state and later", async () => {
    const { digest } = await world.release();
    world.configure("prod", prod());
    for (const _run of ["first", "second"])
      expect(await world.release("prod")).toMatchObject({ built: [], digest });
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
      (tag) => inBoth(async (pusher) => pusher.tag(await pusher.push({ architectures: ["amd64"] }), tag)),
    ],
    [
      "with its content key",
      (tag, annotations) => inBoth(async (pusher) => pusher.tag(await pusher.push({ annotations }), tag)),
    ],
    [
      "with an own claim about the image that is built from it",
      (tag, annotations, contentKey) =>
        inBoth(async (pusher) =>
          pusher.tag(await signedByTheProject(pusher, annotations, claim({ contentKey, tag })), tag),
        ),
    ],
  ])("that an attacker pushed %s is built again", async (_, attack) => {
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
    await inBoth(async (pusher) => pusher.tag(await signedByTheProject(pusher, annotations, said), tag));
    await expect(world.release()).rejects.toThrow("[base-other-content]");
  });
});

describe("a stack that signs nothing", () => {
  const settings = (policy: object = {}) => stage({ sign: { mode: "none" }, policy });

  beforeEach(() => inBoth((pusher) => tagForgery(pusher, [sha()])));

  test("says what it takes on the registry's word", async () => {
    world.configure("stage", settings());
    const { plan } = await world.plan();
    expect(plan.images[0]).toMatchObject({ content: { from: "candidate" }, verifiedBy: "registry" });
    expect(planText(plan)).toContain("trusting the registry alone: nothing is signed (sign: none)");
  });

  test("takes nothing where its policy refuses that", async () => {
    world.configure("stage", settings({ unverifiedContent: "refuse" }));
    await expect(world.release()).rejects.toThrow("[policy-unverified-content]");
  });
});

describe("trusted without a signature by the stack's key", () => {
  const own = () => stage({ registries: registries().slice(1) });

  test("the digest that slipway:adopt names is released and signed, and no other one under its tag", async () => {
    const annotations = { [REVISION]: commit() };
    const theirs = await evil[1].push({ annotations });
    await evil[1].tag(theirs, "1.2.2");
    world.configure("stage", own());
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
    world.configure("stage", { ...own(), adopt: [`app@${theirs}`] });
    expect(await world.release()).toMatchObject({ built: [], digest: theirs });
    expect(await world.signed(`${evil[1].repository}@${theirs}`)).toEqual(["signature", RELEASE]);
    await evil[1].tag(await evil[1].push({ annotations }), "1.2.2");
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
  });

  test("what a replaced key signed, where sign.trusted names that key, and nowhere else", async () => {
    const { digest } = await world.release();
    const old = world.keys;
    world.keys = newKeyPair();
    const sign = { mode: "key", publicKey: world.keys.publicPem };
    world.configure("stage", stage({ sign }));
    await expect(world.release()).rejects.toThrow("[version-not-verified]");
    world.configure("stage", stage({ sign: { ...sign, trusted: [{ key: old.publicPem }] } }));
    expect((await world.release()).built).toEqual([]);
    world.write({ "cosign.pub": world.keys.publicPem });
    for (const { repository } of evil)
      expect(await world.signed(`${repository}@${digest}`)).toContain(RELEASE);
  });

  test("the digests of artifacts/release-manifest.json, which is the state of slipway publish", async () => {
    world.configure("stage", own());
    const { digest: honest, manifest } = await world.release();
    const forged = await evil[1].push();
    await evil[1].tag(forged, "1.2.2", "1.2", "1", "latest", sha());
    const state = JSON.stringify({ ...manifest, run: { tags: [] } }).replaceAll(honest, forged);
    world.write({ "artifacts/release-manifest.json": state });
    const env = { PATH: process.env.PATH, COSIGN_PRIVATE_KEY: world.keys.privatePem };
    expect(await publish({ stack: "stage", cwd: world.dir, env, flags: [], output: "table" })).toBe(0);
    expect(await world.signed(`${evil[1].repository}@${forged}`)).toContain("signature");
  });
});
