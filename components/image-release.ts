import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../src/plan/digest";
import type { PlannedImage } from "../src/plan/release-plan";
import { copyInputs, desiredContent, imageFacts, referrerDigests } from "../src/plan/resource-inputs";
import type { SignConfig } from "../src/plan/trust";
import { Content, ImageCopy } from "../src/provider/sdk";
import { type BuildArgs, buildImage } from "./build-image";

export interface ImageReleaseArgs extends BuildArgs {
  /** How the provider signs. @default "none" @example "key" */
  readonly sign?: SignConfig["mode"];
  /** The build waits for these, which limits how many builds run at once. @default [] */
  readonly after?: pulumi.ResourceOptions["dependsOn"];
}

/**
 * One image: built once for all platforms if no registry has its content yet, verified to have the same digest in every
 * registry, and signed. The inputs are for Pulumi policy packs, which can judge them before anything is built.
 */
export class ImageRelease extends pulumi.ComponentResource {
  /** The index digest, the same in every registry. */
  public readonly digest: pulumi.Output<Digest>;
  /** Digests of the referrers: statements and signatures of this release. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** No tag may move before this. */
  public readonly content: pulumi.Resource;
  /** The build, if this stack makes it. */
  public readonly build: pulumi.Resource | undefined;

  constructor(name: string, args: ImageReleaseArgs, opts?: pulumi.ComponentResourceOptions) {
    const { plan, sign = "none", after } = args;
    super("slipway:index:ImageRelease", name, { ...imageFacts(plan, sign) }, opts);
    const build =
      plan.build === undefined ? undefined : buildImage(name, args, { parent: this, dependsOn: after });
    const content = new Content(
      `${name}-content`,
      {
        digest: "digest" in plan.content ? plan.content.digest : build?.digest,
        plan: desiredContent(plan, sign),
      },
      { parent: this, dependsOn: build },
    );
    this.build = build;
    this.content = content;
    this.digest = content.digest;
    this.attestations = content.referrers.apply(referrerDigests);
    this.registerOutputs({ digest: this.digest });
  }
}

/**
 * One image that was verified elsewhere, copied by digest to every registry of this stack: index, manifests, blobs,
 * attestations and all other referrers.
 */
export class ImagePromotion extends pulumi.ComponentResource {
  /** The index digest, the same in every registry, and the same as where it comes from. */
  public readonly digest: pulumi.Output<Digest>;
  /** Digests of its referrers: statements, attestations, signatures. */
  public readonly attestations: pulumi.Output<Digest[]>;
  /** No tag may move before this. */
  public readonly content: pulumi.Resource;

  constructor(name: string, plan: PlannedImage, opts?: pulumi.ComponentResourceOptions) {
    super("slipway:index:Promotion", name, { ...imageFacts(plan) }, opts);
    const copy = new ImageCopy(`${name}-copy`, copyInputs(plan), { parent: this, retainOnDelete: true });
    this.content = copy;
    this.digest = copy.digest;
    this.attestations = copy.referrers;
    this.registerOutputs({ digest: this.digest });
  }
}
