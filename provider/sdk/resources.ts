import * as pulumi from "@pulumi/pulumi";
import type { AttestationPlace } from "../../plan/config";
import type { Digest } from "../../plan/digest";
import type { ContentClaim, ReleaseStatement } from "../../plan/statement";
import type { Ancestry, RollbackWish, TagClass, VersionForm, VersionLine } from "../../plan/tag-policy";
import type { SignConfig, VerifyRules } from "../../plan/trust";
import { type Handed, offer, permit } from "../handover";
import type { ProviderConfig } from "../registries";
import type { SigningConfig } from "../signing";

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

export interface BarrierArgs {
  /** What has been reached when this exists: `proven`, `version tags`. */
  readonly reached: string;
}

/** One point in the order of a release. */
export class Barrier extends RegistryResource {
  constructor(name: string, args: BarrierArgs, opts?: pulumi.CustomResourceOptions) {
    super("Barrier", name, { ...args }, opts);
  }
}

export interface CandidateArgs {
  readonly image: string;
  /** `host/path` each, the primary first. */
  readonly repositories: readonly string[];
  readonly tag: string;
  readonly contentKey: string;
  readonly revision: string;
  readonly platforms: readonly string[];
  readonly digest: pulumi.Input<string | undefined>;
  readonly source: "build" | "found";
  /** The claim that is signed about the content. @default none */
  readonly claim?: ContentClaim;
  /** Where a build's attestations go. @default "index" */
  readonly attestations?: AttestationPlace;
}

/** Content that is verified in every registry and can be found again by its tag. */
export class Candidate extends RegistryResource {
  /** The index digest that everything downstream uses. */
  declare readonly digest: pulumi.Output<Digest>;

  constructor(name: string, args: CandidateArgs, opts?: pulumi.CustomResourceOptions) {
    super("Candidate", name, { ...args }, opts);
  }
}

export interface AttestationArgs {
  readonly image: string;
  readonly repositories: readonly string[];
  readonly digest: pulumi.Input<string>;
  /** Absent for a release without a version, which is signed alone. */
  readonly statement?: ReleaseStatement;
  /** How the provider signs. */
  readonly sign: SignConfig["mode"];
}

/** The release statement and the signatures of a digest, as referrers in every registry. */
export class Attestation extends RegistryResource {
  /** `host/path@digest` of every referrer. */
  declare readonly referrers: pulumi.Output<string[]>;
  /** Who signed; empty if unsigned. */
  declare readonly signer: pulumi.Output<string>;

  constructor(name: string, args: AttestationArgs, opts?: pulumi.CustomResourceOptions) {
    super("Attestation", name, { ...args, referrers: undefined, signer: undefined }, opts);
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

export interface TagArgs {
  readonly repository: string;
  readonly name: string;
  readonly digest: pulumi.Input<string>;
  readonly class: TagClass;
  readonly line?: VersionLine;
  readonly form: VersionForm;
  readonly version?: string;
  readonly revision: string;
  readonly overruled: boolean;
  readonly bad?: readonly string[];
  /** Whose tag it is: statements of other images and lanes do not count for it. */
  readonly of?: { readonly image: string; readonly lane: string };
  readonly rollback?: RollbackWish;
  /** `move`: pre-releases move floating tags too. */
  readonly prereleases?: "move";
  /** All repositories of the image: a version counts wherever it exists. */
  readonly siblings: readonly string[];
  /** What the plan found, and how that commit relates to the one being released. */
  readonly planned: { readonly digest?: string; readonly ancestry: Ancestry };
}

/** One tag of one image in one repository. */
export class Tag extends RegistryResource {
  declare readonly digest: pulumi.Output<Digest>;
  /** `host/path:tag`. */
  declare readonly reference: pulumi.Output<string>;

  constructor(name: string, args: TagArgs, opts?: pulumi.CustomResourceOptions) {
    super("Tag", name, { ...args, reference: undefined }, opts);
  }
}
