import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../plan/digest";
import { imageFacts } from "../plan/policy/image-facts";
import { attestationInputs, candidateInputs, referrerDigests } from "../plan/resource-inputs";
import type { SignConfig } from "../plan/trust";
import { Attestation, Candidate } from "../provider/sdk/resources";
import { type BuildArgs, buildImage } from "./build-image";

export interface ImageReleaseArgs extends BuildArgs {
  /** How the provider signs. @default "none" @example "key" */
  readonly sign?: SignConfig["mode"];
  /** The commit being released, 40 hex digits. */
  readonly revision: string;
  /** The build waits for these, which limits how many builds run at once. @default [] */
  readonly after?: pulumi.ResourceOptions["dependsOn"];
}

/**
 * One image: built once for all platforms if no registry has its content yet, verified to have the same digest in every
 * registry, and signed. `TagSet` moves the tags, once every image is verified. The inputs are for Pulumi policy packs,
 * which can judge them before anything is built.
 */
export class ImageRelease extends pulumi.ComponentResource {
  /** The index digest, the same in every registry. */
  public readonly digest: pulumi.Output<Digest>;
  /** `host/path@digest` for each registry, the primary first. */
  public readonly references: pulumi.Output<string[]>;
  /** Digests of the referrers: statements and signatures of this release. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** Everything that has to exist before a tag may move. */
  public readonly proofs: readonly pulumi.Resource[];
  /** The build, if this stack makes it. */
  public readonly build: pulumi.Resource | undefined;

  constructor(name: string, args: ImageReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:ImageRelease", name, { ...imageFacts(args.plan, args.sign) }, opts);
    const { plan } = args;
    const { content } = plan;
    const inputs = candidateInputs(plan);
    const build =
      plan.build === undefined
        ? undefined
        : buildImage(name, args, {
            parent: this,
            ...(args.after === undefined ? {} : { dependsOn: args.after }),
          });

    const candidate = new Candidate(
      `${name}-candidate`,
      {
        ...inputs,
        image: plan.name,
        revision: args.revision,
        digest: "digest" in content ? content.digest : build?.digest,
      },
      { parent: this, ...(build === undefined ? {} : { dependsOn: [build] }) },
    );

    const stated = attestationInputs(plan, args.sign ?? "none");
    const statement =
      stated === undefined
        ? undefined
        : new Attestation(
            `${name}-statement`,
            { ...stated, image: plan.name, digest: candidate.digest },
            { parent: this },
          );

    this.build = build;
    this.digest = candidate.digest;
    this.references = candidate.digest.apply((digest) =>
      plan.repositories.map((repository) => `${repository}@${digest}`),
    );
    this.attestations =
      statement === undefined ? pulumi.output([]) : statement.referrers.apply(referrerDigests);
    this.proofs = statement === undefined ? [candidate] : [candidate, statement];
    this.registerOutputs({
      digest: this.digest,
      references: this.references,
      attestations: this.attestations,
    });
  }
}
