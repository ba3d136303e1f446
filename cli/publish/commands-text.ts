import type { Config } from "../../plan/config";
import type { ReleasePlan } from "../../plan/release-plan";
import { imageBuild } from "./cli-builder";
import { commandText } from "./command-text";
import { type Login, loginCommand } from "./commands";

export interface CommandsTextInput {
  readonly plan: ReleasePlan;
  readonly config: Config;
  readonly program: string;
  readonly logins: readonly Login[];
}

/** What `slipway publish` would run, one command a line; what it does by itself stands beside it as comments. */
export function commandsText({ plan, config, program, logins }: CommandsTextInput): string {
  const built = plan.images.filter(({ content }) => content.from === "build");
  const digests = new Map(
    plan.images.map(({ name, content }) => [
      name,
      "digest" in content ? content.digest : `<digest of ${name}>`,
    ]),
  );
  return [
    ...(config.push ? [] : ["# Nothing is to be pushed (CI_PUSH=false): none of this is run."]),
    ...plan.checks.map(({ name, run }) => `# check ${name}: ${run.join(" ")}`),
    ...logins.map((login) => commandText(loginCommand(program, login))),
    ...built.map((image) => {
      const baseDigest = digests.get(image.intent.base?.image ?? "");
      const iidFile = `${image.name}.digest`;
      return commandText(
        imageBuild({ program, config, image, iidFile, ...(baseDigest === undefined ? {} : { baseDigest }) }),
      );
    }),
    ...(built.length === 0 ? [`# Nothing has to be built: ${program} is not needed.`] : []),
    "# Then by Slipway itself, by digest and in this order:",
    ...plan.images.map((image) => `#   verify ${image.name} in ${image.repositories.join(" and ")}`),
    ...plan.levels.flatMap(({ name, tags }) =>
      tags
        .filter(({ action }) => action === "create" || action === "move")
        .map((tag) => `#   ${name}: ${tag.repository}:${tag.name}`),
    ),
    "",
  ].join("\n");
}
