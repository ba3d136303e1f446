// @ts-check
// Imported before anything else, and written so that an old Node can still read it and say what is wrong.

const minimumNode = [20, 19, 0];

/**
 * @param {string} version
 * @returns {string | undefined} what is wrong with it
 */
export function nodeProblem(version) {
  const found = version.replace(/^v/, "").split(".").map(Number);
  for (let index = 0; index < minimumNode.length; index += 1) {
    const part = found[index] || 0;
    const wanted = minimumNode[index] || 0;
    if (part > wanted) return undefined;
    if (part < wanted) {
      return (
        `SLIPWAY_NODE_TOO_OLD: this is Node ${version}; Slipway needs ${minimumNode.join(".")} or later.\n` +
        "What you can do: install a current Node (https://nodejs.org/, or `nvm install 22`) and run the command again."
      );
    }
  }
  return undefined;
}

/** Ends the process if this Node is too old. */
export function requireNode() {
  const problem = nodeProblem(process.version);
  if (problem === undefined) return;
  console.error(problem);
  process.exit(1);
}
