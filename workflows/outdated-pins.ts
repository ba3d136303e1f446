import { ACTION_PINS, type ActionPin } from "./action-pins";

/** What an action's own repository says. */
export interface NewestRelease {
  /** The newest release's tag. */
  readonly version: string;
  /** The commit of that tag. */
  readonly commit: string;
  /** The commit that the pinned version's tag points to now; absent where there is no such tag any more. */
  readonly pinnedNow?: string;
}

export interface PinState extends ActionPin {
  readonly action: string;
  readonly newest: NewestRelease;
  /** `moved`: the pinned version's tag points to another commit than the pin, which deserves a look. */
  readonly state: "current" | "outdated" | "moved";
}

/** Every pin beside what is there now, sorted by action. */
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
