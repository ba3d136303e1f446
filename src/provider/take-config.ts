import { z } from "zod";
import {
  credentialsSchema,
  environmentSchema,
  type ProviderConfig,
  passwordsSchema,
  registriesSchema,
  signingSchema,
} from "../release/provider-config";
import { take } from "./handover";
import { type Properties, parseInputs } from "./properties";

/** The engine only takes nested provider arguments as JSON. */
const configSchema = z.object({
  registries: json(registriesSchema, "[]"),
  /** From the state of older versions: host -> username and password of the stack's secret configuration. */
  credentials: json(credentialsSchema, "{}"),
  /** Where the program hands over secrets and answers what it declares, while it runs. */
  handover: z.string().optional(),
  /** The name of the released stack. */
  stack: z.string().optional(),
  passwords: json(passwordsSchema, "{}"),
  environment: json(environmentSchema, "{}"),
  signing: json(signingSchema, '{"mode":"none"}'),
  /** The folder for diagnostics, relative to the project; if absent, none are written. */
  artifacts: z.string().optional(),
});

function json<T>(schema: z.ZodType<T>, usual: string) {
  return z
    .string()
    .default(usual)
    .transform((text): unknown => JSON.parse(text))
    .pipe(schema);
}

/** The configuration that the engine sent, with the secrets that the program hands over. */
export async function takeProviderConfig(properties: Properties): Promise<ProviderConfig> {
  const { stack, ...config } = parseInputs("slipway-registry provider", configSchema, properties);
  const { handover, signing } = config;
  const handed = handover === undefined ? undefined : await take(handover);
  const isLost = handover !== undefined && handed === undefined;
  return {
    ...config,
    credentials: handed?.credentials ?? config.credentials,
    signing:
      signing.mode === "key"
        ? {
            ...signing,
            key: handed?.key ?? signing.key,
            password: handed?.password ?? signing.password,
            isLost,
          }
        : signing,
    askStack: isLost ? stack : undefined,
  };
}
