import { z } from "zod";
import type { Config } from "../plan/config";

export const registriesSchema = z.array(
  z.object({
    host: z.string(),
    plainHttp: z.boolean(),
    /** The stack's name for a password that comes from elsewhere. */
    username: z.string().optional(),
    /** Where descriptions of its repositories go: `https://hub.docker.com`. */
    hub: z.string().optional(),
  }),
);

/** Host -> name and password. */
export const credentialsSchema = z.record(
  z.string(),
  z.object({ username: z.string(), password: z.string() }),
);

/** Host -> name, and where the stack's configuration has the password: `registries[0].password`. */
export const passwordsSchema = z.record(z.string(), z.object({ username: z.string(), at: z.string() }));

/** How to read credentials from the environment. */
export const environmentSchema = z.object({
  /** Variables with this prefix come first. */
  prefix: z.string().optional(),
  /** The host that CI_REGISTRY_USERNAME and CI_REGISTRY_PASSWORD belong to if CI_REGISTRY is not set. */
  ciRegistry: z.string().optional(),
});

const requiredSigner = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("key"), publicKey: z.string() }),
  z.object({
    kind: z.literal("identity"),
    subject: z.string().min(1),
    issuer: z.string().min(1),
    trustedRoot: z.string().optional(),
  }),
]);

/** The required signer, or the stack's own signers. */
export const rulesSigner = z.union([requiredSigner, z.object({ kind: z.literal("stack") })]);

/** The stack promotes: its content was signed for the repositories that it came from. */
const promotes = z.boolean().optional();

export const signingSchema = z.discriminatedUnion("mode", [
  z.object({ mode: z.literal("none") }),
  /** Nothing is signed, and only what these signers signed is trusted. */
  z.object({ mode: z.literal("verify"), trusted: z.array(requiredSigner), promotes }),
  z.object({
    mode: z.literal("key"),
    key: z.string().optional(),
    password: z.string().optional(),
    publicKey: z.string().optional(),
    trusted: z.array(requiredSigner).optional(),
    /** The stack's key is missing because no program runs that could hand it over, as in a refresh. */
    isLost: z.boolean().optional(),
    promotes,
  }),
  z.object({
    mode: z.literal("keyless"),
    fulcio: z.string(),
    rekor: z.string(),
    trustedRoot: z.string().optional(),
    trusted: z.array(requiredSigner).optional(),
    promotes,
  }),
]);

/** How the provider signs. Secrets are plain text here, so none of it may become a property of a resource. */
export type SigningConfig = z.output<typeof signingSchema>;

export interface ProviderConfig {
  readonly registries: Readonly<z.output<typeof registriesSchema>>;
  readonly credentials: z.output<typeof credentialsSchema>;
  /** @default none */
  readonly passwords?: z.output<typeof passwordsSchema>;
  /** The stack to ask for passwords if the program did not hand them over. @default it did */
  readonly askStack?: string;
  readonly environment: z.output<typeof environmentSchema>;
  /** @default nothing is signed */
  readonly signing?: SigningConfig;
  /** Folder for diagnostics, relative to the project. @default none are written */
  readonly artifacts?: string;
  /** The socket by which the provider asks the program what it declares. @default it declares nothing */
  readonly handover?: string;
}

/** Without configuration: credentials come from the environment and Docker's configuration only. */
export const NO_CONFIG: ProviderConfig = { registries: [], credentials: {}, environment: {} };

/**
 * What the provider needs of a configuration. Credentials that come from the environment stay out: the provider looks
 * them up at each call, so that no state holds them and a rotated one works at once.
 */
export function providerConfig(config: Config): ProviderConfig {
  const { registries, origins, envPrefix, artifacts } = config;
  const configured = registries.flatMap(({ host, username, password }, index) => {
    const at = `registries[${index}].password`;
    return username === undefined || password === undefined || at in origins
      ? []
      : [{ host, username, password, at }];
  });
  return {
    registries: registries.map(({ host, plainHttp, username, hub }) => ({ host, plainHttp, username, hub })),
    credentials: Object.fromEntries(
      configured.map(({ host, username, password }) => [host, { username, password: password.reveal() }]),
    ),
    passwords: Object.fromEntries(configured.map(({ host, username, at }) => [host, { username, at }])),
    artifacts,
    signing: signingConfig(config),
    environment: { prefix: envPrefix, ciRegistry: registries[0]?.host },
  };
}

export function signingConfig({ sign, promote }: Pick<Config, "sign" | "promote">): SigningConfig {
  const isPromotion = promote === undefined ? undefined : true;
  if (promote?.verify !== undefined) {
    const { signer } = promote.verify;
    if (signer.kind !== "stack") return { mode: "verify", trusted: [signer], promotes: isPromotion };
  }
  if (sign.mode === "none") return sign;
  const trusted = [...sign.trusted];
  if (sign.mode === "keyless") return { ...sign, trusted, promotes: isPromotion };
  return {
    mode: "key",
    trusted,
    promotes: isPromotion,
    publicKey: sign.publicKey,
    key: sign.key?.reveal(),
    password: sign.password?.reveal(),
  };
}
