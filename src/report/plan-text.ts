import { registryCaches } from "../plan/build-recipe";
import { shortDigest } from "../plan/digest";
import { formatProblem } from "../plan/problem";
import type { MovedBase } from "../plan/rebuild";
import type { PlannedImage, PlannedTag, ReleasePlan } from "../plan/release-plan";
import { keyText } from "../plan/setup/items";
import type { SetupItem, SetupPlan } from "../plan/setup/plan";

/** The plan as text, at most 80 columns unless a name is longer. */
export function planText(plan: ReleasePlan): string {
  return [
    `Release plan for ${plan.stack}, ${plan.lane === undefined ? "" : `lane ${plan.lane}, `}commit ${plan.revision.slice(0, 12)}`,
    ...plan.notices.map((notice) => `  note: ${notice.replaceAll("\n", "\n    ")}`),
    ...originLines(plan),
    ...Object.entries(plan.skipped).map(([host, reason]) => `  ${host} is skipped: ${reason}`),
    ...plan.checks.map(({ name, run }) => `  check ${name}, before anything is built: ${run.join(" ")}`),
    ...policyLines(plan),
    ...movedBaseLines(plan),
    ...plan.images.flatMap((image) => imageLines(plan, image)),
    ...descriptionLines(plan),
    "",
  ].join("\n");
}

/** Settings that come neither from the stack's file nor from code. One variable can set a setting of every image. */
function originLines({ origins }: ReleasePlan): string[] {
  return grouped(Object.entries(origins), ([, origin]) => origin).map((alike) => {
    const [[first, origin], ...others] = alike;
    if (others.length === 0) return `  ${first} comes from ${origin}`;
    const paths =
      alike.length > 3 ? `${first} and ${others.length} more` : alike.map(([path]) => path).join(", ");
    return `  ${paths} come from ${origin}`;
  });
}

/** Groups items with the same key, in the order of each group's first item. */
function grouped<T>(items: readonly T[], keyOf: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** Warnings by the team's rules; what the rules refuse is a refusal. */
function policyLines({ policy = [] }: ReleasePlan): string[] {
  return policy
    .filter(({ level }) => level === "warn")
    .map(({ rule, setting, path, message }) => `  policy ${rule}: ${path}: ${message} (${setting})`);
}

/** Images that are built on the same base, together. */
function movedBaseLines({ movedBases = [] }: ReleasePlan): string[] {
  const keyOf = ({ built, base, from, to, hint }: MovedBase) => JSON.stringify([built, base, from, to, hint]);
  return grouped(movedBases, keyOf).flatMap((alike) => {
    const [{ built, base, from, to, hint }] = alike;
    const images = alike.map(({ image }) => image).join(", ");
    return [
      `  base-moved ${images}: ${base} ${shortDigest(from)} → ${shortDigest(to)} since ${built} was built`,
      `    ${hint}`,
    ];
  });
}

/** Every reason, with equal advice only once: a release of fifty images may have fifty such reasons. */
export function refusalText(plan: ReleasePlan): string {
  const lines = grouped(plan.refusals, ({ code, hint }) => `${code} ${hint}`).flatMap((alike) => {
    const override = [...new Set(alike.flatMap((refusal) => refusal.override ?? []))];
    const it = override.length === 1 ? "it" : "them";
    return [
      ...alike.map((refusal, at) =>
        formatProblem(at === alike.length - 1 ? refusal : { ...refusal, hint: undefined }),
      ),
      ...(override.length === 0
        ? []
        : [`    to override ${it}, in the stack's file: slipway:override: [${override.join(", ")}]`]),
    ];
  });
  const count = plan.refusals.length;
  return [
    `The release is refused (${count} ${count === 1 ? "reason" : "reasons"}); nothing was written:`,
    ...lines,
  ].join("\n");
}

function imageLines(plan: ReleasePlan, image: PlannedImage): string[] {
  const tags = [...image.candidateTags, ...plan.levels.flatMap((level) => level.tags), ...plan.left].filter(
    (tag) => tag.image === image.name,
  );
  const width = Math.max(0, ...tags.map(({ name }) => name.length));
  return [
    "",
    `${image.name}${image.intent.version === undefined ? "" : ` ${image.intent.version}`}: ${contentLine(plan, image)}`,
    ...trustLines(image),
    ...image.copyTo.map((repository) => `  copy to ${repository}`),
    ...image.repositories.flatMap((repository) => [
      `  ${repository}`,
      ...tags.filter((tag) => tag.repository === repository).map((tag) => `    ${tagLine(plan, tag, width)}`),
    ]),
  ];
}

function descriptionLines({ descriptions = [] }: ReleasePlan): string[] {
  if (descriptions.length === 0) return [];
  return [
    "",
    "descriptions, after every tag:",
    ...descriptions.flatMap(({ repository, file, full, short, kept }) => [
      `  ${repository}`,
      kept === undefined
        ? `    ${file}, ${Buffer.byteLength(full)} bytes${short === undefined ? "" : `: ${short}`}`
        : `    stays as it is: ${kept}`,
    ]),
  ];
}

function contentLine({ unasked }: ReleasePlan, { content, intent }: PlannedImage): string {
  switch (content.from) {
    case "build":
      return `build for ${intent.image.platforms.join(", ")}${unasked === true ? ", where no registry has it" : ""}`;
    case "candidate":
      return `no build, ${content.tag} has this content (${shortDigest(content.digest)})`;
    case "version-tag":
      return `no build, ${content.tag} is released (${shortDigest(content.digest)})`;
    case "promotion":
      return `no build, promoted from ${content.of} (${shortDigest(content.digest)})`;
    case "rollback":
      return `no build, back to ${content.tag} (${shortDigest(content.digest)})`;
  }
}

/** Notes about content that no signature covers. */
function trustLines({ verifiedBy, content, intent: { image } }: PlannedImage): string[] {
  if (content.from === "build") {
    return registryCaches(image).map(
      (cache) =>
        `  with a cache that nothing verifies: anyone who may push to ${cache} decides what is built`,
    );
  }
  if (verifiedBy === "registry") return ["  trusting the registry alone: nothing is signed (sign: none)"];
  return verifiedBy === "adopt" ? ["  vouched for by slipway:adopt"] : [];
}

const SIGNS = { create: "+", move: "~", unchanged: " ", keep: "=" } as const;

/** `~ latest  sha256:756867c07ffa (1.9.3) → 2.0.0`. */
function tagLine({ unasked }: ReleasePlan, tag: PlannedTag, width: number): string {
  const isUnknown = unasked === true && tag.action === "create";
  const head = `${isUnknown ? "?" : SIGNS[tag.action]} ${tag.name.padEnd(width)}  `;
  const reason = tag.reason === undefined ? "" : `: ${tag.reason}`;
  if (isUnknown) return `${head}not asked → ${point(tag.to)}${reason}`;
  const from = tag.from === undefined ? "" : point(tag.from);
  switch (tag.action) {
    case "create":
      return `${head}new → ${point(tag.to)}${reason}`;
    case "move":
      return `${head}${from} → ${point(tag.to)}${reason}`;
    case "unchanged":
      return `${head}${from} unchanged`;
    case "keep":
      if (from !== "") return `${head}stays ${from}${reason}`;
      return `${head}${unasked === true ? "stays as it is" : "not made"}${reason}`;
  }
}

function point({ digest, version }: PlannedTag["to"]): string {
  if (digest === undefined) return version ?? "to be built";
  return version === undefined ? shortDigest(digest) : `${shortDigest(digest)} (${version})`;
}

const SETUP_SIGNS = { make: "+", adopt: "=", managed: " " } as const;

/** The setup's plan as text. It contains no secret, since the plan has only their names. */
export function setupText(plan: SetupPlan): string {
  const items = Object.values(plan.items);
  const width = Math.max(0, ...items.map(({ key }) => keyText(key).length));
  const where = plan.branch === undefined ? "" : `, files on ${plan.branch}`;
  return [
    `Setup plan for ${plan.config.repository}${where} (+ made, = adopted: there before, never deleted)`,
    ...(items.length === 0 ? ["  nothing is configured"] : items.map((item) => itemLine(item, width))),
    "",
  ].join("\n");
}

export function setupRefusalText(plan: SetupPlan): string {
  const count = plan.problems.length;
  return [
    `The setup is refused (${count} ${count === 1 ? "reason" : "reasons"}); nothing was written:`,
    ...plan.problems.map(formatProblem),
  ].join("\n");
}

function itemLine({ key, action, note }: SetupItem, width: number): string {
  const text = keyText(key);
  return `  ${SETUP_SIGNS[action]} ${note === undefined ? text : `${text.padEnd(width)}  ${note}`}`;
}
