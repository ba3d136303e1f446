import { ProblemError } from "../../plan/problem";

/** The key that Nomad's jobs take their images' tag from. */
export const TAG_KEY = "glass_docker_tag";

/** `key = "value"`, also without spaces and with a comment behind it; only what is between the quotes changes. */
const ASSIGNMENT = new RegExp(`^([ \\t]*${TAG_KEY}[ \\t]*=[ \\t]*")([^"\\r\\n]*)(")`, "gm");

/**
 * The same text with another tag, all else byte for byte.
 *
 * @throws ProblemError `tfvars-key` where the key is missing, there twice, or no text in quotes
 */
export function withTag(text: string, tag: string, file: string): string {
  const found = [...text.matchAll(ASSIGNMENT)].length;
  if (found !== 1) {
    throw new ProblemError("Nothing was released:", [
      {
        code: "tfvars-key",
        path: file,
        message:
          found === 0
            ? `has no line ${TAG_KEY} = "…", so the new tag could not reach Nomad's jobs`
            : `has ${found} lines ${TAG_KEY} = "…"; expected one`,
        hint: `Add the line: ${TAG_KEY} = "0"`,
      },
    ]);
  }
  return text.replace(ASSIGNMENT, (_, before: string, _old: string, after: string) => before + tag + after);
}
