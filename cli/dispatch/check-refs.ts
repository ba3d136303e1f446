import type { Problem } from "../../plan/problem";
import { commitOf } from "./commit-of";
import type { PreflightInput } from "./preflight";

/** Whether there is what is to be released, and whether version and reference mean the same commit. */
export async function checkRefs({
  octokit,
  repository,
  settings,
  errors,
}: PreflightInput): Promise<{ readonly problems: readonly Problem[]; readonly sha?: string }> {
  const { version, inputRef } = settings;
  const find = (ref: string | undefined) =>
    ref === undefined ? undefined : commitOf(octokit, repository, ref);
  const [tagged, named] = await Promise.all([
    find(version === undefined ? undefined : `tags/${version}`),
    find(inputRef),
  ]);
  const problems: Problem[] = [];
  if (inputRef !== undefined && named === undefined) {
    problems.push({
      code: "input-ref-missing",
      path: inputRef,
      message: `there is no such branch, tag or commit in ${errors.path}`,
      hint: "Push it first, or name another one by --input-ref.",
    });
  }
  if (version !== undefined && inputRef === undefined && tagged === undefined) {
    problems.push({
      code: "release-tag-missing",
      path: version,
      message: `there is no such git tag in ${errors.path}`,
      hint: `Push it: git tag ${version} && git push origin ${version}; or name what to release by --input-ref.`,
    });
  }
  if (named !== undefined && tagged !== undefined && named !== tagged) {
    problems.push({
      code: "release-tag-elsewhere",
      path: `${version}`,
      message: `the git tag is ${short(tagged)}, but --input-ref ${inputRef} is ${short(named)}`,
      hint: "A version is released from its own tag: leave --input-ref out, or raise the version.",
    });
  }
  const sha = named ?? tagged;
  return { problems, ...(sha === undefined ? {} : { sha }) };
}

function short(sha: string): string {
  return sha.slice(0, 12);
}
