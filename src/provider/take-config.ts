import { z } from "zod";
import {
  credentialsSchema,
  environmentSchema,
  type ProviderConfig,
  passwordsSchema,
  registriesSchema,
  signingSchema,
} from "../release/provider-config";
import { type Handed, take } from "./handover";
import type { Properties } from "./properties";
import { parseInputs } from "./resource";

const configSchema = z.object({
  /** JSON, as the engine wants nested provider arguments. */
  registries: z.string().default("[]"),
  /** As state of older versions has it. JSON: host -> username and password, from the stack's secret configuration. */
  credentials: z.string().default("{}"),
  /** Where the program hands secrets over, and says what it declares, as long as it runs. */
  handover: z.string().optional(),
  /** The stack that is released, by its name. */
  stack: z.string().optional(),
  /** JSON: host -> username and the password's place in the stack's configuration. */
  passwords: z.string().default("{}"),
  /** JSON: how the environment's credentials are to be read. */
  environment: z.string().default("{}"),
  /** JSON: how releases are signed, with the key. */
  signing: z.string().default('{"mode":"none"}'),
  /** Folder for diagnostics, relative to the project; absent: none are written. */
  artifacts: z.string().optional(),
});

/** The configuration as the engine has it, with the secrets that the program hands over. */
export async function takeProviderConfig(properties: Properties): Promise<ProviderConfig> {
  const parsed = parseInputs("slipway-registry provider", configSchema, properties);
  const { registries, credentials, environment, artifacts, handover, stack } = parsed;
  const handed = handover === undefined ? undefined : await take(handover);
  const signing = signingSchema.parse(JSON.parse(parsed.signing));
  const isLost = handover !== undefined && handed === undefined;
  return {
    environment: environmentSchema.parse(JSON.parse(environment)),
    signing: signing.mode === "key" ? { ...signing, ...keyOf(handed), isLost } : signing,
    registries: registriesSchema.parse(JSON.parse(registries)),
    credentials: handed?.credentials ?? credentialsSchema.parse(JSON.parse(credentials)),
    passwords: passwordsSchema.parse(JSON.parse(parsed.passwords)),
    handover,
    ...(isLost && stack !== undefined ? { askStack: stack } : {}),
    ...(artifacts === undefined ? {} : { artifacts }),
  };
}

function keyOf({ key, password }: Partial<Handed> = {}): { key?: string; password?: string } {
  return { ...(key === undefined ? {} : { key }), ...(password === undefined ? {} : { password }) };
}
