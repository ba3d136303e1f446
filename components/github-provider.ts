import * as github from "@pulumi/github";
import * as pulumi from "@pulumi/pulumi";
import type { SetupPlan } from "../plan/setup/plan";

/** The provider knows the second name by itself; the first wins here and there. */
const TOKEN_VARIABLES = { GH_TOKEN: "GITHUB_TOKEN" };

/** The options of a setup with its GitHub provider: the one that they name, else one of the setup's own. */
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
 * A token from the environment is not an input: the provider's process finds it there, under the name that it knows. So
 * it is in no state and no log, a rotated one works at once, and destroying takes the current one. A token from the
 * stack's secret configuration can only be an input.
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
      // The SDK takes a token from this process's environment, and would make a plain input of it.
      transformations: isOfStack
        ? []
        : [({ props, opts }) => ({ props: { ...props, token: undefined }, opts })],
    },
  );
}
