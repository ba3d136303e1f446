import type { Config } from "../../../src/plan/config";
import { ProblemError } from "../../../src/plan/problem";
import type { ConfigInput } from "../../../src/settings/read";
import { readConfig } from "../../../src/settings/read";

export type Input = { [Key in keyof ConfigInput]?: ConfigInput[Key] };

/** The smallest valid configuration. */
export const MINIMAL = {
  registries: [{ host: "ghcr.io", namespace: "octo" }],
  images: [{ name: "app" }],
};

export function read(input: Input = {}): Config {
  return readConfig({ written: MINIMAL, env: {}, secretKeys: [], ...input });
}

/** Each problem as the line that users see, without its hint. */
export function problemLines(input: Input): string[] {
  return problemsOf(input).problems.map(({ path, message, code }) => `${path}: ${message} [${code}]`);
}

export function problemsOf(input: Input): ProblemError {
  try {
    read(input);
  } catch (error) {
    if (error instanceof ProblemError) return error;
    throw error;
  }
  throw new Error("the configuration was accepted");
}
