import path from "node:path";
import { Document, isScalar, isSeq, stringify, visit } from "yaml";
import { UsageError } from "../terminal";
import { registryOf, releaseFile } from "./program";
import { type Answers, type StackPair, stackPairs } from "./shape";

type Settings = Readonly<Record<string, unknown>>;

export interface InitStack {
  readonly stack: string;
  readonly about: string;
  readonly settings: Settings;
}

export function sharedSettings({ folder }: Pick<Answers, "folder">): Settings {
  return folder === "." ? {} : { root: path.posix.relative(folder, ".") };
}

/** @throws UsageError if the answers have no registry for stage */
export function stackSettings(answers: Answers): InitStack[] {
  return [
    ...stackPairs(answers).flatMap((pair) => [stageStack(answers, pair), prodStack(answers, pair)]),
    ...(answers.setup ? [setupStack(answers)] : []),
  ];
}

function stageStack(answers: Answers, { stage, lane }: StackPair): InitStack {
  const { stageRegistry, shape, workflowFiles } = answers;
  if (stageRegistry === undefined) {
    throw new UsageError(
      "Docker Hub has no folders below a namespace, so stage's images need a place of their own. Name it: --stage-registry ghcr.io/octo/stage",
    );
  }
  const onlyGitea = !answers.hosts.includes("github");
  const isFurtherLane = lane !== undefined && stage !== "stage";
  const release = {
    file: releaseFile(answers, isFurtherLane ? lane.name : undefined),
    name: isFurtherLane ? `Release ${lane.name}` : undefined,
    on: onlyGitea && lane === undefined ? ["tags"] : undefined,
    // Services are often tagged by date.
    tags: shape.kind === "services" ? ["v*", "20*"] : undefined,
  };
  const preview = workflowFiles.preview === "preview.yml" ? {} : { file: workflowFiles.preview };
  // Variants need a tag, which a pull request does not have. Gitea has no previews.
  const hasPreview = !onlyGitea && shape.kind !== "variants";
  return {
    stack: stage,
    about: `${stage}: builds and releases the commit that is checked out.`,
    settings: {
      lane: lane?.name,
      registries: [registryOf(stageRegistry)],
      requireTag: false,
      github: workflows(answers, { release, preview: hasPreview ? preview : undefined }),
    },
  };
}

function prodStack(answers: Answers, { stage, prod, lane, publicKey }: StackPair): InitStack {
  const keyFile = path.posix.join(answers.folder, publicKey);
  return {
    stack: prod,
    about: `${prod}: builds nothing. It promotes what ${stage} released, by digest.`,
    settings: {
      lane: lane?.name,
      registries: answers.registries.map(registryOf),
      promote: { from: stage, verify: answers.sign === "key" ? { keyFile } : undefined },
      requireTag: true,
      // Without signatures, prod has to trust the registry.
      policy: answers.sign === "none" ? { unverifiedContent: "warn" } : undefined,
      github: workflows(answers, { promote: {} }),
    },
  };
}

/** The user adds secrets and reviewers to it. */
function setupStack(answers: Answers): InitStack {
  const pairs = stackPairs(answers);
  const triggers = pairs.flatMap(({ lane }) => (lane === undefined ? [] : [lane.trigger]));
  const environments = Object.fromEntries(
    pairs.flatMap(({ stage, prod }) => [stage, prod]).map((name) => [name, {}]),
  );
  return {
    stack: "setup",
    about:
      "setup: configures the repository on GitHub, and releases nothing. It needs a token of its own, GH_TOKEN.\n" +
      "Secrets are encrypted here once they are set:\n" +
      "  pulumi config set --stack setup --secret --path 'slipway:github.environments.NAME.secrets.TOKEN'",
    settings: {
      github: {
        setup: true,
        repository: answers.repository,
        environments,
        tagRules: triggers.length === 0 ? true : { patterns: triggers },
        permissions: { shaPinning: true },
      },
    },
  };
}

function workflows({ hosts, folder }: Answers, own: Settings): Settings | undefined {
  if (hosts.length === 0) return undefined;
  const onlyGitea = !hosts.includes("github");
  return {
    workflows: {
      hosts: onlyGitea || hosts.length > 1 ? hosts : undefined,
      directory: folder === "." ? undefined : folder,
      runner: onlyGitea ? "ubuntu-latest" : undefined,
      ...own,
    },
  };
}

export function pulumiYaml(answers: Answers): string {
  const { name } = answers;
  const head = stringify({
    name,
    description: `Releases the images of ${name} with Slipway.`,
    runtime: "nodejs",
    plugins: { providers: [{ name: "slipway-registry", path: "node_modules/slipway/src/provider" }] },
  });
  const { root } = sharedSettings(answers);
  return root === undefined ? head : `${head}\n# For all stacks.\n${configYaml({ root: { value: root } })}`;
}

export function stackYaml({ about, settings }: InitStack): string {
  const further =
    "What is released is in index.ts. All settings are in the schema above; editors complete from it.";
  return `# yaml-language-server: $schema=./node_modules/slipway/components/slipway.schema.json
#
# ${`${about}\n${further}`.replaceAll("\n", "\n# ")}
${configYaml(settings)}`;
}

const COMMENTS: Readonly<Record<string, string>> = {
  "slipway:root":
    " Contexts, Dockerfiles and other files are relative to this folder: the repository's root.",
  "slipway:registries":
    " Every registry gets the same digests. Credentials: `docker login`, GHCR_USERNAME and GHCR_TOKEN (or GITHUB_ACTOR and\n GITHUB_TOKEN), DOCKERHUB_USERNAME and DOCKERHUB_TOKEN. An optional one is skipped where it has none.",
  "slipway:requireTag": " true: only a version, which is a git tag's commit and a clean tree.",
};

const IN_ONE_LINE = ["hosts", "on", "patterns", "tags"];

function configYaml(settings: Settings): string {
  const entries = Object.entries(settings).filter(([, value]) => value !== undefined);
  const config = Object.fromEntries(entries.map(([key, value]) => [`slipway:${key}`, value]));
  const document = new Document({ config }, { aliasDuplicateObjects: false });
  visit(document, {
    Pair: (_, { key, value }) => {
      if (!isScalar(key)) return;
      const name = String(key.value);
      key.commentBefore = COMMENTS[name];
      key.spaceBefore = name.startsWith("slipway:") && name !== `slipway:${entries[0]?.[0]}`;
      if (isSeq(value)) value.flow = IN_ONE_LINE.includes(name);
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
