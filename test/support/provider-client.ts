import { credentials, type ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as provider from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { desiredContent } from "./engine-calls";

/** Calls to a provider's port, as any process of the machine can make them. */
export class ProviderCalls {
  readonly #client: ResourceProviderClient;

  constructor(port: number) {
    this.#client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  close(): void {
    this.#client.close();
  }

  configure(args: object): Promise<unknown> {
    const request = new provider.ConfigureRequest();
    request.setArgs(structOf(args));
    return call((done) => this.#client.configure(request, done));
  }

  check(type: string, name: string, inputs: object): Promise<provider.CheckResponse> {
    const request = new provider.CheckRequest();
    request.setUrn(urnOf(type, name));
    request.setNews(structOf(inputs));
    return call((done) => this.#client.check(request, done));
  }

  async create(type: string, name: string, declared: object): Promise<provider.CreateResponse> {
    const request = new provider.CreateRequest();
    request.setUrn(urnOf(type, name));
    request.setProperties((await this.check(type, name, declared)).getInputs());
    return call((done) => this.#client.create(request, done));
  }

  async update(type: string, name: string, declared: object): Promise<provider.UpdateResponse> {
    const inputs = (await this.check(type, name, declared)).getInputs();
    const request = new provider.UpdateRequest();
    request.setUrn(urnOf(type, name));
    request.setId("any");
    request.setOlds(inputs);
    request.setNews(inputs);
    return call((done) => this.#client.update(request, done));
  }

  read(type: string, name: string, inputs: object): Promise<provider.ReadResponse> {
    const request = new provider.ReadRequest();
    request.setUrn(urnOf(type, name));
    request.setId("any");
    request.setInputs(structOf(inputs));
    request.setProperties(structOf(inputs));
    return call((done) => this.#client.read(request, done));
  }

  invoke(name: string, args: object): Promise<provider.InvokeResponse> {
    const request = new provider.InvokeRequest();
    request.setTok(`slipway-registry:index:${name}`);
    request.setArgs(structOf(args));
    return call((done) => this.#client.invoke(request, done));
  }

  cancel(): Promise<unknown> {
    return call((done) => this.#client.cancel(new Empty(), done));
  }
}

/** The provider, and what is to be written where. */
export interface Target {
  readonly port: number;
  readonly repository: string;
  readonly digest: string;
}

/** What a program declares of one tag. */
export function tagsInputs({ repository, digest }: Target, name: string): object {
  const desired = {
    name,
    class: "floating",
    line: {},
    form: { prefix: "", suffix: "" },
    revision: "0123456789abcdef0123456789abcdef01234567",
    overridden: false,
  };
  const tag = { image: "app", lane: "", repository, siblings: [repository], desired, ancestry: "unknown" };
  return { digests: { app: digest }, plan: JSON.stringify([{ name: "latest", tags: [tag] }]) };
}

/** What a program declares of signed content. */
export function contentInputs({ repository, digest }: Target): object {
  const plan = desiredContent({ repositories: [repository], platforms: [], sign: "key" });
  return { digest, plan: JSON.stringify(plan) };
}

/** Everything that writes, signs or uses credentials, one call after the other: what each was answered. */
export async function tryEverything(target: Target): Promise<Record<string, string>> {
  const { port, repository, digest } = target;
  const calls = new ProviderCalls(port);
  const host = repository.split("/")[0] ?? "";
  const registries = JSON.stringify([{ host, plainHttp: true }]);
  const attempts: Record<string, () => Promise<unknown>> = {
    configure: () => calls.configure({ registries, signing: '{"mode":"key"}' }),
    check: () => calls.check("Tags", "stolen", tagsInputs(target, "stolen")),
    create: () => calls.create("Tags", "stolen", tagsInputs(target, "stolen")),
    sign: () => calls.create("Content", "stolen", contentInputs(target)),
    update: () => calls.update("Tags", "stolen", tagsInputs(target, "stolen")),
    read: () => calls.read("Tags", "stolen", { tags: { [`${repository}:1.0.0`]: digest } }),
    list: () => calls.invoke("listTags", { repository }),
    image: () => calls.invoke("getImage", { reference: `${repository}@${digest}` }),
    push: () => calls.invoke("verifyPush", { repositories: [repository] }),
    cancel: () => calls.cancel(),
  };
  const answers: Record<string, string> = {};
  for (const [name, attempt] of Object.entries(attempts)) {
    answers[name] = await attempt().then(
      () => "done",
      (error: ServiceError) => `${error.code}: ${error.details}`,
    );
  }
  calls.close();
  return answers;
}

function call<T>(start: (done: (error: ServiceError | null, answer: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}

function urnOf(type: string, name: string): string {
  return `urn:pulumi:stage::slipway::slipway:index:Release$slipway-registry:index:${type}::${name}`;
}

function structOf(value: object): Struct {
  const plain: Record<string, never> = JSON.parse(JSON.stringify(value));
  return Struct.fromJavaScript(plain);
}
