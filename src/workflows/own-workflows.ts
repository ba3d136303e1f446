import { BUILD_JOB, buildJob, type Request, SOURCE_JOB, sourceJob } from "./build-job";
import {
  type Concurrency,
  type EnvValue,
  expression,
  expressionText,
  type Input,
  type Job,
  stem,
  tagFilter,
  type Workflow,
} from "./model";
import { attestJob, promoteJob, releaseJob } from "./release-job";
import { fileOf, type HostedStack, madeFrom, versionFilters, waiting } from "./stack";

const refInput = (otherwise: string): Input => ({
  description: `Branch, tag or commit to release. Default: ${otherwise}`,
});

const AS_CONFIGURED = "as configured";

const PUBLISH_VERSION_TAG: Input = {
  description: "Write the version tag",
  options: [AS_CONFIGURED, "true", "false"],
};

/** Releases a version: started by a published release, by a git tag or by hand. */
export function releaseWorkflow(stack: HostedStack): Workflow {
  const { config, workflows } = stack;
  const { lane } = config;
  const settings = workflows.release ?? { file: "release.yml" };
  const on = settings.on ?? [lane === undefined ? "release" : "tags"];
  const own = ruleInputs(stack);
  const inputs = dispatchInputs(stack, own);
  const title = settings.name ?? (lane === undefined ? "Release" : `Release ${lane.name}`);
  return {
    file: settings.file,
    comment: madeFrom([stack]),
    name: title,
    runName: stack.host === "github" ? runName(title, inputs) : undefined,
    on: {
      release: on.includes("release") ? true : undefined,
      push: on.includes("tags") ? { tags: versionFilters(stack).map(tagFilter) } : undefined,
      dispatch: inputs,
    },
    concurrency: concurrency(stack, settings.file, own),
    jobs: releaseJobs(stack, "release", {
      name: "Release",
      request: { ref: expression("inputs.ref"), version: taggedInput(inputs, own) },
      variables: {
        ...("version" in inputs ? { RELEASE_TAG: expression("inputs.version") } : {}),
        ...("publish_version_tag" in inputs
          ? {
              PUBLISH_VERSION_TAG: expression(
                `inputs.publish_version_tag != ${expressionText(AS_CONFIGURED)} && inputs.publish_version_tag || ''`,
              ),
            }
          : {}),
        ...("services" in inputs ? { CI_SERVICES: expression("inputs.services") } : {}),
        ...withoutCaches(stack),
      },
    }),
  };
}

export function deployWorkflow(stack: HostedStack): Workflow {
  const { stack: name, config, workflows } = stack;
  const settings = workflows.deploy ?? { branches: ["main"] };
  const tag: Input = { description: "The images' tag. Default: the commit" };
  // Otherwise a commit gets only the tags of its rules, such as type=sha.
  const isNamed = config.publishVersionTag === true;
  const services = servicesInput(stack);
  const file = fileOf(stack, "deploy");
  return {
    file,
    comment: madeFrom([stack]),
    name: settings.name ?? `Deploy ${name}`,
    on: {
      push: { branches: settings.branches.map(tagFilter) },
      dispatch: { ...(isNamed ? { tag } : {}), ...services },
    },
    concurrency: {
      comment: [
        "Each commit has a group of its own, so that a push never drops an earlier one that still waits.",
      ],
      group: `${stem(file)}-${expression(isNamed ? "inputs.tag || github.sha" : "github.sha")}`,
      cancelInProgress: false,
      queue: waiting(stack),
    },
    jobs: releaseJobs(stack, "deploy", {
      name: "Deploy",
      variables: {
        ...(isNamed ? { CI_IMAGE_TAG: expression("inputs.tag || github.sha") } : {}),
        ...("services" in services ? { CI_SERVICES: expression("inputs.services") } : {}),
      },
    }),
  };
}

const VERSION: Input = {
  description: "The released version to promote. Default: the one that the stack's file names",
};

export function promoteWorkflow(stack: HostedStack): Workflow {
  const { stack: name, workflows, config } = stack;
  const settings = workflows.promote ?? { follow: true };
  const byStatement = config.promote?.source.kind === "statement";
  const file = fileOf(stack, "promote");
  return {
    file,
    comment: madeFrom([stack]),
    name: settings.name ?? `Promote to ${name}`,
    on: { dispatch: byStatement ? { version: VERSION } : {} },
    concurrency: {
      comment: [
        "Each run has a group of its own, so that no run waiting for approval is dropped by the next.",
      ],
      group: `${stem(file)}-${expression(byStatement ? "inputs.version || github.run_id" : "github.run_id")}`,
      cancelInProgress: false,
      queue: waiting(stack),
    },
    jobs: { promote: promoteJob(stack, []) },
  };
}

function releaseJobs(
  stack: HostedStack,
  id: string,
  input: {
    readonly name: string;
    /** Absent if the workflow releases its own commit. */
    readonly request?: Request;
    readonly variables: Readonly<Record<string, EnvValue>>;
  },
): Record<string, Job> {
  // Gitea has no attestations.
  const attests = stack.workflows.attest && stack.host === "github";
  const shown = { ...stack, workflows: { ...stack.workflows, attest: attests } };
  const { name, request, variables } = input;
  const common = { stack: shown, hasSource: request !== undefined, variables };
  return {
    ...(request === undefined ? {} : { [SOURCE_JOB]: sourceJob(shown, request) }),
    [BUILD_JOB]: buildJob(common),
    [id]: releaseJob(name, common),
    ...(attests ? { attest: attestJob(common, id) } : {}),
  };
}

/** The names of inputs that the stack's tag rules read: `{{input 'tag'}}`. */
function ruleInputs({ config }: HostedStack): string[] {
  const rules = config.images.flatMap(({ tags }) => tags);
  const names = rules.flatMap((rule) =>
    [...rule.matchAll(/\{\{\s*input\s+["']?([A-Za-z_][A-Za-z0-9_-]*)["']?\s*\}\}/g)].map(
      ([, name]) => name ?? "",
    ),
  );
  return [...new Set(names)].sort();
}

/** A dispatched run's title shows what was requested; other runs have GitHub's own title. */
function runName(title: string, inputs: Readonly<Record<string, Input>>): string {
  const first = Object.keys(inputs)[0] ?? "ref";
  const what = `inputs.${first} || inputs.ref`;
  const text = expressionText(`${title} {0} ({1})`);
  return expression(`inputs.dispatch_id && format(${text}, ${what}, inputs.dispatch_id) || ''`);
}

function dispatchInputs(stack: HostedStack, own: readonly string[]): Record<string, Input> {
  const { lane, publishVersionTag, requireTag } = stack.config;
  if (own.length > 0) {
    return {
      ...Object.fromEntries(own.map((name) => [name, ruleInput(name)])),
      ref: refInput(`${own.includes("tag") ? "the git tag of that name, else " : ""}where it is started`),
      ...dispatchIdInput(stack),
    };
  }
  const isRequired = lane !== undefined || publishVersionTag === true || requireTag;
  const example = lane === undefined ? "v1.2.3" : `${lane.form.prefix}1.2.3`;
  const noVersion = isRequired ? "" : ". Default: none, and no version tag";
  return {
    version: { description: `Version such as ${example}${noVersion}`, required: isRequired },
    ref: refInput(`the version's git tag${isRequired ? "" : ", else where it is started"}`),
    ...(isRequired ? {} : { publish_version_tag: PUBLISH_VERSION_TAG }),
    ...servicesInput(stack),
    ...dispatchIdInput(stack),
  };
}

/** The input that can name a git tag. An input of tag rules may also be another name, such as `hotfix-7`. */
function taggedInput(inputs: Readonly<Record<string, Input>>, own: readonly string[]): Request["version"] {
  const name = ["version", "tag"].find((input) => input in inputs);
  return name === undefined ? undefined : { value: expression(`inputs.${name}`), needsTag: own.length === 0 };
}

/** Only for several images, since an image and its variants are always released together. */
function servicesInput({ config }: HostedStack): { readonly services?: Input } {
  const repositories = new Set(config.images.map(({ repository }) => repository));
  const services = { description: "Only these images, separated by commas. Default: all" };
  return repositories.size > 1 ? { services } : {};
}

/** Gitea ignores run-name, so that no run can be found by its title there. */
function dispatchIdInput({ host }: HostedStack): Record<string, Input> {
  const dispatch_id = { description: "For `slipway dispatch`, which finds its run by it" };
  return host === "github" ? { dispatch_id } : {};
}

function ruleInput(name: string): Input {
  const description = name === "tag" ? "The image's tag" : `What tag rules read as ${name}`;
  return { description, required: true };
}

/**
 * One group for each version, so that its runs wait for one another. Without a queue GitHub drops all waiting runs of a
 * group but one, hence a group of its own for each run without a version.
 */
function concurrency(stack: HostedStack, file: string, own: readonly string[]): Concurrency {
  const [input] = own;
  const pushed = "github.ref_type == 'tag' && github.ref_name";
  const asked = input === undefined ? askedVersion(stack) : `inputs.${input}`;
  return {
    comment: ["Runs of one version wait for each other, and none waits for another version."],
    group: `${stem(file)}-${expression(`${asked} || ${pushed} || github.run_id`)}`,
    cancelInProgress: false,
    queue: waiting(stack),
  };
}

function askedVersion(stack: HostedStack): string {
  const prefix = tagPrefix(stack);
  if (prefix === "") return "inputs.version";
  return `inputs.version && format(${expressionText(`${prefix}{0}`)}, inputs.version)`;
}

/** The part of a lane's git tag before its version: `docker-` of `docker-v0.2.1`. */
function tagPrefix({ config: { lane } }: HostedStack): string {
  if (lane === undefined || !lane.trigger.endsWith(lane.form.prefix)) return "";
  return lane.trigger.slice(0, lane.trigger.length - lane.form.prefix.length);
}

/** A version is built from its sources alone. */
function withoutCaches({ config }: HostedStack): Record<string, EnvValue> {
  return config.images.some(({ cacheFrom }) => cacheFrom.length > 0) ? { RESTORE_CACHES: "false" } : {};
}
