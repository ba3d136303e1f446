import { describe, expect, test } from "vitest";
import { ImageRelease, type ImageReleaseArgs } from "../../components/image-release";
import type { ImageConfig } from "../../src/plan/config";
import type { ImageIntent } from "../../src/plan/release-intent";
import type { PlannedImage } from "../../src/plan/release-plan";
import { Secret } from "../../src/plan/secret";
import { type Registered, record } from "../../src/testing/record";
import { FIRST, image, intent, planOf, registryState, SECOND, statement } from "../support/plan-state";
import { anImage, DIGEST, KEY, REVISION } from "../support/planned";

/** The planned image of a release: built, unless a registry has its content. */
function planned(changes: Partial<ImageIntent> = {}, state = registryState()): PlannedImage {
  const [first] = planOf(state, { intents: [intent(changes)] }).images;
  if (first === undefined) throw new Error("the plan has an image");
  return first;
}

const FOUND = registryState().with(FIRST, "sha-0123456", image());

async function released(plan: PlannedImage, args: Partial<ImageReleaseArgs> = {}) {
  const { resources, outputs } = await record(() => {
    new ImageRelease("app", { plan, builder: {}, plainHttpHosts: [], credentials: [], ...args });
  });
  return { resources, outputs: outputs.get("app") };
}

/** The inputs of an image's build. */
async function buildInputs(
  changes: Partial<ImageConfig> = {},
  more: Partial<ImageIntent> = {},
  args: Partial<ImageReleaseArgs> = {},
): Promise<Record<string, unknown>> {
  const { resources } = await released(planned({ image: anImage(changes), ...more }), args);
  return one(resources, "docker-build:index:Image").inputs;
}

function one(resources: readonly Registered[], type: string): Registered {
  const found = resources.filter((resource) => resource.type === type);
  const [only] = found;
  if (only === undefined || found.length > 1) throw new Error(`${found.length} resources of type ${type}`);
  return only;
}

/** The content resource with its plan, which is not kept in state. */
function contentOf(
  resources: readonly Registered[],
): Registered & { readonly plan: Record<string, unknown> } {
  const content = one(resources, "slipway-registry:index:Content");
  return { ...content, plan: JSON.parse(String(content.inputs.plan)) };
}

describe("a release that has to be built", () => {
  test("is a build, then its content, each a child of the release", async () => {
    const { resources, outputs } = await released(planned());
    expect(outputs).toEqual({ digest: DIGEST });
    expect(
      resources.map(({ type, name, parent, dependencies }) => ({ type, name, parent, dependencies })),
    ).toEqual([
      { type: "slipway:index:ImageRelease", name: "app", parent: "", dependencies: [] },
      { type: "docker-build:index:Image", name: "app-build-cccccccccccc", parent: "app", dependencies: [] },
      {
        type: "slipway-registry:index:Content",
        name: "app-content",
        parent: "app",
        dependencies: ["app-build-cccccccccccc"],
      },
    ]);
  });

  test("has its named contexts, pinned, and ssh, network and hosts without a socket or key", async () => {
    const tools = "docker.io/library/alpine:3.20";
    const inputs = await buildInputs(
      {
        contexts: { shared: { kind: "folder", path: "shared" }, tools: { kind: "image", reference: tools } },
        ssh: ["default"],
        network: "none",
        extraHosts: { db: "10.0.0.1" },
      },
      { bases: { [tools]: DIGEST } },
      { root: ".." },
    );
    const location = `docker-image://docker.io/library/alpine@${DIGEST}`;
    expect(inputs).toMatchObject({
      context: {
        location: "../app",
        named: { shared: { location: "../shared" }, tools: { location }, [tools]: { location } },
      },
      ssh: [{ id: "default" }],
      network: "none",
      addHosts: ["db:10.0.0.1"],
    });
    // By docker-build itself.
    expect(await buildInputs()).toMatchObject({ network: "default" });
  });

  test("has inputs that a policy pack can judge", async () => {
    const { resources } = await released(planned({ bases: { "docker.io/library/node:22": DIGEST } }), {
      sign: "key",
    });
    expect(one(resources, "slipway:index:ImageRelease").inputs).toEqual({
      image: "app",
      version: "1.2.3",
      revision: REVISION,
      origin: "source",
      repositories: [FIRST, SECOND],
      platforms: ["linux/amd64", "linux/arm64"],
      tags: [
        { name: "1.2.3", class: "version" },
        { name: "1", class: "floating" },
        { name: "latest", class: "floating" },
        { name: "sha-0123456", class: "revision" },
      ],
      bases: { "docker.io/library/node:22": DIGEST },
      provenance: true,
      sbom: "",
      signed: "key",
    });
  });

  test("is built once for all platforms and pushed to every registry by digest, without a tag", async () => {
    expect(await buildInputs()).toEqual({
      context: { location: "app", named: {} },
      dockerfile: { location: "app/Dockerfile" },
      platforms: ["linux/amd64", "linux/arm64"],
      buildArgs: { BUILDKIT_MULTI_PLATFORM: "1", BUILDKIT_ATTEST_PROVENANCE: "mode=max" },
      labels: {},
      cacheFrom: [],
      cacheTo: [],
      exports: [
        {
          raw: `type=image,push=true,push-by-digest=true,oci-mediatypes=true,"name=${FIRST},${SECOND}"`,
        },
      ],
      push: false,
      buildOnPreview: false,
      network: "default",
      registries: [],
    });
  });

  test("keeps what it pushed on deletion, and is not rebuilt for another builder, cache or registry", async () => {
    const { resources } = await released(planned());
    expect(one(resources, "docker-build:index:Image")).toMatchObject({
      retainOnDelete: true,
      ignoreChanges: [
        "registries",
        "builder",
        "cacheFrom",
        "cacheTo",
        "context.named",
        "buildArgs.BASE_IMAGE",
        "buildArgs.BUILDKIT_ATTEST_SBOM",
      ],
    });
  });

  test("is verified, stated and signed: every platform, in every registry, by its content key", async () => {
    const content = contentOf((await released(planned(), { sign: "key" })).resources);
    expect(content.inputs.digest).toBe(DIGEST);
    expect(content.plan).toEqual({
      image: "app",
      repositories: [FIRST, SECOND],
      tag: "sha-0123456",
      contentKey: KEY,
      revision: REVISION,
      platforms: ["linux/amd64", "linux/arm64"],
      source: "build",
      attestations: "index",
      statement: statement(),
      sign: "key",
      incomplete: [FIRST, SECOND],
    });
  });

  test("is signed without a version to state", async () => {
    const { statement: _, ...unversioned } = planned();
    const { plan } = contentOf((await released(unversioned, { sign: "key" })).resources);
    expect(plan).toMatchObject({ sign: "key" });
    expect(plan).not.toHaveProperty("statement");
  });

  test("is another resource after every registry lost the first build", async () => {
    const { resources } = await released({ ...planned(), build: { generation: 2 } });
    expect(one(resources, "docker-build:index:Image").name).toBe("app-build-cccccccccccc-2");
  });
});

describe("content that a registry has", () => {
  test("is verified in every registry, and not built", async () => {
    const { resources, outputs } = await released(planned({}, FOUND));
    expect(resources.map(({ type }) => type)).not.toContain("docker-build:index:Image");
    expect(contentOf(resources)).toMatchObject({
      inputs: { digest: DIGEST },
      plan: { source: "found", repositories: [FIRST, SECOND], incomplete: [SECOND] },
      dependencies: [],
    });
    expect(outputs).toMatchObject({ digest: DIGEST });
  });

  test("keeps the build that this stack made", async () => {
    const { resources } = await released({ ...planned({}, FOUND), build: { generation: 0 } });
    expect(one(resources, "docker-build:index:Image").name).toBe("app-build-cccccccccccc");
    expect(contentOf(resources).plan).toMatchObject({ source: "found" });
  });
});

describe("the inputs of a build", () => {
  test("base images have the digests of the plan", async () => {
    const bases = { "node:22": DIGEST, "ghcr.io/octo/base:1": DIGEST };
    const { context } = await buildInputs({}, { bases });
    expect(context).toEqual({
      location: "app",
      named: {
        "node:22": { location: `docker-image://docker.io/library/node@${DIGEST}` },
        "ghcr.io/octo/base:1": { location: `docker-image://ghcr.io/octo/base@${DIGEST}` },
      },
    });
  });

  test("a cache that cannot be written does not fail the release", async () => {
    const { cacheTo } = await buildInputs({
      cacheTo: ["type=registry,ref=ghcr.io/octo/app:cache", "type=gha,ignore-error=false"],
    });
    expect(cacheTo).toEqual([
      { raw: "type=registry,ref=ghcr.io/octo/app:cache,ignore-error=true" },
      { raw: "type=gha,ignore-error=false" },
    ]);
  });

  test("annotations are on the index, with commas and quotes escaped", async () => {
    const annotations = { "dev.slipway.content-key": KEY, "org.opencontainers.image.title": 'a, "b"' };
    const { exports } = await buildInputs({}, { annotations }, { plainHttpHosts: ["localhost:5001"] });
    expect(exports).toEqual([
      {
        raw:
          `type=image,push=true,push-by-digest=true,oci-mediatypes=true,"name=${FIRST},${SECOND}",` +
          `registry.insecure=true,annotation-index.dev.slipway.content-key=${KEY},` +
          '"annotation-index.org.opencontainers.image.title=a, ""b"""',
      },
    ]);
  });

  test("labels, arguments, target, secrets, attestations and the commit's time", async () => {
    const inputs = await buildInputs(
      {
        context: ".",
        dockerfile: "build/Dockerfile",
        target: "final",
        provenance: false,
        sbom: { generator: "docker.io/octo/scanner:1", required: true },
        secrets: { token: new Secret("hush") },
        cacheFrom: ["type=gha"],
      },
      {
        buildArgs: { AGENT: "1.0.0" },
        sbom: { reference: "docker.io/octo/scanner:1", digest: DIGEST },
        labels: { "org.opencontainers.image.created": "2020-01-01T00:00:00Z" },
      },
      { builder: { name: "wide" } },
    );
    expect(inputs).toMatchObject({
      context: { location: "." },
      dockerfile: { location: "build/Dockerfile" },
      target: "final",
      builder: { name: "wide" },
      buildArgs: {
        AGENT: "1.0.0",
        BUILDKIT_MULTI_PLATFORM: "1",
        BUILDKIT_ATTEST_SBOM: `generator=docker.io/octo/scanner@${DIGEST}`,
        SOURCE_DATE_EPOCH: "1577836800",
      },
      labels: { "org.opencontainers.image.created": "2020-01-01T00:00:00Z" },
      secrets: { value: { token: "hush" } },
      cacheFrom: [{ raw: "type=gha" }],
    });
    expect(inputs.buildArgs).not.toHaveProperty("BUILDKIT_ATTEST_PROVENANCE");
  });

  test("credentials are inputs of the build alone", async () => {
    const credentials = [{ host: "localhost:5000", username: "octo", password: new Secret("hush") }];
    const { resources, outputs } = await released(planned(), { credentials });
    const build = one(resources, "docker-build:index:Image");
    expect(build.inputs.registries).toEqual([
      { address: "localhost:5000", username: "octo", password: "hush" },
    ]);
    const others = resources.filter((resource) => resource !== build);
    expect(JSON.stringify([others, outputs])).not.toMatch(/hush|octo"/);
  });
});

test("a base of the same release is pinned to its verified digest", async () => {
  const reference = "ghcr.io/octo/app:base-0123456789ab";
  const base = { image: "app-base", reference, repository: "ghcr.io/octo/app", contentKey: "0123456789ab" };
  const { context } = await buildInputs({}, { base }, { baseDigest: DIGEST });
  expect(context).toEqual({
    location: "app",
    named: { [reference]: { location: `docker-image://ghcr.io/octo/app@${DIGEST}` } },
  });
});
