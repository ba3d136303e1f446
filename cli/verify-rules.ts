import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Environment } from "../config/environment";
import type { Config } from "../plan/config";
import { ProblemError } from "../plan/problem";
import { promotionGate } from "../plan/promotion-gate";
import type { PromotionRules, WantedSigner } from "../plan/trust";
import type { VerifyOptions } from "./commands/verify";
import { readStackConfig } from "./plan-without-engine";

/** A stack whose gate a release is held against. */
export interface VerifyStack {
  readonly config: Config;
  /** `promote.verify`, and what its policy asks for. */
  readonly rules: PromotionRules;
}

/**
 * What a stack asks of what it promotes.
 *
 * @throws ProblemError where its file cannot be read, or asks for nothing
 */
export async function readVerifyStack(
  { stack, cwd }: Pick<VerifyOptions, "cwd"> & { readonly stack: string },
  env: Environment,
): Promise<VerifyStack> {
  const projectDir = path.resolve(cwd);
  const config = await readStackConfig({ projectDir, stack, env });
  const rules = promotionGate(config);
  if (rules === undefined) {
    throw new ProblemError("Nothing was verified:", [
      {
        code: "verify-rules",
        path: "promote.verify",
        message: `the stack ${stack} asks for no proof of what it promotes`,
        hint: "Set slipway:promote.verify in its file, or say by flags who has to have signed.",
      },
    ]);
  }
  return { config, rules };
}

/** The flags, else the stack's rules, else the defaults. */
export async function verifyRules(
  options: VerifyOptions,
  stack: PromotionRules | undefined,
): Promise<PromotionRules> {
  const { predicate, platform, builder, source, minAge, maxAge, denyLicence } = options;
  const signer = (await signerOf(options)) ?? stack?.signer;
  if (signer === undefined) throw new Error("the signer is missing: --key, --subject or --stack");
  return {
    ...stack,
    signer,
    predicates: predicate.length > 0 ? predicate : (stack?.predicates ?? ["signature", "statement"]),
    platforms: platform.length > 0 ? platform : (stack?.platforms ?? []),
    ...(builder === undefined ? {} : { builder }),
    ...(source === undefined ? {} : { source }),
    ...(minAge === undefined ? {} : { minAge }),
    ...(maxAge === undefined ? {} : { maxAge }),
    ...(denyLicence.length === 0
      ? {}
      : { licences: { unknown: stack?.licences?.unknown ?? "allow", licences: denyLicence } }),
  };
}

async function signerOf({
  key,
  subject,
  issuer,
  trustedRoot,
}: VerifyOptions): Promise<WantedSigner | undefined> {
  if (key !== undefined) return { kind: "key", publicKey: await text("--key", key) };
  if (subject === undefined) return undefined;
  const root = trustedRoot === undefined ? {} : { trustedRoot: await text("--trusted-root", trustedRoot) };
  return { kind: "identity", subject, issuer, ...root };
}

function text(option: string, file: string): Promise<string> {
  return readFile(file, "utf8").catch(() => {
    throw new ProblemError("Nothing was verified:", [
      { code: "verify-file", path: option, message: `${JSON.stringify(file)} cannot be read` },
    ]);
  });
}
