// npm run deploy:stage: increments .buildnum, releases every service under the new number, writes the number into
// Terraform's variables and applies them. One deploy runs at a time; a second one waits and takes the next number.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import slipway from "slipway";

const REGISTRY = `localhost:${process.env.SLIPWAY_REGISTRY_PORT || 5000}`;
const ENVIRONMENT = "infra/terraform/environments/stage";
const TFVARS = `${ENVIRONMENT}/stage.tfvars`;
/** `glass_docker_tag = "147"`: Nomad's jobs take their images' tag from it. */
const TAG = /(?<=^[ \t]*glass_docker_tag[ \t]*=[ \t]*")[^"\r\n]*(?=")/gm;

process.chdir(import.meta.dirname);
try {
  const onWait = (/** @type {string} */ holder) => say(`waiting for the deploy of ${holder}`);
  process.exitCode = await slipway.withLock(".buildnum.lock", deploy, onWait);
} catch (error) {
  say(String(error));
  process.exitCode = 1;
}

/** @returns the exit code of the command that failed, or 0 */
async function deploy() {
  withTag(readFileSync(TFVARS, "utf8"), "0"); // throws now rather than after the release
  // Before a number is taken. A CLI that releases without the engine needs no stack.
  const byCli = process.env.CI_DOCKER_CLI || process.env.DOCKER_CLI;
  const select = ["env", "--stack", "stage", "--", "pulumi", "stack", "select", "--create", "stage"];
  const made = byCli ? 0 : await run("node_modules/.bin/slipway", select);
  if (made !== 0) return made;

  const number = String(lastNumber() + 1);
  await slipway.writeWholeFile(".buildnum", `${number}\n`);

  say(`releasing every service as ${REGISTRY}/…:${number}`);
  const released = await run("infra/docker/publish-services.sh", ["--skip-preview"], {
    ...{ CI_REGISTRY: REGISTRY, CI_IMAGE_TAG: number },
    // Every service, even if the shell's variables select some.
    ...{ CI_SERVICES: "", CI_SERVICE_FILTER: "", SERVICES: "", CI_PUSH: "" },
  });
  if (released !== 0) {
    say(`the release of ${number} failed; ${TFVARS} was left as it is. The next run takes a new number.`);
    return released;
  }

  // Read again: the file may have been edited while the release ran.
  await slipway.writeWholeFile(TFVARS, withTag(readFileSync(TFVARS, "utf8"), number));
  say(`glass_docker_tag is ${number} in ${TFVARS}`);
  const applied = await run(`${ENVIRONMENT}/apply.sh`, []);
  if (applied !== 0) {
    say(`apply.sh failed (${applied}). The images of ${number} are released and ${TFVARS} names them:`);
    say("run apply.sh again when its cause is fixed; nothing has to be built or tagged again.");
  }
  return applied;
}

function lastNumber() {
  const text = existsSync(".buildnum") ? readFileSync(".buildnum", "utf8").trim() : "0";
  if (/^[0-9]{1,9}$/.test(text)) return Number(text);
  throw new Error(
    `.buildnum: ${JSON.stringify(text)} is not a build number; write the newest number in the registry into it`,
  );
}

/** The same text with another tag. @param {string} text @param {string} tag */
function withTag(text, tag) {
  const { length } = text.match(TAG) ?? [];
  if (length !== 1) throw new Error(`${TFVARS}: has ${length} lines glass_docker_tag = "…"; expected one`);
  return text.replace(TAG, tag);
}

/**
 * @param {string} command
 * @param {string[]} args
 * @param {Record<string, string>} [variables]
 * @returns {Promise<number>} its exit code; 126 where it cannot be run
 */
function run(command, args, variables = {}) {
  // Ctrl-C reaches the command too, which ends by itself.
  const wait = () => {};
  process.on("SIGINT", wait);
  return new Promise((resolve) => {
    spawn(command, args, { stdio: "inherit", env: { ...process.env, ...variables } })
      .on("error", (error) => {
        say(String(error));
        resolve(126);
      })
      .on("close", (code) => resolve(code ?? 1));
  }).finally(() => process.off("SIGINT", wait));
}

/** @param {string} text */
function say(text) {
  console.error(`deploy-stage: ${text}`);
}
