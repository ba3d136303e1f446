import { isSetupStack, Release, setUpRepository } from "./components";

/**
 * What Pulumi.<stack>.yaml describes: a stack releases images, promotes what another stack verified, or sets the GitHub
 * repository up. A program of your own gives `Release.plan` its images in code: docs/program.md.
 */
module.exports = async () => {
  if (isSetupStack()) return { ...(await setUpRepository()) };
  return { ...new Release("release", await Release.plan()).outputs };
};
