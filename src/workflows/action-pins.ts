/** An action at one commit. Unlike a tag, a commit cannot move. */
export interface ActionPin {
  /** The release at that commit. */
  readonly version: string;
  readonly commit: string;
  readonly date: string;
}

/**
 * Every action that a generated workflow uses. Versions and commits are from the tags of github.com/<action>, read in
 * August 2026. `slipway workflows --outdated` compares them with the newest releases.
 */
export const ACTION_PINS = {
  "actions/attest": {
    version: "v4.2.2",
    commit: "1e69f48acb82d1966a394da916b4c1698aa569d6",
    date: "2026-08-04",
  },
  "actions/checkout": {
    version: "v7.0.1",
    commit: "3d3c42e5aac5ba805825da76410c181273ba90b1",
    date: "2026-07-17",
  },
  "actions/download-artifact": {
    version: "v8.0.1",
    commit: "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
    date: "2026-03-11",
  },
  "actions/setup-node": {
    version: "v7.0.0",
    commit: "820762786026740c76f36085b0efc47a31fe5020",
    date: "2026-07-13",
  },
  "actions/upload-artifact": {
    version: "v7.0.0",
    commit: "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    date: "2026-02-25",
  },
  "docker/login-action": {
    version: "v4.1.0",
    commit: "4907a6ddec9925e35a0a9e82d7399ccc52663121",
    date: "2026-04-02",
  },
  "docker/setup-buildx-action": {
    version: "v4.3.0",
    commit: "37fe631027851001ddb9b187196cc803df7f5f0e",
    date: "2026-08-17",
  },
  "docker/setup-qemu-action": {
    version: "v4.2.0",
    commit: "96fe6ef7f33517b61c61be40b68a1882f3264fb8",
    date: "2026-07-01",
  },
  "pulumi/actions": {
    version: "v7.0.0",
    commit: "8e5e406f4007fca908480587cb9893c07090f58d",
    date: "2026-05-04",
  },
} as const satisfies Readonly<Record<string, ActionPin>>;

export type ActionName = keyof typeof ACTION_PINS;

/** The engine's version in workflows: the one that Slipway is tested with. */
export const PULUMI_VERSION = "3.259.0";

export interface NewestRelease {
  readonly version: string;
  readonly commit: string;
  /** The commit of the pinned version's tag now; absent if the tag is gone. */
  readonly pinnedNow?: string;
}

export interface PinState extends ActionPin {
  readonly action: string;
  readonly newest: NewestRelease;
  /** `moved`: the pinned version's tag points to another commit now, which is suspicious. */
  readonly state: "current" | "outdated" | "moved";
}

export function pinStates(newest: Readonly<Record<string, NewestRelease>>): PinState[] {
  return Object.entries<ActionPin>(ACTION_PINS)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([action, pin]) => {
      const found = newest[action];
      return found === undefined ? [] : [{ action, ...pin, newest: found, state: stateOf(pin, found) }];
    });
}

function stateOf(pin: ActionPin, { version, commit, pinnedNow }: NewestRelease): PinState["state"] {
  if (pinnedNow !== undefined && pinnedNow !== pin.commit) return "moved";
  return version === pin.version && commit === pin.commit ? "current" : "outdated";
}
