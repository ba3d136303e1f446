/** A `secure:` value of a stack's file, which only the engine can decrypt. */
export class Encrypted {
  toString(): string {
    return "[encrypted]";
  }

  toJSON(): string {
    return "[encrypted]";
  }
}
