import { expect, it } from "vitest";
import { stackFileSchema } from "../../../src/settings/json-schema";
import { valueAt } from "../../../src/settings/paths";
import { writtenConfigSchema } from "../../../src/settings/schema";

it("has every setting under its key in a stack file", () => {
  const keys = Object.keys(writtenConfigSchema.shape).map((key) => `slipway:${key}`);
  const properties = valueAt(stackFileSchema(), ["properties", "config", "properties"]);
  expect(Object.keys(Object(properties))).toEqual(keys);
});

it("accepts an encrypted password and build secret", () => {
  const secure = { type: "object", properties: { secure: { type: "string" } } };
  const root = ["properties", "config", "properties"];
  const password = [...root, "slipway:registries", "items", "properties", "password", "anyOf", 0];
  const secret = [
    ...root,
    "slipway:images",
    "anyOf",
    0,
    "items",
    "properties",
    "secrets",
    "additionalProperties",
    "anyOf",
    0,
  ];
  expect(valueAt(stackFileSchema(), password)).toMatchObject(secure);
  expect(valueAt(stackFileSchema(), secret)).toMatchObject(secure);
});

it("describes every setting", () => {
  const undescribed = Object.entries(writtenConfigSchema.shape).filter(([, schema]) => !schema.description);
  expect(undescribed.map(([key]) => key)).toEqual([]);
});
