import type { ObjectIdentifierValuePair } from "@sigstore/verify";

/** What Fulcio writes into a certificate of the workflow that asked for it. */
export interface CertificateFacts {
  /** `https://github.com/octo/app`. */
  readonly source?: string;
  /** The commit. */
  readonly revision?: string;
}

/** @see https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md */
const SOURCE = "1.3.6.1.4.1.57264.1.12";
const REVISION = "1.3.6.1.4.1.57264.1.13";

export function certificateFacts(extensions: readonly ObjectIdentifierValuePair[]): CertificateFacts {
  const text = (oid: string): string | undefined => {
    const found = extensions.find((extension) => extension.oid?.id.join(".") === oid);
    return found === undefined ? undefined : utf8String(found.value);
  };
  const source = text(SOURCE);
  const revision = text(REVISION);
  return { ...(source === undefined ? {} : { source }), ...(revision === undefined ? {} : { revision }) };
}

/** DER of a UTF8String of less than 64 KiB. */
function utf8String(der: Buffer): string | undefined {
  if (der[0] !== 0x0c) return undefined;
  const first = der[1] ?? 0;
  const extra = first < 0x80 ? 0 : first - 0x80;
  if (extra > 2) return undefined;
  const length = extra === 0 ? first : der.readUIntBE(2, extra);
  return der.subarray(2 + extra, 2 + extra + length).toString("utf8");
}
