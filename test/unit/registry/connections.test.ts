import { expect, test } from "vitest";
import { Connections } from "../../../src/registry/connections";

const PROXY = "http://proxy.example:3128";
const HERE = new URL("http://localhost:5000/");

test.each([
  ["https", "the proxy of https", { HTTPS_PROXY: PROXY }, true],
  ["http", "the proxy of https", { HTTPS_PROXY: PROXY }, false],
  ["http", "the proxy of http", { http_proxy: PROXY }, true],
  ["https", "the proxy of http", { http_proxy: PROXY }, false],
  ["https", "no proxy", {}, false],
])("%s with %s: %j", async (scheme, _what, env, isProxied) => {
  const outward = new Connections({}, env);
  const road = outward.to(new URL(`${scheme}://registry.example/`));
  expect(road !== outward.to(HERE)).toBe(isProxied);
  await outward.close();
});
