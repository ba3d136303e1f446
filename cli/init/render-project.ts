import { Document, isScalar, isSeq, stringify, visit } from "yaml";
import { isSetupStack } from "../../config/read-setup";
import { type ProjectSettings, projectSettings, type Settings } from "./settings";
import type { Answers } from "./shape";

/** A file that is Slipway's as a whole. */
export interface ProjectFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** What a person wants to know beside a setting; a line or two each. */
const COMMENTS: Readonly<Record<string, string>> = {
  root: "Contexts, Dockerfiles and other files are relative to this folder: the repository's root.",
  registries:
    "Every registry gets the same digests. Credentials: `docker login`, GHCR_USERNAME and GHCR_TOKEN (or GITHUB_ACTOR and\nGITHUB_TOKEN), DOCKERHUB_USERNAME and DOCKERHUB_TOKEN. An optional one is skipped where it has none.",
  requireTag: "Released is a tagged commit of a clean tree.",
  base: "base-<hash> is built where no registry has it; base-latest follows.",
  variants: "One image each, with this suffix on every tag.",
  services: "One image for each line of the list; CI_IMAGE_TAG or the git tag is their tag.",
  lanes: "Tags of one repository that do not touch each other. Each lane is a stack.",
  sign: "How releases are signed, and which signers are trusted: docs/trust.md of Slipway.",
  policy: "No version is made from changes that are in no commit. More rules: docs/policy.md of Slipway.",
  github: "`slipway workflows` writes the workflow files from this.",
};

/** What follows from an image that says nothing of tags. */
const IMAGE_TAGS = "v1.2.3 gives 1.2.3, 1.2, 1, latest and sha-0123abc; 1.2, 1 and latest never go back.";

/** `Pulumi.yaml`, the stacks' files, the program and, in a folder of its own, what that needs. Pure. */
export function renderProject(answers: Answers): ProjectFile[] {
  const settings = projectSettings(answers);
  const at = (file: string) => (answers.folder === "." ? file : `${answers.folder}/${file}`);
  return [
    { path: at("Pulumi.yaml"), text: pulumiYaml(answers, settings) },
    ...settings.stacks.map(({ stack, settings: own }) => ({
      path: at(`Pulumi.${stack}.yaml`),
      text: isSetupStack(own) ? setupYaml(own) : stackYaml(answers, own),
    })),
    { path: at("program.js"), text: PROGRAM },
  ];
}

const PROGRAM = `// What Pulumi.yaml names: Slipway's program, which reads this project's settings.
module.exports = require("slipway/program");
`;

function pulumiYaml({ name, shape }: Answers, { shared }: ProjectSettings): string {
  const head = stringify({
    name,
    description: `Releases ${shape.kind === "fleet" ? "the services" : "the images"} of ${name} with Slipway.`,
    main: "program.js",
    runtime: { name: "nodejs", options: { typescript: false } },
    plugins: { providers: [{ name: "slipway-registry", path: "node_modules/slipway/provider" }] },
  });
  if (Object.keys(shared).length === 0) return head;
  const wrapped = Object.fromEntries(Object.entries(shared).map(([key, value]) => [key, { value }]));
  return `${head}\n# For all stacks.\nconfig:\n${sections(wrapped, commentsFor(shape))}`;
}

function stackYaml({ shape }: Answers, settings: Settings): string {
  return [
    "# yaml-language-server: $schema=./node_modules/slipway/slipway.schema.json\n",
    "# All settings, with their defaults, are in that schema; editors complete from it.\n",
    `config:\n${sections(settings, commentsFor(shape))}`,
  ].join("");
}

function commentsFor({ kind }: Answers["shape"]): Readonly<Record<string, string>> {
  return kind === "images" ? { ...COMMENTS, images: IMAGE_TAGS } : COMMENTS;
}

function setupYaml(settings: Settings): string {
  return [
    "# yaml-language-server: $schema=./node_modules/slipway/slipway.schema.json\n",
    "# What the repository is to have on GitHub; this stack releases nothing. It takes a token of its own, GH_TOKEN:\n",
    "#   npm run image:setup\n",
    "# Secrets are encrypted here once they are set:\n",
    "#   pulumi config set --stack setup --secret --path 'slipway:github.environments.NAME.secrets.TOKEN'\n",
    `config:\n${sections(settings, {})}`,
  ].join("");
}

/** One setting after another, with a line between them and a comment above. */
function sections(settings: Settings, comments: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => {
      const comment = comments[key];
      const text = `${comment === undefined ? "" : comment.replace(/^/gm, "# ").concat("\n")}${settingText(key, value)}`;
      return text.replace(/^(?=.)/gm, "  ");
    })
    .join("\n");
}

const IN_ONE_LINE = new Set(["platforms", "branches", "hosts", "on", "include"]);

/** Lists of words stand in one line, as people write them. */
function settingText(key: string, value: unknown): string {
  const document = new Document({ [`slipway:${key}`]: value }, { aliasDuplicateObjects: false });
  visit(document, {
    Pair: (_, { key: name, value: list }) => {
      if (isScalar(name) && IN_ONE_LINE.has(String(name.value)) && isSeq(list)) list.flow = true;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
