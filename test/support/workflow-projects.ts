import fc from "fast-check";
import type { CheckoutNeeds, WorkflowStack } from "../../src/plan/config";
import { readConfig } from "../../src/settings/read";
import { Encrypted } from "../../src/settings/secrets";

/** One stack's `slipway:*` settings, as they are written. */
export interface WrittenStack {
  readonly stack: string;
  readonly written: Readonly<Record<string, unknown>>;
}

/** The stacks of a project as the generator of workflows takes them. @throws ProblemError for settings that are wrong */
export function workflowStacks(
  project: readonly WrittenStack[],
  checkout: CheckoutNeeds = { submodules: false, lfs: false },
): WorkflowStack[] {
  return project.flatMap(({ stack, written }) => {
    const config = readConfig({ written, env: {}, secretKeys: [], readFile: () => "api\nworker\n" });
    const workflows = config.github?.workflows;
    return workflows === undefined
      ? []
      : [{ stack, config, workflows, configFile: `Pulumi.${stack}.yaml`, checkout }];
  });
}

/** Absent or there. */
function maybe<T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(value, { nil: undefined });
}

/** Entries that are undefined are not written. */
function written(entries: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));
}

const stackName = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,11}$/);
const environment = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9 ._-]{0,10}[A-Za-z0-9]$/);
const title = fc
  .stringMatching(/^[A-Za-z0-9][^\p{Cc}$"'#\\]{0,20}$/u)
  .filter((text) => !/[\ud800-\udfff]/.test(text));
const secret = fc.stringMatching(/^[A-FH-Z_][A-Z0-9_]{0,10}$/);
const refPattern = fc.constantFrom(
  "main",
  "release/*",
  "v*",
  "app-v*",
  "docker-v*",
  "hot+fix",
  "1.x",
  "a/b/c*",
);
const cron = fc.constantFrom("17 5 * * *", "0 * * * *", "59 3,15 1-7 1,6 0-5");

const registries = fc
  .record({
    first: fc.constantFrom(
      { host: "ghcr.io", namespace: "octo" },
      { host: "docker.io", namespace: "octo" },
      { host: "registry.example:5000" },
      { host: "localhost:5000" },
    ),
    second: maybe(
      fc.constantFrom(
        { host: "docker.io", namespace: "octopus", optional: true },
        { host: "ghcr.io", namespace: "octopus", optional: true },
        { host: "quay.example", namespace: "octo", username: "octo", password: new Encrypted() },
      ),
    ),
  })
  .map(({ first, second }) => (second === undefined ? [first] : [first, second]));

const imageParts = fc.record({
  platforms: maybe(
    fc.constantFrom(["linux/amd64"], ["linux/arm64"], ["linux/amd64", "linux/arm64", "linux/arm/v7"]),
  ),
  tags: maybe(
    fc.constantFrom(
      ["type=semver,pattern={{version}}", "type=sha"],
      ["type=raw,value={{input 'tag'}}"],
      ["type=raw,value={{input 'build_name'}}", "type=raw,value={{input 'tag'}}"],
      ["type=ref,event=branch"],
    ),
  ),
  cacheFrom: maybe(fc.constant(["type=registry,ref=ghcr.io/octo/app:cache"])),
  secrets: maybe(fc.constant({ "npm-token": new Encrypted() })),
});

const images = fc
  .uniqueArray(fc.constantFrom("app", "team/api", "a.b_c-d"), { minLength: 1, maxLength: 3 })
  .chain((names) => fc.tuple(...names.map((name) => imageParts.map((parts) => written({ name, ...parts })))));

/** What builds: plain images, one stack of lanes, services under one tag. */
const content = fc.oneof(
  { weight: 3, arbitrary: images.map((list): Record<string, unknown> => ({ images: list })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("main", "standalone").map(
      (lane): Record<string, unknown> => ({
        images: [{ name: "app" }],
        lane,
        lanes: [
          { name: "main", format: "vX.Y.Z", floating: "latest", trigger: "docker-v*" },
          {
            name: "standalone",
            format: "standalone-vX.Y.Z",
            floating: "standalone-latest",
            trigger: "standalone-v*",
          },
        ],
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Record<string, unknown>>({
      publishVersionTag: true,
      images: ["langgraph", "api"].map((name) => ({
        name,
        target: name,
        platforms: ["linux/amd64"],
        tags: ["type=ref,event=tag"],
        labels: "none",
      })),
    }),
  },
);

/** A runner for each platform that the images above are built for, or none of its own. */
const runners = maybe(
  fc.constantFrom<unknown>(
    false,
    { "linux/amd64": "ubuntu-24.04", "linux/arm64": "ubuntu-24.04-arm", "linux/arm/v7": "ubuntu-24.04-arm" },
    { "linux/amd64": "ubuntu-latest", "linux/arm64": "ubuntu-22.04-arm", "linux/arm/v7": "ubuntu-latest" },
  ),
);

/** What all stacks of a project have in common. */
const common = fc.record({
  hosts: maybe(fc.constantFrom(["github"], ["gitea"], ["github", "gitea"])),
  directory: maybe(fc.constantFrom(".", "release", "deploy/images")),
  runner: maybe(fc.constantFrom("ubuntu-24.04", "ubuntu-24.04-arm", "ubuntu-latest")),
  node: maybe(fc.constantFrom("22", "24", "24.1.0")),
  install: maybe(fc.constantFrom(["pnpm", "install", "--frozen-lockfile"], ["npm", "ci"])),
  timeout: maybe(fc.integer({ min: 1, max: 360 })),
});

const preview = maybe(fc.constant({}));
const drift = maybe(fc.record({ cron, currentBases: fc.boolean() }));

const building = fc.record({
  release: maybe(
    fc.record({
      name: maybe(title),
      on: maybe(fc.constantFrom(["release"], ["tags"], ["release", "tags"], [])),
      tags: maybe(fc.uniqueArray(refPattern, { minLength: 1, maxLength: 3 })),
    }),
  ),
  deploy: maybe(
    fc.record({ name: maybe(title), branches: fc.uniqueArray(refPattern, { minLength: 1, maxLength: 3 }) }),
  ),
});

const rest = fc.record({
  environment: maybe(environment),
  secrets: fc.uniqueArray(secret, { maxLength: 3 }),
  attest: fc.boolean(),
  runners,
  drift,
});

const other = fc.record({
  sign: maybe(fc.constantFrom({ mode: "keyless" }, { mode: "key" }, { mode: "none" })),
  artifacts: maybe(fc.constantFrom("artifacts", "out put/it's", "a$(b)`c`")),
  builder: maybe(fc.constantFrom({ name: "big" }, { name: "it's a builder" })),
});

const release = fc.record({ content, registries, building, preview, rest, other });
const promotion = fc.record({
  registries,
  rest,
  other,
  statement: fc.boolean(),
  follow: fc.boolean(),
  name: maybe(title),
});

/**
 * Projects of one to four stacks whose settings are right: some release or deploy, the last may promote what the first
 * deployed.
 */
export const workflowProject: fc.Arbitrary<WrittenStack[]> = fc
  .record({
    names: fc.uniqueArray(stackName, {
      minLength: 4,
      maxLength: 4,
      selector: (name) => name.toLowerCase().replace(/[^a-z0-9]/g, "-"),
    }),
    common,
    releases: fc.array(release, { minLength: 1, maxLength: 3 }),
    promotion: maybe(promotion),
  })
  .map(({ names, common: shared, releases, promotion: promoted }) => [
    ...releases.map((stack, index) => releasing(names[index] ?? "", shared, stack)),
    ...(promoted === undefined ? [] : [promoting(names[3] ?? "", names[0] ?? "", shared, promoted)]),
  ]);

type Common = typeof common extends fc.Arbitrary<infer T> ? T : never;
type Release = typeof release extends fc.Arbitrary<infer T> ? T : never;
type Promotion = typeof promotion extends fc.Arbitrary<infer T> ? T : never;

function releasing(stack: string, shared: Common, parts: Release): WrittenStack {
  const {
    building: { release: releases, deploy },
  } = parts;
  const workflows = written({
    ...written(shared),
    ...written(parts.rest),
    release: releases === undefined ? undefined : { file: `release-${stack}.yml`, ...written(releases) },
    deploy: deploy === undefined ? undefined : written(deploy),
    preview: parts.preview,
  });
  return {
    stack,
    written: {
      registries: parts.registries,
      ...parts.content,
      ...written(parts.other),
      github: { workflows },
    },
  };
}

function promoting(stack: string, from: string, shared: Common, parts: Promotion): WrittenStack {
  const workflows = written({
    ...written(shared),
    ...written(parts.rest),
    promote: written({ follow: parts.follow, name: parts.name }),
  });
  return {
    stack,
    written: {
      registries: parts.registries,
      images: [{ name: "app" }],
      ...written(parts.other),
      promote: parts.statement ? { statement: "v1.2.3" } : { from },
      github: { workflows },
    },
  };
}
