import type { Secret } from "../plan/secret";

/** What a registry accepts as proof: a user's password or access token, or an OAuth2 refresh token. */
export type Credentials =
  | { readonly username: string; readonly password: Secret }
  | { readonly identityToken: Secret };

/** Asked on every authentication, so that a rotated token works; `undefined` means anonymous. */
export type CredentialsSource = () => Promise<Credentials | undefined>;
