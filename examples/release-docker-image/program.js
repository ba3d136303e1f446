// @ts-nocheck The types of this package are made when it is packed.
const { Release, RepositorySetup, stackSettings } = require("../../library.js");

module.exports = async () => {
  if (stackSettings().github?.setup)
    return new RepositorySetup("repository", await RepositorySetup.plan()).outputs;
  return { ...new Release("release", await Release.plan({})).outputs };
};
