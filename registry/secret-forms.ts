/** Text inside JSON inside JSON inside JSON. */
const DEPTH = 4;
/** A line of a key is a secret too; shorter ones (`}`, `-----`) are not. */
const SHORTEST_LINE = 12;
/** Fewer characters of base64 or hex may stand in any text by chance. */
const SHORTEST_ENCODED = 8;

/**
 * How a secret may stand in a text of others, the longest first: as it is, each line of it, in JSON (also as Go writes
 * it, also nested), in a URL, in base64 and base64url wherever it begins in a longer text, in hex.
 */
export function secretForms(secret: string): string[] {
  const lines = secret.split(/\r?\n/).filter((line) => line.length >= SHORTEST_LINE && line !== secret);
  const forms = [secret, ...lines].flatMap((one) => [...inJson(one), ...inUrl(one), ...encoded(one)]);
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function inJson(text: string): string[] {
  let last = new Set([text]);
  const all = new Set(last);
  for (let depth = 0; depth < DEPTH; depth++) {
    last = new Set([...last].flatMap((form) => [escaped(form), forHtml(escaped(form))]));
    for (const form of last) all.add(form);
  }
  return [...all];
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Go escapes what a browser would take for markup. */
function forHtml(text: string): string {
  return text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`);
}

function inUrl(text: string): string[] {
  // Half a surrogate pair has no UTF-8.
  const component = encodeURIComponent(Buffer.from(text).toString("utf8"));
  const strict = component.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return [component, strict, strict.replaceAll("%20", "+")];
}

function encoded(text: string): string[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].flatMap((offset) => {
    // What depends on the bytes before and behind is left out.
    const padded = Buffer.concat([Buffer.alloc(offset), bytes]);
    const from = Math.ceil((offset * 8) / 6);
    const to = Math.floor((padded.length * 8) / 6);
    return [padded.toString("base64").slice(from, to), padded.toString("base64url").slice(from, to)];
  });
  const hex = bytes.toString("hex");
  const padded = [bytes.toString("base64"), bytes.toString("base64url")];
  return [...padded, ...base64, hex, hex.toUpperCase()].filter((form) => form.length >= SHORTEST_ENCODED);
}
