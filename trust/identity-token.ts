import { CIContextProvider } from "@sigstore/sign";
import { z } from "zod";
import { SigningError } from "./signing-error";

const claimsSchema = z.object({
  iss: z.string().min(1),
  sub: z.string().min(1),
  email: z.string().optional(),
  /** GitHub Actions: the workflow file and its ref, which Fulcio makes the certificate's subject. */
  job_workflow_ref: z.string().optional(),
});

export type TokenClaims = z.output<typeof claimsSchema>;

const AUDIENCE = "sigstore";

/**
 * The OIDC token of the CI: GitHub Actions' (`id-token: write`), or SIGSTORE_ID_TOKEN. It is read and not verified here:
 * Fulcio does that. It appears in no message.
 */
export async function identityToken(
  env: NodeJS.ProcessEnv,
): Promise<{ readonly text: string; readonly claims: TokenClaims }> {
  const text = env.SIGSTORE_ID_TOKEN || (await fromCi());
  const [, body = ""] = text.split(".");
  try {
    return { text, claims: claimsSchema.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8"))) };
  } catch {
    throw new SigningError("The identity token is no JWT with an issuer and a subject");
  }
}

async function fromCi(): Promise<string> {
  try {
    return await new CIContextProvider(AUDIENCE).getToken();
  } catch {
    throw new SigningError(
      "There is no identity to sign with: in GitHub Actions the job needs `permissions: { id-token: write }`; " +
        "elsewhere set SIGSTORE_ID_TOKEN, or use slipway:sign.mode key",
    );
  }
}

/** What Fulcio may write as the certificate's subject for a token. */
export function subjectsOf({ job_workflow_ref: workflow, email, sub }: TokenClaims): string[] {
  return [
    ...(workflow === undefined ? [] : [`https://github.com/${workflow}`]),
    ...(email === undefined ? [] : [email]),
    sub,
  ];
}
