import { readFile } from "node:fs/promises";
import path from "node:path";
import { ProblemError } from "../../plan/problem";
import { writeWholeFile } from "../../report/write-whole-file";
import { withLock } from "../../toolchain/lock.mjs";
import { runInForeground } from "../foreground";
import { runEngine } from "../run-engine";
import { raiseBuildNumber, readBuildNumber } from "./build-number";
import { TAG_KEY, withTag } from "./tfvars";

export interface StageDeploy {
  /** The workspace: `.buildnum`, `Pulumi.yaml`. */
  readonly cwd: string;
  readonly stack: string;
  /** `localhost:5000`. */
  readonly registry: string;
  /** Relative to the workspace. */
  readonly tfvars: string;
  readonly apply: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Releases every service under the next number, then writes the number into Terraform's variables and applies them. One
 * at a time: a second one waits and takes the number after.
 *
 * @returns the exit code
 * @throws ProblemError `buildnum-corrupt`, `tfvars-missing`, `tfvars-key`, before anything is released
 */
export async function deployStage(deploy: StageDeploy): Promise<number> {
  const inWorkspace = (name: string) => path.resolve(deploy.cwd, name);
  const buildNumber = inWorkspace(".buildnum");
  const onWait = (holder: string) => say(`waiting for the deploy of ${holder}`);
  return withLock(`${buildNumber}.lock`, deployAlone, { onWait });

  async function deployAlone(): Promise<number> {
    await readBuildNumber(buildNumber);
    withTag(await readTfvars(inWorkspace(deploy.tfvars), deploy.tfvars), "0", deploy.tfvars);
    const tag = String(await raiseBuildNumber(buildNumber));
    say(`releasing every service as ${deploy.registry}/…:${tag}`);
    const released = await release(tag);
    if (released !== 0) {
      say(
        `the release of ${tag} failed; ${deploy.tfvars} was left as it is. The next run takes a new number.`,
      );
      return released;
    }
    // Read again: the release may have taken a while.
    const text = await readTfvars(inWorkspace(deploy.tfvars), deploy.tfvars);
    await writeWholeFile(inWorkspace(deploy.tfvars), withTag(text, tag, deploy.tfvars));
    say(`${TAG_KEY} is ${tag} in ${deploy.tfvars}`);
    return apply(tag);
  }

  /** The whole fleet, whatever filters the person's shell has. */
  function release(tag: string): Promise<number> {
    const { CI_SERVICES: _a, CI_SERVICE_FILTER: _b, SERVICES: _c, CI_PUSH: _d, ...env } = deploy.env;
    return runEngine({
      verb: "up",
      args: ["--yes", "--skip-preview", "--suppress-outputs"],
      stack: deploy.stack,
      cwd: deploy.cwd,
      env: { ...env, CI_REGISTRY: deploy.registry, CI_IMAGE_TAG: tag },
    });
  }

  async function apply(tag: string): Promise<number> {
    const script = inWorkspace(deploy.apply);
    const code = await runInForeground(script, [], { cwd: path.dirname(script), env: deploy.env }).catch(
      (error: unknown) => {
        say(`${deploy.apply}: ${error instanceof Error ? error.message : String(error)}`);
        return 126;
      },
    );
    if (code !== 0) {
      say(
        `${deploy.apply} failed (${code}). The images of ${tag} are released and ${deploy.tfvars} names them: ` +
          "run the script again when its cause is mended; nothing has to be built or tagged again.",
      );
    }
    return code;
  }
}

async function readTfvars(file: string, shown: string): Promise<string> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new ProblemError("Nothing was released:", [
      {
        code: "tfvars-missing",
        path: shown,
        message: "there is no such file",
        hint: `Make it, with a line: ${TAG_KEY} = "0"`,
      },
    ]);
  });
}

function say(text: string): void {
  process.stderr.write(`deploy-stage: ${text}\n`);
}
