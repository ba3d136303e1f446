import path from "node:path";
import {
  type Answers,
  type InitLane,
  type InitRegistry,
  type ServicesShape,
  type Shape,
  stackPairs,
} from "./shape";

type Values = Readonly<Record<string, unknown>>;

const VERSION_TAGS = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
  "type=sha",
];

/** The arguments that the generated program passes to `Release.plan`, as values. */
export function releaseArgs(answers: Answers): Values {
  const images = imagesOf(answers).map(({ name, own }) => [name, { ...commonOf(answers), ...own }] as const);
  return { ...otherArgs(answers), images: Object.fromEntries(images) };
}

export function programText(answers: Answers): string {
  const { shape, setup } = answers;
  const isCommon = shape.kind === "services" || (shape.kind === "images" && shape.images.length > 1);
  const imported = [
    ...(isCommon ? ["type ImageArgs"] : []),
    "Release",
    "type ReleaseArgs",
    ...(setup ? ["RepositorySetup"] : []),
    ...(shape.kind === "services" ? ["readList"] : []),
    ...(setup ? ["stackSettings"] : []),
  ];
  const { repository, ...others } = otherArgs(answers);
  const args = defined(others).map(([name, value]) => {
    const comment = COMMENTS[name] === undefined ? "" : `  // ${COMMENTS[name]}\n`;
    return `${comment}  ${name === "lanes" ? name : `${name}: ${literal(value, "  ")}`},\n`;
  });
  const common = isCommon
    ? `/** For every image. ${TAGS[shape.kind]} */\nconst common: ImageArgs = ${literal(commonOf(answers))};\n\n`
    : "";
  const lanes = shape.kind === "lanes" ? lanesText(shape.lanes) : "";
  const services = shape.kind === "services" ? servicesText(shape, answers.folder) : "";
  return `import { ${imported.join(", ")} } from "slipway";

${lanes}${common}${services}/**
 * What is released. Where it goes is in Pulumi.stage.yaml and Pulumi.prod.yaml: stage builds, and prod promotes, by
 * digest, what stage released. Any argument may be here or there; the stack's file wins.
 */
const release: ReleaseArgs = {
${repository === undefined ? "" : `  repository: ${literal(repository)},\n`}${imagesText(answers, isCommon)}${args.join("")}};

export = async () => {
${setup ? SETUP : ""}  // Every refusal is known here, before anything is registered or written.
  const plan = await Release.plan(release);
  return new Release("release", plan).outputs;
};
`;
}

const SETUP = `  // Pulumi.setup.yaml: the repository's settings on GitHub.
  if (stackSettings().github?.setup) {
    const plan = await RepositorySetup.plan({}, release);
    return new RepositorySetup("repository", plan).outputs;
  }
`;

const COMMENTS: Readonly<Record<string, string>> = {
  base: "base-<hash> is built where no registry has it; base-latest follows.",
  variants: "One image each, with this suffix on every tag.",
  sign: "How releases are signed, and which signers are trusted: docs/trust.md of Slipway.",
  policy: "No version is made from changes that are in no commit. More rules: docs/policy.md of Slipway.",
};

const TAGS: Readonly<Record<Shape["kind"], string>> = {
  images: "v1.2.3 gives 1.2.3, 1.2, 1, latest and sha-0123abc; 1.2, 1 and latest never go back.",
  services:
    "The git tag is their tag; an unchanged one keeps its digest and gets the new tag without a build.",
  lanes: "Its tags are those of its lane.",
  variants: "Its tags are the git tag and latest, which never goes back.",
};

function commonOf({ shape, platforms }: Answers): Values {
  if (shape.kind === "images") return { platforms, tags: VERSION_TAGS };
  if (shape.kind !== "services") return { platforms };
  return {
    platforms,
    tags: ["type=ref,event=tag", "type=sha"],
    flavor: ["latest=false"],
    labels: "none",
    ...argsOf(shape.arg === undefined ? shape.buildArgs : {}),
  };
}

function imagesOf({ shape }: Answers): { readonly name: string; readonly own: Values }[] {
  if (shape.kind === "services") {
    const { names, folder, dockerfile, arg, buildArgs } = shape;
    return names.map((name) => {
      const context = folder === undefined ? "." : `${folder}${name}`;
      const file = path.posix.relative(context, dockerfile);
      const own = arg === undefined ? { target: name } : argsOf({ ...buildArgs, [arg]: name });
      return { name, own: { context, dockerfile: file, ...own } };
    });
  }
  const images = shape.kind === "images" ? shape.images : [shape.image];
  return images.map(({ name, context, dockerfile, buildArgs }) => ({
    name,
    own: { context, dockerfile: dockerfile === "Dockerfile" ? undefined : dockerfile, ...argsOf(buildArgs) },
  }));
}

function imagesText(answers: Answers, isCommon: boolean): string {
  if (answers.shape.kind === "services")
    return "  images: Object.fromEntries(services.map((name) => [name, image(name)])),\n";
  const images = imagesOf(answers).map(({ name, own }) => {
    const value = isCommon
      ? block("{}", ["...common", ...fields(own, "    ")], "    ")
      : block("{}", fields({ ...own, ...commonOf(answers) }, "    "), "    ", 0);
    return `    ${key(name)}: ${value},\n`;
  });
  const comment = isCommon ? "" : `    // ${TAGS[answers.shape.kind]}\n`;
  return `  images: {\n${comment}${images.join("")}  },\n`;
}

function lanesText(lanes: readonly InitLane[]): string {
  const rows = lanes.map(({ name, dockerfile, trigger, floating }) => {
    const row = { name, dockerfile, trigger, prefix: floating.replace(/latest$/, "") };
    return `  ${block("{}", fields(row, "  "), "", 140)},\n`;
  });
  return `/** Independent families of tags in one repository. Each lane has its own stacks, which name it: slipway:lane. */
const lanes = [
${rows.join("")}].map(({ prefix, ...lane }) => ({
  ...lane,
  format: \`\${prefix}vX.Y.Z\`,
  floating: \`\${prefix}latest\`,
}));

`;
}

function servicesText({ list, folder, dockerfile, arg, buildArgs }: ServicesShape, project: string): string {
  const depth = folder === undefined ? "." : `${folder}name`;
  const args = arg === undefined ? [] : [...fields(buildArgs, "    "), `${key(arg)}: name`];
  return `/** One service a line; # begins a comment. */
const services = readList(${JSON.stringify(path.posix.relative(project, list))});

const image = (name: string): ImageArgs => ({
  ...common,
  context: ${folder === undefined ? '"."' : `\`${folder}\${name}\``},
  dockerfile: ${JSON.stringify(path.posix.relative(depth, dockerfile))},
  ${args.length === 0 ? "target: name" : `buildArgs: ${block("{}", args, "  ")}`},
});

`;
}

function otherArgs(answers: Answers): Values {
  const { shape, repository, sign } = answers;
  const variants = shape.kind === "variants" ? shape.variants : undefined;
  return {
    repository,
    lanes: shape.kind === "lanes" ? shape.lanes : undefined,
    base: shape.kind === "variants" ? shape.base : undefined,
    variants: variants?.map(({ suffix, buildArgs }) => ({ suffix, ...argsOf(buildArgs) })),
    // Signing with a key is the default.
    sign:
      sign === "key" ? undefined : { mode: sign, trusted: sign === "keyless" ? trusted(answers) : undefined },
    policy: { uncommittedVersion: "refuse" },
  };
}

/** The releasing workflows, on the branch and on any tag: every machine and the next run must trust their signatures. */
function trusted(answers: Answers): Values[] {
  const { repository = "", branch } = answers;
  return stackPairs(answers).map(({ lane }, index) => {
    const file = releaseFile(answers, index === 0 ? undefined : lane?.name);
    const place = `https://github.com/${repository}/.github/workflows/${file}@refs/`;
    return { subject: `/${escaped(place)}(heads\\/${escaped(branch)}|tags\\/.+)/` };
  });
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** The file of the workflow that releases a lane; without a lane, the main one. */
export function releaseFile({ workflowFiles }: Pick<Answers, "workflowFiles">, lane?: string): string {
  return lane === undefined ? workflowFiles.release : workflowFiles.release.replace(/\.yml$/, `-${lane}.yml`);
}

function argsOf(buildArgs: Values): Values {
  return Object.keys(buildArgs).length === 0 ? {} : { buildArgs };
}

export function registryOf({ host, namespace, optional }: InitRegistry): Values {
  return { host, namespace: namespace || undefined, optional: optional || undefined };
}

const WIDTH = 100;

function literal(value: unknown, indent = ""): string {
  if (Array.isArray(value))
    return block(
      "[]",
      value.map((entry) => literal(entry, `${indent}  `)),
      indent,
    );
  if (typeof value === "object" && value !== null) return block("{}", fields(Object(value), indent), indent);
  return JSON.stringify(value);
}

function fields(values: Values, indent: string): string[] {
  return defined(values).map(([name, value]) => `${key(name)}: ${literal(value, `${indent}  `)}`);
}

function defined(values: Values): [string, unknown][] {
  return Object.entries(values).filter(([, value]) => value !== undefined);
}

function key(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function block(
  [open = "", close = ""]: string,
  parts: readonly string[],
  indent: string,
  width = WIDTH,
): string {
  const space = open === "{" && parts.length > 0 ? " " : "";
  const line = `${open}${space}${parts.join(", ")}${space}${close}`;
  if (!line.includes("\n") && indent.length + line.length <= width) return line;
  return `${open}\n${parts.map((part) => `${indent}  ${part},\n`).join("")}${indent}${close}`;
}
