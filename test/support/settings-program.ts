import path from "node:path";

/** What programs of tests require as the package. */
export const LIBRARY = path.resolve(__dirname, "../../toolchain/library.cjs");

/** A program, `index.js`, that gives nothing in code: the stack's settings say it all, as most tests want it. */
export const SETTINGS_PROGRAM = `const { Release, RepositorySetup, stackSettings } = require(${JSON.stringify(LIBRARY)});
module.exports = async () => {
  if (stackSettings().github?.setup) return new RepositorySetup("repository", await RepositorySetup.plan()).outputs;
  return { ...new Release("release", await Release.plan({})).outputs };
};
`;
