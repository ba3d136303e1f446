import { Command, Option } from "commander";
import type { InitFlags } from "../init/shape";
import { reportUsage } from "../terminal";

const HELP = `
Reads the Dockerfiles, the git remote, services.list and VERSIONS.env, asks for
the rest at a terminal, shows every file as a difference, and writes all of them
or none: a Pulumi program (index.ts), the settings of the stacks stage and prod
(Pulumi.stage.yaml, Pulumi.prod.yaml) and workflow files. The project goes into
release/. Your own files only get lines added (package.json, .gitignore,
.dockerignore). The project's files are yours once they are written: a second
run leaves them as they are.

stage builds; prod builds nothing and promotes, by digest, what stage released.

Releases are signed. --sign key makes a key pair for stage, if pulumi reaches
its backend: the public key is a file (cosign.pub), the private one is encrypted
in the stack's settings. keyless signs with the workflow's identity, in a public
log. With none, anyone who can push to the registry decides what a release
adopts from it.

Found              released as
Dockerfile, Containerfile, <name>.Dockerfile
                   an image each, in any folder; those for development or tests
                   are left out, and listed
Dockerfile.<name>  beside the main Dockerfile, if there are no others: a lane,
                   <name>-v1.2.3 and <name>-latest, with stacks of its own
Dockerfile.base and Dockerfile.variant
                   a base by its content, and variants
services.list      one image a line

Exit codes: 0 written, or nothing to do; 1 failed, refused or declined; 2 used
wrongly; 130 (Ctrl-C), 143 (SIGTERM): interrupted, nothing written.

Environment: NO_COLOR, GITHUB_API_URL, and what pulumi reads.`;

export function initCommand(): Command {
  return new Command("init")
    .description("Set a repository up to release with Slipway: a program, its stacks and workflow files.")
    .option("-C, --cwd <folder>", "a folder of the repository", ".")
    .option("--image <names...>", "the image's name; name=folder or name=Dockerfile for each of several")
    .option("--lane <names...>", "lanes in place of those that were found; name=Dockerfile for another file")
    .option("--no-lanes", "Dockerfile.<name> is an image, not a lane")
    .option(
      "--registry <host/namespace...>",
      "where prod's images go; default ghcr.io/<owner> for a remote on GitHub",
    )
    .option("--stage-registry <host/namespace>", "where stage's images go; default the first one and /stage")
    .option("--docker-hub <namespace>", "Docker Hub too, skipped where there are no credentials for it")
    .option("--platform <os/arch...>", "what is built for; default linux/amd64 linux/arm64")
    .option(
      "--build-arg <NAME=value...>",
      "a build argument; NAME=file:VERSIONS.env and NAME=npm:package too",
    )
    .option("--workflows <host...>", "github, gitea or none; default as the repository has them")
    .addOption(
      new Option(
        "--sign <how>",
        "key, keyless (as the workflow on GitHub) or none; default keyless for a public repository, else key",
      ).choices(["key", "keyless", "none"]),
    )
    .option("--no-setup", "no stack that sets the GitHub repository up")
    .option("--folder <path>", "the project's folder; default release")
    .option(
      "--package <spec>",
      "where this package comes from: a version or file:slipway.tgz; default this version",
    )
    .option("-y, --yes", "ask nothing, and use defaults and flags")
    .addOption(new Option("--print", "write nothing, only show (also --dry-run)").conflicts("yes"))
    .addOption(new Option("--dry-run").implies({ print: true }).hideHelp())
    .option("--json", "print files and next commands as JSON; with --yes or --print")
    .addHelpText("after", HELP)
    .action(async (options: InitFlags, command: Command) => {
      const { runInit } = await import("../init/run-init.js");
      await reportUsage(command, () => runInit(options, process.env));
    });
}
