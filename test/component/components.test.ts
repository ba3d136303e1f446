import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { ImageRelease, TagSet } from "../../components";
import { Secret } from "../../plan/secret";
import { anImage, anIntent, aPlannedImage, aPlannedTag, DIGEST, REVISION } from "../support/planned";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

let registered: Registered[] = [];

beforeEach(() => {
  registered = [];
});

beforeAll(async () => {
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, id }) => {
        registered.push({ type, name, inputs });
        const state = type === "docker-build:index:Image" ? { ...inputs, digest: DIGEST } : inputs;
        return { id: id || `${name}-id`, state };
      },
      call: () => ({}),
    },
    "slipway",
    "stage",
    false,
  );
});

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

function only(type: string): Registered {
  const found = registered.filter((resource) => resource.type === type);
  expect(found).toHaveLength(1);
  const [first] = found;
  if (first === undefined) throw new Error(`no ${type}`);
  return first;
}

const ARGS = {
  revision: REVISION,
  builder: {},
  plainHttpHosts: [],
  credentials: [{ host: "ghcr.io", username: "octo", password: new Secret("hush") }],
};

test("a release that has to be built: one build to all registries by digest, then its proof", async () => {
  const release = new ImageRelease("app", { ...ARGS, plan: aPlannedImage() });
  expect(await value(release.digest)).toBe(DIGEST);
  expect(await value(release.references)).toEqual([
    `ghcr.io/octo/app@${DIGEST}`,
    `docker.io/octo/app@${DIGEST}`,
  ]);
  const build = only("docker-build:index:Image");
  expect(build.name).toBe(`app-build-${"c".repeat(12)}`);
  expect(build.inputs).toMatchObject({
    push: false,
    buildOnPreview: false,
    context: { location: "app" },
    dockerfile: { location: "app/Dockerfile" },
    platforms: ["linux/amd64", "linux/arm64"],
    buildArgs: { BUILDKIT_MULTI_PLATFORM: "1", BUILDKIT_ATTEST_PROVENANCE: "mode=max" },
    exports: [
      {
        raw: 'type=image,push=true,push-by-digest=true,oci-mediatypes=true,"name=ghcr.io/octo/app,docker.io/octo/app"',
      },
    ],
  });
  expect(build.inputs).not.toHaveProperty("tags");
  expect(only("slipway-registry:index:Candidate")).toMatchObject({
    name: "app-candidate",
    inputs: {
      digest: DIGEST,
      source: "build",
      tag: "sha-0123456",
      platforms: ["linux/amd64", "linux/arm64"],
    },
  });
});

test("content that a registry has is declared without a build", async () => {
  const { build: _, ...found } = aPlannedImage({
    content: { from: "candidate", tag: "sha-0123456", digest: DIGEST },
  });
  const release = new ImageRelease("app", { ...ARGS, plan: found });
  expect(await value(release.digest)).toBe(DIGEST);
  expect(registered.map(({ type }) => type)).not.toContain("docker-build:index:Image");
  expect(only("slipway-registry:index:Candidate").inputs).toMatchObject({ source: "found", digest: DIGEST });
});

test("base images are pinned, caches cannot fail a release, values with commas survive", async () => {
  const intent = anIntent({
    image: anImage({ cacheTo: ["type=registry,ref=ghcr.io/octo/app:cache"] }),
    bases: { "docker.io/library/node:22": DIGEST },
    annotations: { "org.opencontainers.image.description": 'a, "b"' },
  });
  await value(new ImageRelease("app", { ...ARGS, plan: aPlannedImage({ intent }) }).digest);
  expect(only("docker-build:index:Image").inputs).toMatchObject({
    context: {
      named: { "docker.io/library/node:22": { location: `docker-image://docker.io/library/node@${DIGEST}` } },
    },
    cacheTo: [{ raw: "type=registry,ref=ghcr.io/octo/app:cache,ignore-error=true" }],
    exports: [
      {
        raw: expect.stringMatching(/,"annotation-index\.org\.opencontainers\.image\.description=a, ""b"""$/),
      },
    ],
  });
});

test("a base of the same release is pinned to its proved digest", async () => {
  const reference = "ghcr.io/octo/app:base-0123456789ab";
  const base = { image: "app-base", reference, repository: "ghcr.io/octo/app", contentKey: "0123456789ab" };
  const plan = aPlannedImage({ intent: anIntent({ base }) });
  const release = new ImageRelease("app", { ...ARGS, plan, baseDigest: pulumi.output(DIGEST) });
  await value(release.digest);
  expect(only("docker-build:index:Image").inputs.context).toEqual({
    location: "app",
    named: { [reference]: { location: `docker-image://ghcr.io/octo/app@${DIGEST}` } },
  });
  expect(() => new ImageRelease("other", { ...ARGS, plan })).toThrow("baseDigest is missing, for app-base");
});

test("credentials are inputs of the build alone", async () => {
  await value(new ImageRelease("app", { ...ARGS, plan: aPlannedImage() }).digest);
  const others = registered.filter(({ type }) => type !== "docker-build:index:Image");
  expect(JSON.stringify(others)).not.toContain("hush");
});

test("levels are written one after the other, with one barrier between two", async () => {
  const latest = aPlannedTag("latest", { class: "floating", slot: "latest" });
  const tags = new TagSet("tags", {
    levels: [
      { name: "version tags", tags: [aPlannedTag("1.2.3", { slot: "semver-version" })] },
      { name: "latest", tags: [latest, { ...latest, repository: "docker.io/octo/app" }] },
    ],
    digests: { app: DIGEST },
    repositories: { app: ["ghcr.io/octo/app", "docker.io/octo/app"] },
    proofs: [],
  });
  expect(await value(tags.tags)).toEqual([
    { image: "app", repository: "ghcr.io/octo/app", name: "1.2.3", class: "version", digest: DIGEST },
    { image: "app", repository: "ghcr.io/octo/app", name: "latest", class: "floating", digest: DIGEST },
    { image: "app", repository: "docker.io/octo/app", name: "latest", class: "floating", digest: DIGEST },
  ]);
  const order = registered.filter(({ type }) => type.startsWith("slipway-registry:")).map(({ name }) => name);
  expect(order.slice(0, 3)).toEqual(["tags-proven", "app-semver-version-ghcr.io", "tags-version-tags"]);
  expect(order.slice(3).sort()).toEqual(["app-latest-docker.io", "app-latest-ghcr.io"]);
});

test("two registries of one host have names of their own", async () => {
  const tag = aPlannedTag("1.2.3", { slot: "semver-version" });
  const twin = "ghcr.io/stage/app";
  const tags = new TagSet("tags", {
    levels: [{ name: "version tags", tags: [tag, { ...tag, repository: twin }] }],
    digests: { app: DIGEST },
    repositories: { app: ["ghcr.io/octo/app", twin] },
    proofs: [],
  });
  await value(tags.tags);
  const names = registered.filter(({ type }) => type.endsWith(":Tag")).map(({ name }) => name);
  expect(names.sort()).toEqual([
    "app-semver-version-ghcr.io-octo-app",
    "app-semver-version-ghcr.io-stage-app",
  ]);
});
