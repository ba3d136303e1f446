import path from "node:path";
import { Command } from "commander";
import { STACK_HELP, type StackOptions, stackToUse } from "./flags";

interface KeysOptions extends StackOptions {
  readonly publicKey?: string;
  readonly json?: true;
}

const HELP = `
Creates an EC P-256 key pair for a stack that has none, as cosign does. The
public key goes into a file of the project, the private one into the stack's
settings, encrypted by Pulumi (slipway:sign.key); commit both. An existing key
is kept: only its public half is written if it is missing. Needs the pulumi
command, its backend and the stack's passphrase or secrets provider.

Examples:
  $ npx --no slipway keys --stack stage
  $ COSIGN_PRIVATE_KEY="$(cat cosign.key)" npx --no slipway keys --stack stage
                     only writes cosign.pub: the private key stays where it is
  $ cosign verify --key cosign.pub --insecure-ignore-tlog=true \\
      ghcr.io/octo/app:1.2.3

Exit codes: 0 created, or nothing to do; 1 refused or failed; 2 used wrongly.

Environment: COSIGN_PRIVATE_KEY, COSIGN_PASSWORD, and what pulumi reads.`;

export function keysCommand(): Command {
  return new Command("keys")
    .description("Create the key pair that a stack signs its releases with, if it has none.")
    .option("-s, --stack <name>", STACK_HELP)
    .option("-C, --cwd <folder>", "the project's folder", ".")
    .option("--config-file <file>", "default Pulumi.<stack>.yaml")
    .option(
      "--public-key <file>",
      "where the public key goes; default cosign.pub, or cosign.<stack>.pub if another stack has that",
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async ({ stack: named, json, ...options }: KeysOptions) => {
      const stack = await stackToUse({ ...options, stack: named });
      const { readStackFile } = await import("../../settings/stack-file.js");
      const { engineEnvironment } = await import("../engine/environment.js");
      const { keysText, makeKeys } = await import("../keys.js");
      const { releaseCode } = await import("../plan/run-program.js");
      const projectDir = path.resolve(options.cwd);
      const file = await readStackFile({ projectDir, stack, configFile: options.configFile });
      const code = await releaseCode(projectDir, file);
      const env = await engineEnvironment({ ...options, stack, env: process.env, code });
      const made = await makeKeys({ ...options, stack, env, code });
      process.stdout.write(json === true ? `${JSON.stringify(made, undefined, 2)}\n` : keysText(made));
    });
}
