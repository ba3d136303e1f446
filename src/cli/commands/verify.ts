import { Command, InvalidArgumentError } from "commander";
import { patternProblem } from "../../plan/trust";
import { collect, duration } from "./flags";

export interface VerifyOptions {
  readonly stack?: string;
  readonly cwd: string;
  readonly key?: string;
  readonly subject?: string;
  readonly issuer: string;
  readonly trustedRoot?: string;
  readonly predicate: readonly string[];
  readonly builder?: string;
  readonly source?: string;
  readonly revision?: string;
  readonly image?: string;
  readonly platform: readonly string[];
  readonly minAge?: number;
  readonly maxAge?: number;
  readonly denyLicence: readonly string[];
  readonly json?: true;
}

const HELP = `
A manifest is the file that a release writes (artifacts/release-manifest.json):
every image of it is verified in every registry, as that image of that commit
for those platforms. A text between slashes is a regular expression for all of a
subject, builder, source or licence. With --stack the rules are those by which
that stack promotes (promote.verify and policy in its file), and flags win.

Examples:
  $ npx --no slipway verify ghcr.io/octo/app:1.2.3 --key cosign.pub
  $ npx --no slipway verify artifacts/release-manifest.json --stack prod
  $ npx --no slipway verify artifacts/release-manifest.json --key cosign.pub \\
      --predicate signature --predicate provenance
  $ npx --no slipway verify ghcr.io/octo/app:1.2.3 \\
      --source https://github.com/octo/app --subject \\
      '/https:\\/\\/github\\.com\\/octo\\/app\\/\\.github\\/workflows\\/release\\.yml@refs\\/tags\\/v.+/'

Exit codes: 0 everything is verified, 1 something is refused or could not be
read, 2 used wrongly.`;

export function verifyCommand(): Command {
  return new Command("verify")
    .description(
      "Verify signatures, statements, source, platforms and age of an image or of a whole release.",
    )
    .argument("<target>", "an image's reference, or a release manifest's file")
    .option("-s, --stack <name>", "take the rules of that stack's promotion from its file")
    .option("-C, --cwd <folder>", "the project's folder, for --stack", ".")
    .option("--key <file>", "public key that has to have signed")
    .option("--subject <text>", "certificate's subject that has to have signed", rule)
    .option(
      "--issuer <url>",
      "who has to vouch for the subject",
      "https://token.actions.githubusercontent.com",
    )
    .option("--trusted-root <file>", "Sigstore trusted root; default Sigstore's public one")
    .option(
      "--predicate <name>",
      "what has to be signed: signature, statement, provenance, sbom or a type (repeats); default signature and statement",
      collect,
      [],
    )
    .option("--builder <text>", "provenance's builder, for every platform", rule)
    .option("--source <text>", "where the source has to be", rule)
    .option("--revision <commit>", "the commit, 40 hex digits", commit)
    .option("--image <name>", "the image that the release statement has to be about")
    .option("--platform <platform>", "has to be there (repeats)", collect, [])
    .option("--min-age <duration>", "how long ago it has to have been made: 24h, 7d", duration)
    .option("--max-age <duration>", "how long ago it may have been made", duration)
    .option("--deny-licence <id>", "licence that no package may have, by the SBOM (repeats)", licence, [])
    .option("--json", "print the verdicts as JSON")
    .addHelpText("after", HELP)
    .action(async (target: string, options: VerifyOptions, command: Command) => {
      const signers = [options.key, options.subject].filter((signer) => signer !== undefined).length;
      if (signers > 1 || (signers === 0 && options.stack === undefined)) {
        command.error(
          "error: say who has to have signed: either --key <file> or --subject <text>, or --stack <name> with promote.verify",
        );
      }
      const { verifyTarget } = await import("../verify.js");
      const { verdictTable } = await import("../../report/verdict-table.js");
      const verdicts = await verifyTarget(target, options, process.env);
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ verdicts }, undefined, 2)}\n`
          : verdictTable(verdicts, terminalColumns()),
      );
      if (verdicts.length === 0 || verdicts.some(({ verified }) => !verified)) process.exitCode = 1;
    });
}

function terminalColumns(): number | undefined {
  const columns = process.stdout.columns ?? Number(process.env.COLUMNS);
  return Number.isInteger(columns) && columns > 0 ? columns : undefined;
}

function licence(value: string, earlier: readonly string[]): string[] {
  return collect(rule(value), earlier);
}

function rule(value: string): string {
  const problem = patternProblem(value);
  if (problem !== undefined) throw new InvalidArgumentError(problem);
  return value;
}

function commit(value: string): string {
  if (!/^[0-9a-f]{40}$/.test(value)) throw new InvalidArgumentError("expected 40 hex digits");
  return value;
}
