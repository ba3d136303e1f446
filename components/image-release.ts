import * as pulumi from "@pulumi/pulumi";
import { type Digest, isDigest } from "../plan/digest";
import type { SignConfig } from "../plan/trust";
import { Attestation, Candidate } from "../provider/sdk/resources";
import { type BuildArgs, buildImage } from "./build-image";

export interface ImageReleaseArgs extends BuildArgs {
  /** How the provider was told to sign. @default "none" @example "key" */
  readonly sign?: SignConfig["mode"];
  /** The commit being released, 40 hex digits. */
  readonly revision: string;
  /** The build waits for these: it bounds how many builds run at once. @default [] */
  readonly after?: readonly pulumi.Resource[];
}

/**
 * One image, built once for all platforms if no registry has its content yet, the same digest in every registry,
 * proved and stated. It moves no floating tag: `TagSet` does, after every image is proved.
 */
export class ImageRelease extends pulumi.ComponentResource {
  /** The index digest, the same in every registry. */
  public readonly digest: pulumi.Output<Digest>;
  /** `host/path@digest`, one a registry, the primary first. */
  public readonly references: pulumi.Output<string[]>;
  /** Digests of the referrers that state and sign this release. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** Everything that has to exist before a tag may move. */
  public readonly proofs: readonly pulumi.Resource[];
  /** The build, where this stack makes it. */
  public readonly build: pulumi.Resource | undefined;

  constructor(name: string, args: ImageReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:ImageRelease", name, {}, opts);
    const { plan } = args;
    const { content, intent } = plan;
    if (content.from === "promotion" || intent.candidateTag === undefined) {
      throw new Error(`ImageRelease: the content of "${name}" is promoted; use Promotion`);
    }
    const build =
      plan.build === undefined
        ? undefined
        : buildImage(name, args, { parent: this, dependsOn: [...(args.after ?? [])] });

    const candidate = new Candidate(
      `${name}-candidate`,
      {
        image: name,
        repositories: plan.repositories,
        tag: intent.candidateTag,
        contentKey: intent.contentKey,
        revision: args.revision,
        platforms: intent.image.platforms,
        digest: content.from === "build" ? build?.digest : content.digest,
        source: content.from === "build" ? "build" : "found",
      },
      { parent: this, ...(build === undefined ? {} : { dependsOn: [build] }) },
    );

    // Going back uploads nothing: what was signed then is signed now.
    const sign = content.from === "rollback" ? "none" : (args.sign ?? "none");
    const statement =
      plan.statement === undefined && sign === "none"
        ? undefined
        : new Attestation(
            `${name}-statement`,
            {
              image: name,
              repositories: plan.repositories,
              digest: candidate.digest,
              ...(plan.statement === undefined ? {} : { statement: plan.statement }),
              sign,
            },
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

/** `host/path@digest` each -> the digests, without repeats. */
function referrerDigests(referrers: readonly string[]): Digest[] {
  return [...new Set(referrers.map((reference) => reference.split("@")[1]).filter(isDigest))];
}
