import { inspect } from "node:util";

const REDACTED = "[secret]";

/**
 * A value that must never be printed: every way of turning it into text, other than `reveal`, gives `[secret]`.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The bytes themselves, for the one place that sends them. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
