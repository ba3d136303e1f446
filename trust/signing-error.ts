/** Signing that cannot be done. The message says why and holds no secret. */
export class SigningError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "SigningError";
  }
}
