import { z } from "zod";
import { parseDuration, patternProblem } from "../plan/trust";
import * as grammar from "./grammar";
import { PLATFORMS } from "./grammar";

/** GitHub Actions'. */
export const DEFAULT_ISSUER = "https://token.actions.githubusercontent.com";

const pattern = z.string().refine((text) => patternProblem(text) === undefined, {
  error: (issue) => patternProblem(String(issue.input)) ?? "is not a text or a /pattern/",
});

const duration = z.string().refine((text) => parseDuration(text) !== undefined, {
  error: "is not a duration: a number with s, m, h, d or w, such as 36h or 30d",
});

const publicKey = z.string().regex(/^\s*-----BEGIN PUBLIC KEY-----[\s\S]+-----END PUBLIC KEY-----\s*$/, {
  error: "is not the PEM of a public key (-----BEGIN PUBLIC KEY-----)",
});

const trustedRoot = grammar.projectPath.optional();

/** The required signer: a key, its file, or the subject of a certificate. */
const signerFields = {
  key: publicKey.optional().describe("PEM of the public key that has to have signed."),
  keyFile: grammar.projectPath
    .optional()
    .describe("Instead of `key`: its file in the project. @example cosign.pub"),
  subject: pattern
    .optional()
    .describe(
      "Instead of a key: the certificate's subject, exactly or as a /pattern/ for all of it. @example https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3",
    ),
  issuer: grammar.line
    .optional()
    .describe(`Who has to vouch for the subject, exactly. @default ${DEFAULT_ISSUER}`),
  trustedRoot: trustedRoot.describe(
    "A Sigstore trusted root's file in the project. @default Sigstore's public one",
  ),
};

export const signSchema = z
  .strictObject({
    mode: z
      .enum(["none", "key", "keyless"])
      .default("key")
      .describe(
        "`key`: with a cosign key pair or a PEM key, offline. `keyless`: with the identity of the CI, by Fulcio and Rekor. `none`: nothing is signed, and the registry is trusted. @default key",
      ),
    key: grammar.secret
      .optional()
      .describe(
        "The private key's PEM, as secret configuration: EC P-256 or Ed25519, or what cosign generate-key-pair writes. @default COSIGN_PRIVATE_KEY",
      ),
    keyFile: grammar.projectPath
      .optional()
      .describe("Instead of `key`: an encrypted key's file in the project. @example cosign.key"),
    password: grammar.secret
      .optional()
      .describe("Of an encrypted key, as secret configuration. @default COSIGN_PASSWORD"),
    publicKey: publicKey
      .optional()
      .describe(
        "PEM of the public key. Releases are verified by it where the private key is not at hand; the private key has to match it.",
      ),
    publicKeyFile: grammar.projectPath
      .optional()
      .describe("Instead of `publicKey`: its file in the project. @example cosign.pub"),
    fulcio: grammar.origin
      .default("https://fulcio.sigstore.dev")
      .describe("What issues the certificates of `keyless`. @default https://fulcio.sigstore.dev"),
    rekor: grammar.origin
      .default("https://rekor.sigstore.dev")
      .describe("The transparency log of `keyless`. @default https://rekor.sigstore.dev"),
    trustedRoot: trustedRoot.describe(
      "A Sigstore trusted root's file in the project, for servers of your own. @default Sigstore's public one",
    ),
    trusted: z
      .array(
        z.strictObject(signerFields).meta({ what: "a signer: { keyFile: cosign.pub } or { subject: … }" }),
      )
      .default([])
      .describe(
        "Further signers whose releases are trusted: a key that was replaced, the workflow that signs keyless. @default none",
      ),
  })
  .meta({ what: "signing: { publicKeyFile: cosign.pub } or { mode: keyless }" });

const verifySchema = z
  .strictObject({
    ...signerFields,
    predicates: z
      .array(grammar.line)
      .min(1, { error: "has no entry; leave it out for signature and statement" })
      .default(["signature", "statement"])
      .describe(
        "What has to be signed: signature, statement, provenance, sbom, or predicate types. @default [signature, statement]",
      ),
    builder: pattern
      .optional()
      .describe("Provenance's builder, exactly or as a /pattern/, for every platform. @default any"),
    source: pattern
      .optional()
      .describe(
        "Where the source is, exactly or as a /pattern/. @default any @example https://github.com/octo/app",
      ),
    platforms: z
      .array(z.enum(PLATFORMS))
      .default([])
      .describe("Platforms that have to be there. @default those of the release"),
    minAge: duration.optional().describe("How long ago it has to have been made. @default 0s @example 24h"),
    maxAge: duration
      .optional()
      .describe("How long ago it may have been made. @default any time @example 30d"),
  })
  .meta({ what: "what to verify: { keyFile: cosign.pub } or { subject: … }" });

const images = z
  .array(grammar.imageName)
  .min(1, { error: "has no entry; leave it out for all images" })
  .optional();

export const promoteSchema = z
  .strictObject({
    from: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,100}$/, { error: "is not a stack's name" })
      .optional()
      .describe("The stack of this project whose last release is taken, by its manifest. @example stage"),
    statement: grammar.releaseName
      .optional()
      .describe(
        "Instead of `from`: a version, taken by its release statement in a registry. @example v1.2.3",
      ),
    registry: z
      .strictObject({
        host: grammar.host.describe("Host, with its port. @example ghcr.io"),
        namespace: grammar.namespace
          .default("")
          .describe("Path between the host and an image's name. @default none"),
      })
      .meta({ what: "a registry: { host: …, namespace: … }" })
      .optional()
      .describe("The registry to read the statement from. @default the first registry"),
    images: images.describe("Only these images; the others stay as they were promoted last. @default all"),
    verify: verifySchema
      .optional()
      .describe("What has to be verified before anything of a release is copied. @default nothing"),
  })
  .meta({ what: "a promotion: { from: stage } or { statement: v1.2.3 }" });

export const rollbackSchema = z
  .strictObject({
    to: grammar.releaseName
      .optional()
      .describe("The version that floating tags go back to. @default none, tags stay @example v1.2.2"),
    bad: z
      .array(grammar.releaseName)
      .default([])
      .describe(
        "Versions that never count as the newest, now and in later releases. @default none @example [v1.2.3]",
      ),
    images: images.describe("Only these images go back. @default every image that has such a version"),
  })
  .meta({ what: "a rollback: { to: v1.2.2, bad: [v1.2.3] }" });
