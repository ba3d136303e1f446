import { z } from "zod";
import { DEFAULT_POLICY, type PolicyConfig, type PolicyLevel } from "../plan/policy/policy-config";
import { patternProblem } from "../plan/trust";
import * as grammar from "./grammar";
import { PLATFORMS } from "./grammar";
import type { CheckedConfig } from "./schema";

const level = z.enum(["off", "warn", "refuse"]);

const pattern = grammar.line.refine((text) => patternProblem(text) === undefined, {
  error: (issue) => patternProblem(String(issue.input)) ?? "is not a text or a /pattern/",
});

/** A rule that has exceptions: its level alone, or both. */
function allowing(what: string, example: string, usual: PolicyLevel) {
  return z
    .union([
      level,
      z.strictObject({
        level: level.default("refuse").describe("@default refuse"),
        allow: z
          .array(pattern)
          .default([])
          .describe(
            `${what} that are let through, exactly or as a /pattern/. @default none @example ${example}`,
          ),
      }),
    ])
    .meta({ what: "off, warn, refuse or { level: refuse, allow: […] }" })
    .default(usual);
}

export const policySchema = z
  .strictObject({
    unsignedPromotion: level
      .default(DEFAULT_POLICY.unsignedPromotion.level)
      .describe(
        "A promotion passes a gate: releases are signed, or `promote.verify` names who signed. @default warn",
      ),
    unverifiedContent: level
      .optional()
      .describe(
        "Nothing is adopted or promoted on a registry's word alone, as happens where releases are not signed, and no build reads a cache from a registry. @default off; refuse for a stack that promotes",
      ),
    uncommittedVersion: level
      .default(DEFAULT_POLICY.uncommittedVersion.level)
      .describe(
        "A version is made from a clean working tree. Its statement records uncommitted changes, and no gate accepts it. @default warn",
      ),
    floatingBase: allowing(
      "Images",
      "[/docker\\.io\\/docker\\/dockerfile:.+/]",
      DEFAULT_POLICY.floatingBase.level,
    ).describe(
      "What a Dockerfile takes from a registry is written with its digest. Every plan pins it anyway. @default off",
    ),
    missingProvenance: level
      .default(DEFAULT_POLICY.missingProvenance.level)
      .describe(
        "Images are built with provenance; with `refuse`, the gate before a promotion asks for it too. @default warn",
      ),
    missingSbom: level
      .optional()
      .describe(
        "An image that should have an SBOM has one, although its generator cannot be reached. A plan says so in any case. @default off; refuse for a stack that promotes or sets requireTag",
      ),
    unpinnedAction: allowing("Actions", "[/octo\\/.+/]", DEFAULT_POLICY.unpinnedAction.level).describe(
      "Actions in .github/workflows are named by their full commit. @default warn",
    ),
    prereleaseOnFloatingTag: level
      .default(DEFAULT_POLICY.prereleaseOnFloatingTag.level)
      .describe(
        "A pre-release moves no floating tag. `warn`: only where `override` names the tag; `refuse`: not even then; `off`: it moves them as any version does. @default warn",
      ),
    requiredPlatforms: z
      .union([
        z.literal("off"),
        z.strictObject({
          level: level.default("refuse").describe("@default refuse"),
          platforms: z
            .array(z.enum(PLATFORMS))
            .min(1, { error: "has no entry; write requiredPlatforms: off for none" })
            .describe("Every image has to have them. @example [linux/amd64, linux/arm64]"),
        }),
      ])
      .meta({ what: "off or { platforms: [linux/amd64] }" })
      .default("off")
      .describe("Platforms that every image has to have. @default off"),
    deniedLicences: z
      .union([
        z.literal("off"),
        z.strictObject({
          level: level.default("refuse").describe("@default refuse"),
          licences: z
            .array(pattern)
            .min(1, { error: "has no entry; write deniedLicences: off for none" })
            .describe("SPDX ids, exactly or as a /pattern/. @example [/A?GPL-.+/, SSPL-1.0]"),
          unknown: z
            .enum(["allow", "refuse"])
            .default("allow")
            .describe(
              "What is done with a package whose licence the SBOM does not say, or by no SPDX id. @default allow",
            ),
        }),
      ])
      .meta({ what: "off or { licences: [AGPL-3.0-only] }" })
      .default("off")
      .describe(
        "Licences that no package may have, by the SBOM; judged at the gate before a promotion and by slipway verify. @default off",
      ),
  })
  .meta({ what: "rules: { floatingBase: refuse, unpinnedAction: warn, … }" });

type CheckedPolicy = NonNullable<CheckedConfig["policy"]>;

export function normalisePolicy(
  written: CheckedPolicy | undefined,
  stack: { readonly promotes: boolean; readonly requireTag: boolean },
): PolicyConfig {
  const byStack = (refuses: boolean): PolicyLevel => (refuses ? "refuse" : "off");
  const unverifiedContent = { level: written?.unverifiedContent ?? byStack(stack.promotes) };
  const missingSbom = { level: written?.missingSbom ?? byStack(stack.promotes || stack.requireTag) };
  if (written === undefined) return { ...DEFAULT_POLICY, unverifiedContent, missingSbom };
  const { unsignedPromotion, missingProvenance, prereleaseOnFloatingTag } = written;
  const { requiredPlatforms, deniedLicences } = written;
  return {
    unsignedPromotion: { level: unsignedPromotion },
    unverifiedContent,
    uncommittedVersion: { level: written.uncommittedVersion },
    floatingBase: withExceptions(written.floatingBase),
    missingProvenance: { level: missingProvenance },
    missingSbom,
    unpinnedAction: withExceptions(written.unpinnedAction),
    prereleaseOnFloatingTag: { level: prereleaseOnFloatingTag },
    requiredPlatforms: requiredPlatforms === "off" ? DEFAULT_POLICY.requiredPlatforms : requiredPlatforms,
    deniedLicences: deniedLicences === "off" ? DEFAULT_POLICY.deniedLicences : deniedLicences,
  };
}

function withExceptions(
  written: PolicyLevel | { level: PolicyLevel; allow: string[] },
): PolicyConfig["floatingBase"] {
  return typeof written === "string" ? { level: written, allow: [] } : written;
}
