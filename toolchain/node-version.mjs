// Imported first, and written so that an old Node can parse it and report its version.

const minimumNode = [20, 19, 0];

/**
 * @param {string} version
 * @returns {string | undefined} an error if it is too old
 */
export function nodeProblem(version) {
  const found = version.replace(/^v/, "").split(".").map(Number);
  for (let index = 0; index < minimumNode.length; index += 1) {
    const part = found[index] || 0;
    const minimum = minimumNode[index] || 0;
    if (part > minimum) return undefined;
    if (part < minimum) {
      return (
        `SLIPWAY_NODE_TOO_OLD: this is Node ${version}; Slipway needs ${minimumNode.join(".")} or later.\n` +
        "What you can do: install a current Node (https://nodejs.org/, or `nvm install 22`) and run the command again."
      );
    }
  }
  return undefined;
}

/**
 * Runs a command of this folder, or prints its usage for --help. Exits with an error if Node is too old.
 * @param {string} usage
 * @param {(args: string[]) => Promise<number | void>} main its result is the exit code
 */
export async function command(usage, main) {
  const problem = nodeProblem(process.version);
  if (problem !== undefined) {
    console.error(problem);
    process.exit(1);
  }
  const args = process.argv.slice(2);
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(usage);
    return;
  }
  const { runCommand } = await import("./run.mjs");
  await runCommand(() => main(args));
}

/** Reports wrong arguments. @param {string[]} args @param {string} usage @returns {number} the exit code */
export function unknownArguments(args, usage) {
  process.stderr.write(args.length === 0 ? usage : `${args.join(" ")} is an unknown argument.\n${usage}`);
  return 2;
}
