import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { Release } from "../../components";
import { resolveArgs } from "../../components/settings";
import { record } from "../../src/testing/record";
import { aConfig, intent, planOf, registryState } from "../support/plan-state";
import { anImage, DIGEST } from "../support/planned";

const PLANNED = { plan: planOf(registryState()), config: aConfig(), projectDir: "/nonexistent" };

describe("a release as a component", () => {
  test("declares everything below itself, under names that begin with its own", async () => {
    const { resources } = await record(() => new Release("shop", PLANNED), { preview: true });
    const own = resources.filter(({ type }) => !type.startsWith("pulumi:"));
    expect(own.map(({ name }) => name).filter((name) => !name.startsWith("shop"))).toEqual([]);
    expect(own.filter(({ parent }) => parent === "").map(({ type, name }) => `${type} ${name}`)).toEqual([
      "slipway:index:Release shop",
    ]);
  });

  test("two releases share a program, but no name", async () => {
    const web = anImage({ name: "web", repository: "web" });
    const other = {
      ...PLANNED,
      plan: planOf(registryState(), { intents: [intent({ name: "web", image: web })] }),
      config: aConfig({ images: [web] }),
    };
    const { resources } = await record(
      () => {
        new Release("shop", PLANNED);
        new Release("site", other);
      },
      { preview: true },
    );
    const names = resources.map(({ type, name }) => `${type} ${name}`);
    expect(names.filter((name) => name.startsWith("slipway:index:Release"))).toHaveLength(2);
    expect(new Set(names).size).toBe(names.length);
  });

  test("an image's digest and reference are outputs that another resource can wait for", async () => {
    let reference: pulumi.Output<string> | undefined;
    await record(() => {
      reference = new Release("shop", PLANNED).images.app?.reference;
    });
    const known = await new Promise((resolve) => reference?.apply(resolve));
    expect(known).toBe(`localhost:5000/octo/app@${DIGEST}`);
  });
});

describe("arguments of a plan", () => {
  test("may have outputs for secrets, which become plain values", async () => {
    const args = { registries: [{ host: "ghcr.io", password: pulumi.secret("token") }], images: { app: {} } };
    expect(await resolveArgs("Release.plan", args)).toEqual({
      registries: [{ host: "ghcr.io", password: "token" }],
      images: { app: {} },
    });
  });

  test("may have outputs nowhere else", async () => {
    const args = { images: { app: { context: pulumi.output("app") } } };
    await expect(resolveArgs("Release.plan", args)).rejects.toThrow(/images\.app\.context is an output/);
  });
});
