export type SignMode = "key" | "keyless" | "none";

/** The flags of `slipway init`. */
export interface InitFlags {
  readonly cwd: string;
  readonly image?: readonly string[];
  /** `name` or `name=Dockerfile`; false for --no-lanes. */
  readonly lane?: readonly string[];
  readonly lanes: boolean;
  readonly registry?: readonly string[];
  readonly dockerHub?: string;
  readonly platform?: readonly string[];
  readonly buildArg?: readonly string[];
  readonly workflows?: readonly string[];
  /** Absent: keyless for a public repository with workflows on GitHub, else key. */
  readonly sign?: SignMode;
  /** False for --no-setup. */
  readonly setup: boolean;
  readonly stageRegistry?: string;
  readonly folder?: string;
  readonly package?: string;
  readonly yes?: true;
  readonly print?: true;
  readonly json?: true;
}

/** Flags or answers that cannot be used; exit code 2. */
export class UsageError extends Error {}
