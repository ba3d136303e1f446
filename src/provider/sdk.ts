import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../plan/digest";
import type { DesiredContent, DesiredLevel } from "../plan/resource-inputs";
import type { VerifyRules } from "../plan/trust";
import type { ProviderConfig, SigningConfig } from "../release/provider-config";
import { offer, permit } from "./handover";

/**
 * The `slipway-registry` provider, started from this project (`plugins` in Pulumi.yaml). Its inputs contain no secrets:
 * it takes them from this process.
 */
export class RegistryProvider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderConfig, opts?: pulumi.ResourceOptions) {
    const { registries, environment, credentials, passwords = {}, artifacts } = args;
    const { signing, ...secrets } = splitSigning(args.signing);
    super(
      "slipway-registry",
      name,
      {
        registries: JSON.stringify(registries),
        environment: JSON.stringify(environment),
        signing: JSON.stringify(signing),
        ...(artifacts === undefined ? {} : { artifacts }),
        handover: offer({ credentials: { ...credentials }, ...secrets }),
        // Where the provider finds passwords when the program does not run.
        stack: pulumi.getStack(),
        passwords: JSON.stringify(passwords),
      },
      opts,
    );
  }
}

function splitSigning(signing: SigningConfig = { mode: "none" }): {
  readonly signing: SigningConfig;
  readonly key?: string;
  readonly password?: string;
} {
  if (signing.mode !== "key") return { signing };
  const { key, password, ...rest } = signing;
  return { signing: rest, key, password };
}

/** A resource of the provider, which writes only what its program declares. */
abstract class RegistryResource extends pulumi.CustomResource {
  constructor(type: string, name: string, inputs: pulumi.Inputs, opts?: pulumi.CustomResourceOptions) {
    const token = `slipway-registry:index:${type}`;
    permit(`${token}::${name}`);
    super(token, name, inputs, opts);
  }
}

export interface ContentArgs {
  /** The digest that was built or found. */
  readonly digest: pulumi.Input<string | undefined>;
  readonly plan: DesiredContent;
}

/** One image's content: verified in every registry, found by its candidate tag, stated and signed. */
export class Content extends RegistryResource {
  /** The digest of the image's index. */
  declare readonly digest: pulumi.Output<Digest>;
  /** `host/path@digest` of every referrer: statements and signatures. */
  declare readonly referrers: pulumi.Output<string[]>;

  constructor(name: string, args: ContentArgs, opts?: pulumi.CustomResourceOptions) {
    const { digest, plan } = args;
    super("Content", name, { digest, plan: JSON.stringify(plan), referrers: undefined }, opts);
  }
}

export interface ImageCopyArgs {
  readonly image: string;
  /** The `host/path` to copy from. */
  readonly source: string;
  readonly digest: Digest;
  /** The `host/path` of each repository to copy to, the primary first. */
  readonly repositories: readonly string[];
  /** Platforms that the content must have. */
  readonly platforms: readonly string[];
  /** Only this signer's bundles are copied. @default every bundle: the stack requires no signer */
  readonly signer?: VerifyRules["signer"];
}

/** Content and its referrers in every registry, copied by digest. */
export class ImageCopy extends RegistryResource {
  declare readonly digest: pulumi.Output<Digest>;
  /** Digests of the copied referrers: statements, attestations, signatures. */
  declare readonly referrers: pulumi.Output<Digest[]>;

  constructor(name: string, args: ImageCopyArgs, opts?: pulumi.CustomResourceOptions) {
    super("ImageCopy", name, { ...args, referrers: undefined }, opts);
  }
}

export interface HubDescriptionArgs {
  /** `host/namespace/name`, of a registry that takes descriptions. */
  readonly repository: string;
  /** The line in lists, at most 100 characters. @default it stays as it is */
  readonly short?: string;
  /** Markdown, at most 25000 bytes. */
  readonly full: pulumi.Input<string>;
  /** Why the description stays as it is; nothing is written then. @default it is written */
  readonly kept?: string;
}

/** A repository's description on Docker Hub. */
export class HubDescription extends RegistryResource {
  constructor(name: string, args: HubDescriptionArgs, opts?: pulumi.CustomResourceOptions) {
    super("HubDescription", name, { ...args }, opts);
  }
}

export interface TagsArgs {
  /** Image -> its digest. */
  readonly digests: Readonly<Record<string, pulumi.Input<string>>>;
  /** Every tag, in the order of writing. */
  readonly plan: readonly DesiredLevel[];
}

/** Every tag of a release, in all of its registries. */
export class Tags extends RegistryResource {
  /** `host/path:tag` -> the digest that it points to. */
  declare readonly tags: pulumi.Output<Record<string, Digest>>;

  constructor(name: string, args: TagsArgs, opts?: pulumi.CustomResourceOptions) {
    const { digests, plan } = args;
    super("Tags", name, { digests, plan: JSON.stringify(plan), tags: undefined }, opts);
  }
}
