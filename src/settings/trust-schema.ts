import { z } from "zod";
import { DEFAULT_POLICY, type PolicyLevel } from "../plan/policy/policy-config";
import { parseDuration, patternProblem } from "../plan/trust";
import * as grammar from "./grammar";
import { PLATFORMS } from "./grammar";

/** What is trusted: `sign`, `promote` with its gate, `rollback`, and the rules of `policy`. */

/** The issuer of GitHub Actions. */
export const DEFAULT_ISSUER = "https://token.actions.githubusercontent.com";

/** A text, or `/pattern/` for all of one. */
const pattern = grammar.textWithout((value) => {
  if (value.trim() === "") return "is empty";
  return /\p{Cc}/u.test(value) ? "is not one line of text" : patternProblem(value);
});

const duration = z.string().refine((text) => parseDuration(text) !== undefined, {
  error: "is not a duration: a number with s, m, h, d or w, such as 36h or 30d",
});

const publicKey = grammar.text(
  /^\s*-----BEGIN PUBLIC KEY-----[\s\S]+-----END PUBLIC KEY-----\s*$/,
  "is not the PEM of a public key (-----BEGIN PUBLIC KEY-----)",
);

const trustedRoot = grammar.projectPath.optional();

/** A required signer: a key, its file, or the subject of a certificate. */
const signerFields = {
  key: publicKey.optional().describe("The signer's public key, as PEM."),
  keyFile: grammar.projectPath
    .optional()
    .describe("Instead of `key`: a file of the project with the public key. @example cosign.pub"),
  subject: pattern
    .optional()
    .describe(
      "Instead of a key: the subject of the signing certificate, exactly or as a /pattern/ that matches all of it. @example https://github.com/octo/app/.github/workflows/release.yml@refs/tags/v1.2.3",
    ),
  issuer: grammar.line.optional().describe(`The certificate's issuer, exactly. @default ${DEFAULT_ISSUER}`),
  trustedRoot: trustedRoot.describe(
    "A file of the project with a Sigstore trusted root. @default Sigstore's public one",
  ),
};

export const signSchema = z
  .strictObject({
    mode: z
      .enum(["none", "key", "keyless"])
      .default("key")
      .describe(
        "`key`: with a cosign key pair or a PEM key, offline. `keyless`: with the CI job's identity, through Fulcio and Rekor. `none`: nothing is signed, and the registry is trusted. @default key",
      ),
    key: grammar.secret
      .optional()
      .describe(
        "The private key as PEM, in secret configuration: EC P-256 or Ed25519, plain or as cosign generate-key-pair writes it. @default COSIGN_PRIVATE_KEY",
      ),
    keyFile: grammar.projectPath
      .optional()
      .describe("Instead of `key`: a file of the project with an encrypted private key. @example cosign.key"),
    password: grammar.secret
      .optional()
      .describe("The password of an encrypted key, as secret configuration. @default COSIGN_PASSWORD"),
    publicKey: publicKey
      .optional()
      .describe(
        "The public key as PEM. It verifies releases where the private key is not available, and has to match the private key.",
      ),
    publicKeyFile: grammar.projectPath
      .optional()
      .describe("Instead of `publicKey`: a file of the project with the public key. @example cosign.pub"),
    fulcio: grammar.origin
      .default("https://fulcio.sigstore.dev")
      .describe("The server that issues certificates for `keyless`. @default https://fulcio.sigstore.dev"),
    rekor: grammar.origin
      .default("https://rekor.sigstore.dev")
      .describe("The transparency log of `keyless`. @default https://rekor.sigstore.dev"),
    trustedRoot: trustedRoot.describe(
      "A file of the project with the Sigstore trusted root of your own servers. @default Sigstore's public one",
    ),
    trusted: z
      .array(
        z.strictObject(signerFields).meta({ what: "a signer: { keyFile: cosign.pub } or { subject: … }" }),
      )
      .default([])
      .describe(
        "Further signers whose releases are trusted, such as a replaced key or a workflow that signs keyless. @default none",
      ),
  })
  .meta({ what: "signing: { publicKeyFile: cosign.pub } or { mode: keyless }" });

const verifySchema = z
  .strictObject({
    ...signerFields,
    predicates: grammar
      .listOf(grammar.line, "leave it out for signature and statement")
      .default(["signature", "statement"])
      .describe(
        "What the signer must have signed: signature, statement, provenance, sbom, or predicate types. @default [signature, statement]",
      ),
    builder: pattern
      .optional()
      .describe(
        "The builder that each platform's provenance must name, exactly or as a /pattern/. @default any",
      ),
    source: pattern
      .optional()
      .describe(
        "The source repository that provenance must name, exactly or as a /pattern/. @default any @example https://github.com/octo/app",
      ),
    platforms: z
      .array(z.enum(PLATFORMS))
      .default([])
      .describe("Platforms that the image must have. @default those of the release"),
    minAge: duration.optional().describe("The release must be at least this old. @default 0s @example 24h"),
    maxAge: duration
      .optional()
      .describe("The release must not be older than this. @default no limit @example 30d"),
  })
  .meta({ what: "what to verify: { keyFile: cosign.pub } or { subject: … }" });

const images = grammar.listOf(grammar.imageName, "leave it out for all images").optional();

export const promoteSchema = z
  .strictObject({
    from: grammar
      .text(/^[A-Za-z0-9._-]{1,100}$/, "is not a stack's name")
      .optional()
      .describe(
        "Promote the last release of this stack of the project, as its manifest says. @example stage",
      ),
    statement: grammar.releaseName
      .optional()
      .describe(
        "Instead of `from`: promote this version, as its release statement in a registry says. @example v1.2.3",
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
    images: images.describe(
      "Promote only these images; the others stay as they were last promoted. @default all",
    ),
    verify: verifySchema
      .optional()
      .describe("The gate: what must be verified before any image is copied. @default none"),
  })
  .meta({ what: "a promotion: { from: stage } or { statement: v1.2.3 }" });

export const rollbackSchema = z
  .strictObject({
    to: grammar.releaseName
      .optional()
      .describe("The version that floating tags go back to. @default none, the tags stay @example v1.2.2"),
    bad: z
      .array(grammar.releaseName)
      .default([])
      .describe(
        "Versions that never count as the newest, now and in later releases. @default none @example [v1.2.3]",
      ),
    images: images.describe("Only these images go back. @default every image that has the version"),
  })
  .meta({ what: "a rollback: { to: v1.2.2, bad: [v1.2.3] }" });

const level = z.enum(["off", "warn", "refuse"]);

/** A rule with exceptions: its level alone, or the level and what is allowed. */
function allowing(what: string, example: string, usual: PolicyLevel) {
  return z
    .union([
      level,
      z.strictObject({
        level: level.default("refuse").describe("@default refuse"),
        allow: z
          .array(pattern)
          .default([])
          .describe(`${what} that are allowed, exactly or as a /pattern/. @default none @example ${example}`),
      }),
    ])
    .meta({ what: "off, warn, refuse or { level: refuse, allow: […] }" })
    .default(usual);
}

export const policySchema = z
  .strictObject({
    unsignedPromotion: level
      .default(DEFAULT_POLICY.unsignedPromotion.level)
      .describe("A promotion needs a gate: signed releases, or a signer in `promote.verify`. @default warn"),
    unverifiedContent: level
      .optional()
      .describe(
        "Unsigned content of a registry is not adopted or promoted, and no build reads a cache from a registry. @default off; refuse for a stack that promotes",
      ),
    uncommittedVersion: level
      .default(DEFAULT_POLICY.uncommittedVersion.level)
      .describe(
        "A version needs a clean working tree. With uncommitted changes, its statement records them and no gate accepts it. @default warn",
      ),
    floatingBase: allowing(
      "Images",
      "[/docker\\.io\\/docker\\/dockerfile:.+/]",
      DEFAULT_POLICY.floatingBase.level,
    ).describe(
      "A Dockerfile names images with their digests. Every plan pins them in any case. @default off",
    ),
    missingProvenance: level
      .default(DEFAULT_POLICY.missingProvenance.level)
      .describe(
        "Images are built with provenance. With `refuse`, the gate before a promotion requires it too. @default warn",
      ),
    missingSbom: level
      .optional()
      .describe(
        "An image is not released without its SBOM when the generator cannot be reached. The plan reports it in any case. @default off; refuse for a stack that promotes or sets requireTag",
      ),
    unpinnedAction: allowing("Actions", "[/octo\\/.+/]", DEFAULT_POLICY.unpinnedAction.level).describe(
      "Workflows in .github/workflows name actions by their full commit. @default warn",
    ),
    prereleaseOnFloatingTag: level
      .default(DEFAULT_POLICY.prereleaseOnFloatingTag.level)
      .describe(
        "A pre-release moves no floating tag. `warn`: except tags that `override` names; `refuse`: no exception; `off`: it moves them like any version. @default warn",
      ),
    requiredPlatforms: z
      .union([
        z.literal("off"),
        z.strictObject({
          level: level.default("refuse").describe("@default refuse"),
          platforms: grammar
            .listOf(z.enum(PLATFORMS), "write requiredPlatforms: off for none")
            .describe("The required platforms. @example [linux/amd64, linux/arm64]"),
        }),
      ])
      .meta({ what: "off or { platforms: [linux/amd64] }" })
      .default("off")
      .describe("Platforms that every image must have. @default off"),
    deniedLicences: z
      .union([
        z.literal("off"),
        z.strictObject({
          level: level.default("refuse").describe("@default refuse"),
          licences: grammar
            .listOf(pattern, "write deniedLicences: off for none")
            .describe("SPDX ids, exactly or as a /pattern/. @example [/A?GPL-.+/, SSPL-1.0]"),
          unknown: z
            .enum(["allow", "refuse"])
            .default("allow")
            .describe(
              "Whether to allow a package for which the SBOM has no licence, or none with an SPDX id. @default allow",
            ),
        }),
      ])
      .meta({ what: "off or { licences: [AGPL-3.0-only] }" })
      .default("off")
      .describe(
        "Licences that no package in the SBOM may have. The gate before a promotion and `slipway verify` check this. @default off",
      ),
  })
  .meta({ what: "rules: { floatingBase: refuse, unpinnedAction: warn, … }" });
