import * as pulumi from "@pulumi/pulumi";
import type { Digest } from "../../plan/digest";
import type { DesiredContent, DesiredLevel } from "../../plan/resource-inputs";
import type { VerifyRules } from "../../plan/trust";
import type { ProviderConfig, SigningConfig } from "../../release/provider-config";
import { type Handed, offer, permit } from "../handover";

/**
 * The `slipway-registry` provider, started from this project (`plugins` in Pulumi.yaml). Secrets are no inputs of it: it
 * takes them from this process.
 */
export class RegistryProvider extends pulumi.ProviderResource {
  constructor(name: string, args: ProviderConfig, opts?: pulumi.ResourceOptions) {
    super(
      "slipway-registry",
      name,
      {
        registries: JSON.stringify(args.registries),
        environment: JSON.stringify(args.environment),
        signing: JSON.stringify(withoutSecrets(args.signing)),
        ...(args.artifacts === undefined ? {} : { artifacts: args.artifacts }),
        ...handover(args),
      },
      opts,
    );
  }
}

function withoutSecrets(signing: SigningConfig = { mode: "none" }): SigningConfig {
  if (signing.mode !== "key") return signing;
  const { key: _key, password: _password, ...rest } = signing;
  return rest;
}

/** Where the provider asks this program, and where it finds passwords when the program does not run. */
function handover({ credentials, passwords = {}, signing }: ProviderConfig): object {
  const { key, password }: Partial<Handed> = signing?.mode === "key" ? signing : {};
  const handed: Handed = {
    credentials: { ...credentials },
    ...(key === undefined ? {} : { key }),
    ...(password === undefined ? {} : { password }),
  };
  return { handover: offer(handed), stack: pulumi.getStack(), passwords: JSON.stringify(passwords) };
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
  /** The index digest that everything downstream uses. */
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
  /** `host/path` that the content is taken from. */
  readonly source: string;
  readonly digest: string;
  /** `host/path` each, the primary first. */
  readonly repositories: readonly string[];
  /** All of them have to be in the content. */
  readonly platforms: readonly string[];
  /** Whose bundles are copied too. @default every bundle */
  readonly signer?: VerifyRules["signer"];
}

/** Content with all that belongs to it, in every registry, copied by digest. */
export class ImageCopy extends RegistryResource {
  declare readonly digest: pulumi.Output<Digest>;
  /** Digests of the referrers that came along: statements, attestations, signatures. */
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
  /** Why it stays as it is; nothing is written then. @default it is written */
  readonly kept?: string;
}

/** What Docker Hub says of a repository. */
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
