import { Struct } from "google-protobuf/google/protobuf/struct_pb";

/** Property values as they travel between engine and provider. */
export type Properties = Record<string, unknown>;

/** The key and value by which the engine marks an object as a secret around a value. */
const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270";

/** The properties with secrets unwrapped: Configure sends them wrapped, whatever a provider says it accepts. */
export function fromStruct(struct: Struct | undefined): Properties {
  if (struct === undefined) return {};
  return Object.fromEntries(
    Object.entries(struct.toJavaScript()).map(([key, value]) => [key, unwrap(value)]),
  );
}

function unwrap(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(unwrap);
  if (typeof value !== "object" || value === null) return value;
  const fields = new Map(Object.entries(value));
  if (fields.get(SIGNATURE) === SECRET_SIGNATURE) return unwrap(fields.get("value"));
  return Object.fromEntries([...fields].map(([key, field]) => [key, unwrap(field)]));
}

/** Undefined values are left out: a Struct has no word for them. */
export function toStruct(properties: object): Struct {
  const plain: Record<string, never> = JSON.parse(JSON.stringify(properties));
  return Struct.fromJavaScript(plain);
}
