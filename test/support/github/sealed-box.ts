import sodium from "libsodium-wrappers";

/** The key pair with which one repository's secrets are sealed: clients get the public half, only tests open boxes. */
export class SealingKey {
  readonly id: string;
  readonly publicKey: string;
  readonly #pair: { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };

  static async create(id: string): Promise<SealingKey> {
    await sodium.ready;
    return new SealingKey(id);
  }

  private constructor(id: string) {
    this.id = id;
    this.#pair = sodium.crypto_box_keypair();
    this.publicKey = Buffer.from(this.#pair.publicKey).toString("base64");
  }

  /** What was sealed. @throws Error where it is no box for this key */
  open(box: string): string {
    const opened = sodium.crypto_box_seal_open(
      Buffer.from(box, "base64"),
      this.#pair.publicKey,
      this.#pair.privateKey,
    );
    return Buffer.from(opened).toString("utf8");
  }
}
