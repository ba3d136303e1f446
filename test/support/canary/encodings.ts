/** How a secret may stand in a text. */
export type Form = "plain" | "base64" | "base64 twice" | "hex" | "bytes";

export interface Encoded {
  readonly form: Form;
  readonly text: string;
}

/** What to look for, in what `views` makes of a text: base64url is base64 there, escapes and line breaks are gone. */
export function encodings(piece: string): Encoded[] {
  const bytes = Buffer.from(piece);
  return [
    { form: "plain", text: piece },
    ...base64Alignments(bytes).map((text): Encoded => ({ form: "base64", text })),
    ...base64Alignments(bytes)
      .flatMap((once) => base64Alignments(Buffer.from(once)))
      .map((text): Encoded => ({ form: "base64 twice", text })),
    { form: "hex", text: bytes.toString("hex") },
    // `[]byte` as Go prints it, `Buffer` as JSON has it; every number has two digits or three.
    { form: "bytes", text: [...bytes].join("/") },
  ];
}

/** Base64 of the bytes wherever they stand in a longer text: what depends on their neighbours is left out. */
function base64Alignments(bytes: Buffer): string[] {
  return [0, 1, 2].map((offset) => {
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return padded.toString("base64").slice(from, to);
  });
}
