/** Stands for a `secure:` value of a stack's file that only the engine can decrypt. */
export class Encrypted {
  toString(): string {
    return "[encrypted]";
  }

  toJSON(): string {
    return "[encrypted]";
  }
}
