import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { SetupPlan } from "../src/plan/setup/plan";

/** The provider itself reads GITHUB_TOKEN only; GH_TOKEN wins, as it does when the repository is read. */
const TOKEN_VARIABLES = { GH_TOKEN: "GITHUB_TOKEN" };

/** Adds a GitHub provider to a setup's options, unless they name one. */
export function withGithubProvider(
  name: string,
  plan: SetupPlan,
  opts: pulumi.ComponentResourceOptions = {},
): pulumi.ComponentResourceOptions {
  const { providers = [], provider } = opts;
  const given = Array.isArray(providers) ? providers : Object.values(providers);
  const all = provider === undefined ? given : [...given, provider];
  if (all.some((one) => github.Provider.isInstance(one))) return opts;
  return { ...opts, providers: [...all, githubProvider(`${name}-github`, plan, opts)] };
}

/**
 * A token from the environment is not an input: the provider's process reads the environment itself. So the token is in
 * no state and no log, and a rotated one works at once, also for `destroy`. A token from the stack's secret
 * configuration can only be an input.
 */
function githubProvider(
  name: string,
  { config, owner }: SetupPlan,
  { parent }: pulumi.ComponentResourceOptions,
): github.Provider {
  const { baseUrl, token, tokenFrom, writeDelayMs } = config;
  const args = { owner, ...(baseUrl === undefined ? {} : { baseUrl }), writeDelayMs };
  const isOfStack = tokenFrom === undefined || tokenFrom.includes(":");
  return new github.Provider(
    name,
    { ...args, ...(isOfStack && token !== undefined ? { token: pulumi.secret(token.reveal()) } : {}) },
    {
      ...(parent === undefined ? {} : { parent }),
      aliases: [{ name: "github", parent: pulumi.rootStackResource }],
      envVarMappings: TOKEN_VARIABLES,
      // The SDK would read the token from the environment and make it a plain input.
      transformations: isOfStack
        ? []
        : [({ props, opts }) => ({ props: { ...props, token: undefined }, opts })],
    },
  );
}
