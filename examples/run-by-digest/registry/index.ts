import { Config } from "@pulumi/pulumi";
import { StageRegistry } from "slipway";

const config = new Config();
const registry = new StageRegistry("registry", {
  port: config.getNumber("port") ?? 5000,
  image: config.get("image"),
});
export const host = registry.host;
