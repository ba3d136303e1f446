import {
  createServer,
  request as forwardRequest,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** What happens to a request instead of being forwarded, or on its way. */
export type Fault =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string;
    }
  /** The connection breaks: before the registry saw the request, or after it did and before its answer. */
  | { readonly kind: "reset"; readonly when: "before" | "after" }
  /** Forwarded after a while. */
  | { readonly kind: "delay"; readonly ms: number }
  /** Never answered. */
  | { readonly kind: "hang" }
  /** Forwarded, but the answer's body breaks off after so many bytes. */
  | { readonly kind: "truncate"; readonly bytes: number }
  /** Forwarded, but the answer has other headers; an empty value removes one. */
  | { readonly kind: "headers"; readonly headers: Readonly<Record<string, string>> }
  /** Forwarded, but one byte of the answer's body is another. */
  | { readonly kind: "corrupt" }
  /** Forwarded unharmed, after this was called: to look or to kill at exactly that request. */
  | { readonly kind: "call"; readonly run: (request: ProxiedRequest) => void | Promise<void> };

export interface FaultRule {
  /** @default any */
  readonly method?: string;
  /** Matched against path and query. @default any */
  readonly path?: RegExp;
  /** Requests that match before the first that is harmed. @default 0 */
  readonly after?: number;
  /** How many are harmed. @default all */
  readonly times?: number;
  readonly fault: Fault;
}

export interface ProxiedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of the answer; absent where there was none. */
  status?: number;
}

export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Every request, in the order in which they came. */
  readonly requests: ProxiedRequest[];
  /** Adds a fault; rules are tried in their order. Returns a function that removes it. */
  inject(rule: FaultRule): () => void;
  /** Shorthand: the registry seems not to have the referrers API. */
  dropReferrersApi(): () => void;
  /** No faults any more, and no recorded requests. */
  reset(): void;
  stop(): Promise<void>;
}

interface Active {
  readonly rule: FaultRule;
  seen: number;
  harmed: number;
}

/** An HTTP proxy on the loopback interface in front of `target` (`localhost:5000`) that misbehaves when told to. */
export async function startFaultProxy(target: string, port = 0): Promise<FaultProxy> {
  const requests: ProxiedRequest[] = [];
  let rules: Active[] = [];

  const faultFor = (request: ProxiedRequest): Fault | undefined => {
    for (const active of rules) {
      const { method, path, after = 0, times = Number.POSITIVE_INFINITY, fault } = active.rule;
      if ((method !== undefined && method !== request.method) || (path && !path.test(request.path))) continue;
      if (active.seen++ < after || active.harmed >= times) continue;
      active.harmed++;
      return fault;
    }
    return undefined;
  };

  const server = createServer((incoming, outgoing) => {
    const entry: ProxiedRequest = {
      method: incoming.method ?? "GET",
      path: incoming.url ?? "/",
      headers: incoming.headers,
    };
    requests.push(entry);
    outgoing.on("finish", () => {
      entry.status = outgoing.statusCode;
    });
    handle(target, incoming, outgoing, entry, faultFor(entry)).catch(() => incoming.socket.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const bound = (server.address() as AddressInfo).port;

  const inject = (rule: FaultRule) => {
    const active = { rule, seen: 0, harmed: 0 };
    rules.push(active);
    return () => {
      rules = rules.filter((other) => other !== active);
    };
  };
  return {
    host: `localhost:${bound}`,
    port: bound,
    url: `http://localhost:${bound}`,
    requests,
    inject,
    dropReferrersApi: () => inject({ path: /\/referrers\//, fault: { kind: "answer", status: 404 } }),
    reset() {
      rules = [];
      requests.length = 0;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  entry: ProxiedRequest,
  fault: Fault | undefined,
): Promise<void> {
  switch (fault?.kind) {
    case "answer":
      incoming.resume();
      outgoing.writeHead(fault.status, fault.headers);
      outgoing.end(incoming.method === "HEAD" ? undefined : fault.body);
      return;
    case "hang":
      incoming.resume();
      return;
    case "reset":
      if (fault.when === "after") {
        const answer = await forward(target, incoming);
        for await (const _ of answer);
      }
      incoming.socket.resetAndDestroy();
      return;
    case "delay":
      await delay(fault.ms);
      break;
    case "call":
      await fault.run(entry);
      break;
    default:
  }
  await relay(await forward(target, incoming), incoming, outgoing, fault);
}

function forward(target: string, incoming: IncomingMessage): Promise<IncomingMessage> {
  const [hostname, port] = target.split(":");
  return new Promise((resolve, reject) => {
    const request = forwardRequest(
      {
        hostname,
        port,
        method: incoming.method,
        path: incoming.url,
        // The Host stays, so that a registry names locations behind the proxy.
        headers: incoming.headers,
        agent: false,
      },
      resolve,
    );
    request.on("error", reject);
    incoming.on("aborted", () => request.destroy());
    incoming.pipe(request);
  });
}

async function relay(
  answer: IncomingMessage,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: Fault | undefined,
): Promise<void> {
  const headers: Record<string, string | string[] | undefined> = { ...answer.headers };
  delete headers.connection;
  if (fault?.kind === "headers") {
    for (const [name, value] of Object.entries(fault.headers)) {
      if (value === "") delete headers[name.toLowerCase()];
      else headers[name.toLowerCase()] = value;
    }
  }
  outgoing.writeHead(answer.statusCode ?? 502, headers as Record<string, string | string[]>);
  let sent = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (fault?.kind === "truncate" && sent + chunk.length >= fault.bytes) {
      outgoing.write(chunk.subarray(0, fault.bytes - sent), () => incoming.socket.destroy());
      return;
    }
    if (fault?.kind === "corrupt" && sent === 0) chunk[chunk.length - 1] = (chunk.at(-1) ?? 0) ^ 1;
    sent += chunk.length;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off("drain", done).off("close", done);
      resolve();
    };
    outgoing.on("drain", done).on("close", done);
  });
}
