import { expect, test } from "vitest";
import { Secret } from "../../../src/plan/secret";
import { releaseSigner } from "../../../src/signing/release-signer";
import { newKeyPair } from "../../support/signed-image";

test("a private key has to match the public key that the settings name", async () => {
  const own = newKeyPair();
  const signer = (publicKey: string) =>
    releaseSigner({ mode: "key", key: new Secret(own.privatePem), publicKey, trusted: [] }, {});
  expect((await signer(own.publicPem))?.name).toMatch(/^key /);
  await expect(signer(newKeyPair().publicPem)).rejects.toThrow(/does not match slipway:sign.publicKey/);
  await expect(signer("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----")).rejects.toThrow(
    /The public key slipway:sign.publicKey \(publicKeyFile\) is not the PEM of a public key/,
  );
});
