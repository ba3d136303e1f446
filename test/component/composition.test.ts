import * as pulumi from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { ghcr, Release } from "../../components";
import { RegistryProvider } from "../../src/provider/sdk";
import { runProgram } from "../../src/testing";

const WORLD = { files: { "api/Dockerfile": "FROM scratch\n" }, git: { tag: "v1.2.3" } };

const plan = () =>
  Release.plan({ registries: [ghcr("octo")], images: { api: { context: "api", sbom: false } } });

class Platform extends pulumi.ComponentResource {
  constructor(name: string, opts?: pulumi.ComponentResourceOptions) {
    super("shop:index:Platform", name, {}, opts);
  }
}

class Cluster extends pulumi.CustomResource {
  constructor(name: string) {
    super("shop:index:Cluster", name, {});
  }
}

/** Resources of a program, in the order of their registration. */
async function resourcesOf(program: () => Promise<unknown>) {
  const { resources } = await runProgram(program, WORLD);
  return resources;
}

describe("a release among other resources", () => {
  test("is a child of the component that it is in", async () => {
    const resources = await resourcesOf(
      async () => new Release("shop", await plan(), { parent: new Platform("platform") }),
    );
    const parentOf = (name: string) => resources.find((resource) => resource.name === name)?.parent;
    expect(parentOf("shop")).toBe("platform");
    expect(resources.filter(({ parent }) => parent === "").map(({ name }) => name)).toEqual(["platform"]);
  });

  test("waits for what it depends on", async () => {
    const resources = await resourcesOf(
      async () => new Release("shop", await plan(), { dependsOn: [new Cluster("first")] }),
    );
    const dependenciesOf = (name: string) => resources.find((found) => found.name === name)?.dependencies;
    expect(resources.find(({ type }) => type === "docker-build:index:Image")?.dependencies).toEqual([
      "first",
    ]);
    expect(dependenciesOf("shop-registry")).toEqual(["first"]);
  });

  test("uses the provider that it is given", async () => {
    const resources = await resourcesOf(async () => {
      const provider = new RegistryProvider("mine", { registries: [], credentials: {}, environment: {} });
      new Release("shop", await plan(), { providers: [provider] });
    });
    expect(
      resources.filter(({ type }) => type === "pulumi:providers:slipway-registry").map(({ name }) => name),
    ).toEqual(["mine"]);
  });
});
