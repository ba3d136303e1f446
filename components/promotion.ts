import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../plan/digest";
import { imageFacts } from "../plan/policy/image-facts";
import type { PlannedImage } from "../plan/release-plan";
import { copyInputs } from "../plan/resource-inputs";
import { ImageCopy } from "../provider/sdk/resources";

export interface ImagePromotionArgs {
  /** What the plan says about this image; its content exists, here or where it is promoted from. */
  readonly plan: PlannedImage;
}

/**
 * One image that was verified elsewhere, copied by digest to every registry of this stack: index, manifests, blobs,
 * attestations and all other referrers. `TagSet` moves the tags.
 *
 * @example new ImagePromotion("app", { plan }, { providers: [registryProvider] })
 */
export class ImagePromotion extends pulumi.ComponentResource {
  /** The index digest, the same in every registry, and the same as where it comes from. */
  public readonly digest: pulumi.Output<Digest>;
  /** `host/path@digest` for each registry, the primary first. */
  public readonly references: pulumi.Output<string[]>;
  /** Digests of its referrers: statements, attestations, signatures. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** Everything that has to exist before a tag may move. */
  public readonly proofs: readonly pulumi.Resource[];

  constructor(name: string, args: ImagePromotionArgs, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:Promotion", name, { ...imageFacts(args.plan) }, opts);
    const { repositories } = args.plan;
    const copy = new ImageCopy(
      `${name}-copy`,
      { ...copyInputs(args.plan), image: args.plan.name },
      { parent: this, retainOnDelete: true },
    );
    this.digest = copy.digest;
    this.references = copy.digest.apply((digest) =>
      repositories.map((repository) => `${repository}@${digest}`),
    );
    this.attestations = copy.referrers;
    this.proofs = [copy];
    this.registerOutputs({
      digest: this.digest,
      references: this.references,
      attestations: this.attestations,
    });
  }
}
