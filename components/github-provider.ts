import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { SetupPlan } from "../plan/setup/plan";

/** The provider knows the second name by itself; the first wins here and there. */
const TOKEN_VARIABLES = { GH_TOKEN: "GITHUB_TOKEN" };

/**
 * The provider of a setup. A token from the environment is no input of it: the provider's process finds it there, under
 * the name that it knows, so that it stands in no state and no log, a rotated one works at once, and destroying takes
 * the one of that day. A token from the stack's secret configuration has no other road than an input.
 */
export function githubProvider({ config, owner }: SetupPlan): github.Provider {
  const { baseUrl, token, tokenFrom, writeDelayMs } = config;
  const args = { owner, ...(baseUrl === undefined ? {} : { baseUrl }), writeDelayMs };
  const isOfStack = tokenFrom === undefined || tokenFrom.includes(":");
  return new github.Provider(
    "github",
    { ...args, ...(isOfStack && token !== undefined ? { token: pulumi.secret(token.reveal()) } : {}) },
    {
      envVarMappings: TOKEN_VARIABLES,
      // The SDK takes a token from this process's environment, and would make a plain input of it.
      transformations: isOfStack
        ? []
        : [({ props, opts }) => ({ props: { ...props, token: undefined }, opts })],
    },
  );
}
