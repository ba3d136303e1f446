import { afterAll, beforeAll } from "vitest";
import { type FaultProxy, startFaultProxy } from "./fault-proxy";
import { type Olareg, startOlareg } from "./olareg";
import { startRegistry, type TestRegistry } from "./registry";

export interface TwoRegistries {
  /** In front of the first registry. */
  readonly proxy: FaultProxy;
  readonly hosts: readonly [withoutApi: string, withApi: string];
}

/** Two real registries for one test file: without the referrers API, behind a proxy that injects faults, and with it. */
export function startTwoRegistries(): TwoRegistries {
  let plain: TestRegistry | undefined;
  let withApi: Olareg | undefined;
  let proxy: FaultProxy | undefined;
  const started = <T>(server: T | undefined): T => {
    if (server === undefined) throw new Error("the registries start before the first test");
    return server;
  };

  beforeAll(async () => {
    [plain, withApi] = await Promise.all([startRegistry(), startOlareg()]);
    proxy = await startFaultProxy(plain.host);
  });

  afterAll(async () => {
    await proxy?.stop();
    await Promise.all([plain?.stop(), withApi?.stop()]);
  });

  return {
    get proxy() {
      return started(proxy);
    },
    get hosts(): TwoRegistries["hosts"] {
      return [started(proxy).host, started(withApi).host];
    },
  };
}
