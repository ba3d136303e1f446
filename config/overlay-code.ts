import { isRecord } from "../plan/record";

type Settings = Readonly<Record<string, unknown>>;

/**
 * Lays a stack's settings over those that the program gives in code: the stack wins. Mappings are merged, images by
 * their name; every other list is replaced as a whole.
 */
export function overlayCode(code: Settings, stack: Settings): Record<string, unknown> {
  return merge(withImageList(code), withImageList(stack));
}

function merge(code: Settings, stack: Settings): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...code };
  for (const [key, value] of Object.entries(stack)) {
    const known = merged[key];
    if (key === "images" && Array.isArray(known) && Array.isArray(value)) merged[key] = byName(known, value);
    else merged[key] = isRecord(known) && isRecord(value) ? merge(known, value) : value;
  }
  return merged;
}

function byName(code: readonly unknown[], stack: readonly unknown[]): unknown[] {
  const nameOf = (image: unknown) => (isRecord(image) ? image.name : undefined);
  const merged = code.map((image) => {
    const own = stack.find((other) => nameOf(other) !== undefined && nameOf(other) === nameOf(image));
    return isRecord(image) && isRecord(own) ? merge(image, own) : image;
  });
  return [...merged, ...stack.filter((image) => !code.some((known) => nameOf(known) === nameOf(image)))];
}

/** Images may be written as a mapping, `{ app: { context: "." } }`, or as a list with names. */
function withImageList(settings: Settings): Settings {
  const { images } = settings;
  if (!isRecord(images)) return settings;
  const list = Object.entries(images).map(([name, image]) => (isRecord(image) ? { name, ...image } : image));
  return { ...settings, images: list };
}
