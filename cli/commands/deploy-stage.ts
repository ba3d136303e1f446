import { Command } from "commander";

interface DeployOptions {
  readonly stack: string;
  readonly cwd: string;
  readonly registry: string;
  readonly tfvars: string;
  readonly apply: string;
}

const ENVIRONMENT_FOLDER = "infra/terraform/environments/stage";

const HELP = `
Exit codes: 0 released and applied, 1 refused or failed, 2 used wrongly, 126 the
script cannot be run; else the code of pulumi or of the script.`;

/** `slipway deploy-stage`: every service under the next build number, then Terraform. */
export function deployStageCommand(): Command {
  const port = process.env.SLIPWAY_REGISTRY_PORT || "5000";
  return new Command("deploy-stage")
    .description("Raise .buildnum, release every service under it, write the tag into tfvars, apply.")
    .option("-s, --stack <name>", "the stack", "stage")
    .option("-C, --cwd <folder>", "the workspace", ".")
    .option("--registry <host>", "where to release to", `localhost:${port}`)
    .option("--tfvars <file>", "gets glass_docker_tag", `${ENVIRONMENT_FOLDER}/stage.tfvars`)
    .option("--apply <script>", "is run after it", `${ENVIRONMENT_FOLDER}/apply.sh`)
    .addHelpText("after", HELP)
    .action(async (options: DeployOptions) => {
      const { deployStage } = await import("../deploy/deploy-stage.js");
      process.exitCode = await deployStage({ ...options, env: process.env });
    });
}
