import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import type { CheckoutNeeds } from "../../../src/plan/config";
import { ProblemError } from "../../../src/plan/problem";
import { Encrypted } from "../../../src/settings/secrets";
import { ACTION_PINS, PULUMI_VERSION } from "../../../src/workflows/action-pins";
import { type WorkflowFile, workflowFiles } from "../../../src/workflows/generate";
import { expression, type Step } from "../../../src/workflows/model";
import { secretUses } from "../../../src/workflows/setup-files";
import { type WrittenStack, workflowProject, workflowStacks } from "../../support/workflow-projects";

/** Names of the secrets without which a workflow fails. */
function secretsUsed(workflows: Parameters<typeof secretUses>[0]): string[] {
  const needed = secretUses(workflows).filter(({ optional }) => !optional);
  return [...new Set(needed.map(({ name }) => name))].sort();
}

/** Each run generates about four files. */
const RUNS = 25;

const GHCR = [{ host: "ghcr.io", namespace: "octo" }];
const IMAGES = [{ name: "app" }];

function filesOf(...project: readonly WrittenStack[]): WorkflowFile[] {
  return workflowFiles(workflowStacks(project));
}

function stack(name: string, workflows: object, more: object = {}): WrittenStack {
  return { stack: name, written: { registries: GHCR, images: IMAGES, github: { workflows }, ...more } };
}

function textOf(files: readonly WorkflowFile[], name: string): string {
  const found = files.find(({ path }) => path.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`no ${name}; ${files.map(({ path }) => path).join(", ")}`);
  return found.text;
}

interface ParsedJob {
  readonly "timeout-minutes"?: unknown;
  readonly permissions?: Record<string, string>;
  readonly environment?: string;
  readonly steps: readonly {
    readonly uses?: string;
    readonly run?: string;
    readonly with?: Record<string, unknown>;
    readonly env?: Record<string, string>;
  }[];
}

function jobsOf(text: string): ParsedJob[] {
  return Object.values((parse(text) as { jobs: Record<string, ParsedJob> }).jobs);
}

test("with queue: max, releasing runs wait in a queue on GitHub", () => {
  const workflows = { hosts: ["github", "gitea"], release: {}, deploy: {}, preview: {} };
  const queued = (queue: object) =>
    filesOf(stack("release", { ...workflows, ...queue }))
      .filter(({ text }) => parse(text).concurrency?.queue === "max")
      .map(({ path }) => path);
  expect(queued({})).toEqual([]);
  expect(queued({ queue: "max" })).toEqual([
    ".github/workflows/deploy-release.yml",
    ".github/workflows/release.yml",
  ]);
});

describe("every workflow of every project", () => {
  const each = (hold: (file: WorkflowFile) => void) =>
    fc.assert(
      fc.property(workflowProject, (project) => {
        for (const file of filesOf(...project)) hold(file);
      }),
      { numRuns: RUNS },
    );

  test("is the same text for the same settings", () => {
    fc.assert(
      fc.property(workflowProject, (project) => {
        expect(filesOf(...project)).toEqual(filesOf(...project));
      }),
      { numRuns: RUNS },
    );
  });

  test("grants nothing to the whole file, and gives each job a timeout and permissions", () => {
    each(({ text }) => {
      expect(parse(text)).toMatchObject({ permissions: {} });
      for (const job of jobsOf(text)) {
        expect(job["timeout-minutes"]).toBeTypeOf("number");
        expect(job.permissions).toBeDefined();
      }
    });
  });

  test("pins every action to a commit, with its version beside it", () => {
    each(({ text }) => {
      for (const [, line] of text.matchAll(/uses: (.*)/g)) {
        const [, name = "", commit, version] =
          /^([\w-]+\/[\w-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$/.exec(line ?? "") ?? [];
        expect(Object.entries(ACTION_PINS).find(([known]) => known === name)?.[1]).toMatchObject({
          commit,
          version,
        });
      }
    });
  });

  test("has no expression in a script, and leaves no token behind in a checkout", () => {
    each(({ text }) => {
      for (const { uses, run, with: inputs } of jobsOf(text).flatMap(({ steps }) => steps)) {
        expect(run ?? "").not.toContain("${{");
        if (uses?.startsWith("actions/checkout@")) expect(inputs?.["persist-credentials"]).toBe(false);
      }
    });
  });

  test("uses secrets only in jobs with an environment, and never on a pull request", () => {
    each(({ text, workflow }) => {
      for (const [id, { environment, steps }] of Object.entries(workflow.jobs)) {
        const uses = secretUses([{ ...workflow, jobs: { [id]: { ...workflow.jobs[id], steps } as never } }]);
        if (uses.length > 0) expect(environment).toBeDefined();
        if (["source", "comment", "attest"].includes(id) || workflow.on.pullRequest) expect(uses).toEqual([]);
      }
      const named = [...text.matchAll(/secrets\.([A-Z0-9_]+)/g)].map(([, name]) => name);
      expect([...new Set(named)].sort()).toEqual([
        ...new Set(secretUses([workflow]).map(({ name }) => name)),
      ]);
    });
  });

  test("runs no install scripts of packages, unless the settings have an install command", () => {
    each(({ text }) => {
      for (const { run = "" } of jobsOf(text).flatMap(({ steps }) => steps)) {
        if (/^npm ci/.test(run)) expect(run).toMatch(/^npm ci( --ignore-scripts)?$/);
      }
    });
  });

  test("gives the build job only registries and build secrets: no key, no identity, no state", () => {
    each(({ workflow: { jobs } }) => {
      for (const [id, { permissions, steps }] of Object.entries(jobs)) {
        if (!JSON.stringify(steps).includes("slipway build")) continue;
        expect(id).toBe("build");
        expect(Object.keys(permissions).filter((scope) => !["contents", "packages"].includes(scope))).toEqual(
          [],
        );
        const names = steps.flatMap((step) => Object.keys(step.env ?? {}));
        expect(names.filter((name) => /COSIGN|PULUMI|AWS/.test(name))).toEqual([]);
        expect(JSON.stringify(steps)).not.toMatch(/pulumi (up|stack)|pulumi\/actions/);
      }
    });
  });

  test("checks out the dispatched commit only after a job without secrets has found it", () => {
    each(({ workflow: { jobs, on } }) => {
      const { source, ...others } = jobs;
      expect(source !== undefined).toBe(on.dispatch !== undefined && "ref" in on.dispatch);
      if (source === undefined) return;
      expect(source.environment).toBeUndefined();
      expect(source.permissions).toEqual({ contents: "read" });
      expect(source.steps.map(({ name }) => name)).toEqual(["Check out", "Find the commit"]);
      for (const { steps, needs = [] } of Object.values(others)) {
        for (const step of steps) {
          if (!("uses" in step) || step.uses !== "actions/checkout") continue;
          expect(step.with?.ref).toBe(expression("needs.source.outputs.commit"));
          expect(needs).toContain("source");
        }
      }
    });
  });

  test("restores no cache, and never cancels a release", () => {
    each(({ text, workflow }) => {
      expect(text).not.toMatch(/actions\/cache|type=gha|^ +cache: /m);
      if (!("preview" in workflow.jobs) && workflow.on.schedule === undefined) {
        expect(workflow.concurrency?.cancelInProgress).toBe(false);
      }
    });
  });

  test("ends with a newline and has no trailing blanks", () => {
    each(({ text }) => {
      expect(text).toMatch(/[^\n]\n$/);
      expect(text).not.toMatch(/[ \t]$/m);
    });
  });
});

describe("a release", () => {
  const release = (workflows: object, more: object = {}) =>
    textOf(filesOf(stack("release", { release: {}, ...workflows }, more)), "release.yml");

  test("gives git globs without ! and +", () => {
    const tags = ["[0-9]+.[0-9]+", "v*", "!v1*-rc*"];
    const text = textOf(filesOf(stack("release", { release: { tags }, drift: {} })), "drift.yml");
    expect(text).toContain("refs/tags/[0-9]*.[0-9]* refs/tags/v*");
    expect(text).not.toContain("rc*");
  });

  test("with currentBases, fails the drift check for a base that has moved", () => {
    const drift = (settings: object) =>
      textOf(filesOf(stack("release", { release: {}, drift: settings })), "drift.yml");
    expect(drift({})).toContain("--read-only --expect-no-changes\n");
    expect(drift({ currentBases: true })).toContain(
      "--read-only --expect-no-changes --expect-current-bases\n",
    );
  });

  test.each([
    ["a published release", {}, { release: { types: ["published"] } }],
    ["git tags", { release: { on: ["tags"] } }, { push: { tags: ["v*"] } }],
    [
      "chosen git tags",
      { release: { on: ["tags"], tags: ["app-v*", "a+b"] } },
      { push: { tags: ["app-v*", "a\\+b"] } },
    ],
    [
      "git tags by patterns",
      { release: { on: ["tags"], tags: ["*", "[0-9]+.[0-9]+", "@octo/app@*", "!v1*-rc*"] } },
      { push: { tags: ["*", "[0-9]+.[0-9]+", "@octo/app@*", "!v1*-rc*"] } },
    ],
  ])("starts by %s, and by hand", (_, workflows, triggers) => {
    const { on } = parse(release(workflows)) as { on: Record<string, unknown> };
    const { workflow_dispatch: dispatch, ...rest } = on;
    expect(rest).toEqual(triggers);
    expect(Object.keys((dispatch as { inputs: object }).inputs)).toEqual([
      "version",
      "ref",
      "publish_version_tag",
      "dispatch_id",
    ]);
  });

  test("has an input for each that its tag rules read", () => {
    const text = release({}, { images: [{ name: "app", tags: ["type=raw,value={{input 'tag'}}"] }] });
    const { on } = parse(text) as { on: { workflow_dispatch: { inputs: object } } };
    expect(on.workflow_dispatch.inputs).toMatchObject({ tag: { required: true }, ref: { required: false } });
    expect(text).toContain(`group: release-\${{ inputs.tag || `);
    expect(text).toContain(`format('Release {0} ({1})', inputs.tag || inputs.ref, inputs.dispatch_id) || ''`);
  });

  test("of a lane has one group for a git tag and for the same version by hand", () => {
    const lanes = [
      { name: "main", format: "vX.Y.Z", floating: "latest", trigger: "docker-v*" },
      { name: "alone", format: "alone-vX.Y.Z", floating: "alone-latest", trigger: "alone-v*" },
    ];
    const main = release({}, { lanes, lane: "main" });
    expect(main).toContain("inputs.version && format('docker-{0}', inputs.version) || github.ref_type");
    expect(parse(main)).toMatchObject({ on: { push: { tags: ["docker-v*"] } } });
    expect(release({}, { lanes, lane: "alone" })).toContain("inputs.version || github.ref_type");
  });

  test("may write packages only for GHCR, and has an identity only for keyless signing", () => {
    const [, , job] = jobsOf(release({}));
    expect(job?.permissions).toEqual({ contents: "read", packages: "write" });
    const [, , other] = jobsOf(
      release({}, { registries: [{ host: "docker.io", namespace: "o" }], sign: { mode: "keyless" } }),
    );
    expect(other?.permissions).toEqual({ contents: "read", "id-token": "write" });
  });

  test("restores no configured cache, while a deploy does", () => {
    const images = [{ name: "app", cacheFrom: ["type=registry,ref=ghcr.io/octo/app:cache"] }];
    const files = filesOf(stack("release", { release: {}, deploy: {} }, { images }));
    expect(textOf(files, "release.yml")).toContain('RESTORE_CACHES: "false"');
    expect(textOf(files, "deploy-release.yml")).not.toContain("RESTORE_CACHES");
  });

  test("gets the signing key of its environment only in mode key", () => {
    const password = `COSIGN_PASSWORD: ${expression("secrets.COSIGN_PASSWORD")}`;
    expect(release({}, { sign: { mode: "key" } })).toContain(password);
    expect(release({}, { sign: { mode: "none" } })).not.toContain("COSIGN");
    expect(release({}, { sign: { mode: "keyless" } })).not.toContain("COSIGN");
  });

  test("of a program in a folder runs there and keeps the artifacts of that folder", () => {
    const text = release({ directory: "release" });
    expect(text).toContain("working-directory: release\n");
    expect(text).toContain("path: release/artifacts\n");
  });

  test("with requireTag requires the input version", () => {
    expect(parse(release({}, { requireTag: true }))).toMatchObject({
      on: { workflow_dispatch: { inputs: { version: { required: true } } } },
    });
  });

  test("sets up QEMU for platforms other than the runner's", () => {
    expect(release({})).toContain("platforms: linux/arm64\n");
    expect(release({ runner: "ubuntu-24.04-arm" })).toContain("platforms: linux/amd64\n");
    expect(release({}, { images: [{ name: "app", platforms: ["linux/amd64"] }] })).not.toContain("qemu");
  });

  test("is attested by a job of its own, on GitHub only", () => {
    const files = filesOf(stack("release", { release: {}, attest: true, hosts: ["github", "gitea"] }));
    const [github, gitea] = [".github", ".gitea"].map(
      (host) => files.find(({ path }) => path.startsWith(host))?.workflow.jobs ?? {},
    );
    expect(Object.keys(github ?? {})).toEqual(["source", "build", "release", "attest"]);
    expect(github?.release?.permissions).not.toHaveProperty("id-token");
    expect(Object.keys(gitea ?? {})).toEqual(["source", "build", "release"]);
  });

  test("is attested only for images of this run and for the commit that GitHub states", () => {
    const { attest } = filesOf(stack("release", { release: {}, attest: true }))[0]?.workflow.jobs ?? {};
    expect(attest?.if).toBe(
      "needs.release.outputs.subjects != '[]' && needs.source.outputs.commit == github.sha",
    );
  });
});

describe("submodules and Git LFS", () => {
  const PROJECT = [
    stack("stage", { release: {}, deploy: {}, preview: {}, drift: {}, hosts: ["github", "gitea"] }),
    stack("prod", { promote: {}, hosts: ["github", "gitea"] }, { promote: { from: "stage" } }),
  ];
  /** `file job`: what its check-out fetches. */
  const fetched = (checkout: CheckoutNeeds, host: string) =>
    Object.fromEntries(
      workflowFiles(workflowStacks(PROJECT, checkout))
        .filter((file) => file.host === host)
        .flatMap(({ workflow: { file, jobs } }) =>
          Object.entries(jobs).flatMap(([id, { steps }]) => {
            const inputs = steps.flatMap((step) =>
              "uses" in step && step.uses === "actions/checkout" ? [step.with ?? {}] : [],
            );
            const { submodules, lfs } = Object.assign({}, ...inputs);
            return inputs.length === 0 ? [] : [[`${file} ${id}`, [submodules, lfs]]];
          }),
        ),
    );

  test.each(["github", "gitea"])("are fetched by every job that reads a build context, on %s", (host) => {
    const [both, none] = [
      ["recursive", true],
      [undefined, undefined],
    ];
    expect(fetched({ submodules: true, lfs: true }, host)).toEqual({
      "release.yml source": none,
      "release.yml build": both,
      "release.yml release": both,
      "deploy-stage.yml build": both,
      "deploy-stage.yml deploy": both,
      "deploy-stage.yml promote-prod": none,
      "promote-prod.yml promote": none,
      "preview.yml preview": both,
      "drift.yml versions": both,
    });
  });

  test("are fetched only if the repository has them", () => {
    const seen = (checkout: CheckoutNeeds) =>
      [...new Set(Object.values(fetched(checkout, "github")).map(String))].sort();
    expect(seen({ submodules: false, lfs: false })).toEqual([","]);
    expect(seen({ submodules: true, lfs: false })).toEqual([",", "recursive,"]);
    expect(seen({ submodules: false, lfs: true })).toEqual([",", ",true"]);
  });
});

describe("a release on runners of each platform", () => {
  const split = (workflows: object = {}, more: object = {}) =>
    filesOf(stack("release", { release: {}, runners: true, ...workflows }, more));
  const jobs = (files: readonly WorkflowFile[]) => files[0]?.workflow.jobs ?? {};

  test("builds each platform without QEMU, and merges before the release", async () => {
    const files = split(
      {},
      {
        sign: { mode: "keyless" },
        registries: [...GHCR, { host: "docker.io", namespace: "octo", optional: true }],
      },
    );
    await expect(textOf(files, "release.yml")).toMatchFileSnapshot("native-release.yml");
  });

  test("uses the labels of the settings, only for platforms that are built", () => {
    const runners = { "linux/amd64": "big", "linux/arm64": "small", "linux/s390x": "mainframe" };
    expect(jobs(split({ runners })).build?.matrix?.include).toEqual([
      { platform: "linux/amd64", runner: "big", part: "linux-amd64" },
      { platform: "linux/arm64", runner: "small", part: "linux-arm64" },
    ]);
  });

  test("reads the same inputs in each job", () => {
    const lanes = [{ name: "main", format: "vX.Y.Z", floating: "latest", trigger: "docker-v*" }];
    const { build, release } = jobs(split({}, { lanes, lane: "main" }));
    const variables = (steps: readonly Step[] = [], name: string) =>
      steps.find((step) => step.name === name)?.env ?? {};
    const { PLATFORM: _, ...built } = variables(build?.steps, "Build");
    expect(variables(release?.steps, "Release")).toMatchObject(built);
    expect(built).toHaveProperty("RELEASE_TAG");
  });

  test("also builds for a deploy, before its promotions", () => {
    const files = filesOf(
      stack("stage", { deploy: {}, runners: true }),
      stack("prod", { promote: {}, runners: true }, { promote: { from: "stage" } }),
    );
    const deploy = files.find(({ path }) => path.endsWith("deploy-stage.yml"))?.workflow.jobs ?? {};
    expect(Object.keys(deploy)).toEqual(["build", "deploy", "promote-prod"]);
    expect(deploy["promote-prod"]?.needs).toEqual(["deploy"]);
  });
});

describe("promotion", () => {
  const stage = stack("stage", { deploy: {} });
  const prod = (promote: object, workflows: object = {}) =>
    stack("prod", { promote: {}, ...workflows }, { promote });

  test("follows the deploy of what it promotes, behind its own environment", async () => {
    const files = filesOf(stage, prod({ from: "stage" }));
    await expect(textOf(files, "deploy-stage.yml")).toMatchFileSnapshot("deploy-stage.yml");
    await expect(textOf(files, "promote-prod.yml")).toMatchFileSnapshot("promote-prod.yml");
    expect(files.find(({ path }) => path.endsWith("deploy-stage.yml"))?.stacks).toEqual(["prod", "stage"]);
  });

  test("does not follow with follow: false", () => {
    const files = filesOf(stage, prod({ from: "stage" }, { promote: { follow: false } }));
    expect(textOf(files, "deploy-stage.yml")).not.toContain("prod");
  });

  test("by statement takes a version as its input and needs no state", () => {
    const text = textOf(filesOf(prod({ statement: "v1.2.3" })), "promote-prod.yml");
    expect(text).toContain('pulumi config set --path slipway:promote.statement "$VERSION"');
    expect(text).toContain(`VERSION: ${expression("inputs.version")}`);
    expect(text).toContain("format('file://{0}', runner.temp)");
  });

  test("builds nothing", () => {
    const keyless = stack("prod", { promote: {} }, { promote: { from: "stage" }, sign: { mode: "keyless" } });
    const text = textOf(filesOf(keyless), "promote-prod.yml");
    expect(text).not.toMatch(/docker\/|qemu|id-token/);
  });
});

describe("secrets", () => {
  test("are listed with their environments and files, required ones apart", () => {
    const files = filesOf(
      stack(
        "stage",
        { deploy: {}, secrets: ["AWS_KEY"] },
        {
          registries: [
            { host: "docker.io", namespace: "octo" },
            { host: "ghcr.io", namespace: "octo", optional: true },
          ],
        },
      ),
      stack("prod", { promote: {} }, { promote: { from: "stage" } }),
    );
    const workflows = files.map(({ workflow }) => workflow);
    expect(secretsUsed(workflows)).toEqual([
      "AWS_KEY",
      "DOCKERHUB_TOKEN",
      "DOCKERHUB_USERNAME",
      "PULUMI_BACKEND_URL",
    ]);
    expect(secretUses(workflows)).toContainEqual({
      name: "PULUMI_BACKEND_URL",
      environment: "prod",
      optional: false,
      files: ["deploy-stage.yml", "promote-prod.yml"],
    });
  });
});

test("settings that only the engine can decrypt are secrets of the build job", () => {
  const quay = { host: "quay.example", username: "octo", password: new Encrypted() };
  const more = {
    registries: [quay, { ...quay, host: "other.example:5000" }],
    images: [{ name: "app", secrets: { "npm-token": new Encrypted() } }],
  };
  const files = filesOf(stack("a", { release: {} }, more));
  expect(secretsUsed(files.map((file) => file.workflow))).toEqual([
    "BUILD_SECRET_NPM_TOKEN",
    "CI_REGISTRY_PASSWORD",
    "CI_REGISTRY_USERNAME",
    "OTHER_EXAMPLE_5000_PASSWORD",
    "OTHER_EXAMPLE_5000_USERNAME",
  ]);
});

describe("a preview", () => {
  const jobs = (...stacks: readonly WrittenStack[]) => filesOf(...stacks)[0]?.workflow.jobs ?? {};

  test("plans without an engine, an environment or write permissions", () => {
    const { preview, ...others } = jobs(stack("a", { preview: {} }), stack("b", { preview: {} }));
    expect(Object.keys(others)).toEqual(["comment"]);
    expect(preview?.environment).toBeUndefined();
    expect(preview?.permissions).toEqual({ contents: "read", packages: "read" });
    expect(JSON.stringify(preview)).not.toMatch(/secrets\.|pulumi|PULUMI/);
  });

  test("is posted by a job without the pull request's code, and not for forks", () => {
    const { comment } = jobs(stack("a", { preview: {} }));
    expect(comment?.permissions).toEqual({ "pull-requests": "write" });
    expect(comment?.if).toContain("head.repo.full_name == github.repository");
    expect(comment?.steps.map((step) => ("uses" in step ? step.uses : step.name))).toEqual([
      "actions/download-artifact",
      "Post or update the comment",
    ]);
  });
});

describe("contradicting settings", () => {
  const problems = (...project: readonly WrittenStack[]) => {
    try {
      filesOf(...project);
    } catch (error) {
      if (error instanceof ProblemError) return error.problems.map(({ path, code }) => `${path} [${code}]`);
      throw error;
    }
    return [];
  };

  test.each<[string, readonly WrittenStack[], string]>([
    [
      "two stacks with one file",
      [stack("a", { release: {} }), stack("b", { release: {} })],
      "b: github.workflows.release.file [workflows-file]",
    ],
    [
      "a preview with requireTag",
      [stack("a", { preview: {} }, { requireTag: true })],
      "a: github.workflows.preview [workflows-preview-tag]",
    ],
    [
      "a promotion without a source",
      [stack("a", { promote: {} })],
      "a: github.workflows.promote [workflows-promote]",
    ],
    [
      "a shared file with two runners",
      [stack("a", { preview: {} }), stack("b", { preview: {}, runner: "ubuntu-latest" })],
      "b: github.workflows.preview [workflows-shared]",
    ],
    [
      "a platform without a runner",
      [
        stack(
          "a",
          { release: {}, runners: true },
          { images: [{ name: "app", platforms: ["linux/amd64", "linux/s390x"] }] },
        ),
      ],
      "a: github.workflows.runners.linux/s390x [workflows-runner]",
    ],
    [
      "a preview of a promotion from another stack",
      [stack("a", { preview: {} }, { promote: { from: "stage" } })],
      "a: github.workflows.preview [workflows-preview-promote]",
    ],
    [
      "a folder that would be an expression",
      [stack("a", { release: {} }, { artifacts: expression("secrets.X") })],
      "a: artifacts [workflows-expression]",
    ],
  ])("%s", (_, project, expected) => {
    expect(problems(...project).join(", ")).toBe(expected);
  });

  test.each<[string, object]>([
    ["a file's name with a folder", { release: { file: "../x.yml" } }],
    ["a title with an expression", { release: { name: `a ${expression("github.token")}` } }],
    ["a command with shell characters", { install: ["npm", "ci;", "id"] }],
    ["a runner with a line break", { runner: "a\nb" }],
    ["a platform's runner with an expression", { runners: { "linux/arm64": expression("github.token") } }],
    ["a schedule every minute", { drift: { cron: "* * * * *" } }],
    ["an invalid schedule", { drift: { cron: "0 25 * * *" } }],
    ["GitHub's own secret", { secrets: ["GITHUB_TOKEN"] }],
    ["a folder outside of the repository", { directory: "../release" }],
    ["a branch like an option", { deploy: { branches: ["--force"] } }],
  ])("%s is refused by the schema", (_, workflows) => {
    expect(problems(stack("a", workflows)).join()).toMatch(/^github\.workflows\.[^,]+ \[config-value\]/);
  });
});

test("an unknown platform of a runner is refused, with the known ones", () => {
  const runners = { "linux/arm": "ubuntu-24.04-arm" };
  expect(() => filesOf(stack("a", { release: {}, runners }))).toThrow(
    /github\.workflows\.runners\["linux\/arm"\]: is not a setting.*\n.*linux\/arm64/,
  );
});

test("the engine's version is the one that the project is tested with", async () => {
  const { partNamed } = await import("../../../toolchain/pins.mjs");
  expect(PULUMI_VERSION).toBe(partNamed("pulumi").version);
});
