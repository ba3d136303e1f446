import {
  type ServerUnaryCall,
  type ServiceError,
  status as Status,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as provider from "@pulumi/pulumi/proto/provider_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { ProblemError, reasonOf } from "../plan/problem";
import type { Context, EngineLog } from "../release/operation";
import { diagnosed } from "../release/operation";
import { NO_CONFIG } from "../release/provider-config";
import { Registries } from "../release/registries";
import { Signing } from "../release/signing";
import { functions } from "./functions";
import { isPermitted } from "./handover";
import { fromStruct, type Properties, toStruct } from "./properties";
import type { Change, DiffResult, Operation, Resource } from "./resource";
import { content } from "./resources/content";
import { hubDescription } from "./resources/hub-description";
import { imageCopy } from "./resources/image-copy";
import { tags } from "./resources/tags";
import { schema } from "./schema";
import { takeProviderConfig } from "./take-config";

const resources: ReadonlyMap<string, Resource> = new Map(
  [content, hubDescription, imageCopy, tags].map((type) => [type.token, type]),
);

/** Settings that do not affect what is released, so changing them (a rotated token or key) is no update. */
const NO_CHANGE = ["artifacts", "credentials", "handover", "passwords", "signing", "stack", "version"];

/**
 * The gRPC service of a Pulumi provider. It implements the protocol itself, since `pulumi.provider.main` hides the
 * preview flag, gives no detailed diff and starts slower.
 *
 * @see https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
 */
export function providerService(version: string, log: EngineLog): UntypedServiceImplementation {
  let context: Context = {
    registries: new Registries(NO_CONFIG),
    signing: new Signing(NO_CONFIG.signing, process.env),
    log,
  };

  /** CheckConfig's settings of `NO_CHANGE`: an unchanged provider is configured with its inputs from state. */
  let present: Properties = {};

  /** The address at which the program answers what it declares. */
  let handover: string | undefined;
  let isConfigured = false;
  /** URN -> the plan that the program declared: only Check gets it, and Diff, Create and Update need it. */
  const plans = new Map<string, string>();

  /** The engine forwards requests of any program, but the provider only writes what the running program declares. */
  async function requirePermit(what: string): Promise<void> {
    if (await isPermitted(handover, what)) return;
    throw new Error(
      `slipway-registry writes nothing for ${what}: the program that configured it did not declare that, or has ended`,
    );
  }

  return {
    handshake: unary((_: provider.ProviderHandshakeRequest) => {
      const response = new provider.ProviderHandshakeResponse();
      response.setAcceptSecrets(false);
      response.setAcceptResources(false);
      response.setAcceptOutputs(false);
      return response;
    }),
    getPluginInfo: unary((_: Empty) => {
      const response = new plugin.PluginInfo();
      response.setVersion(version);
      return response;
    }),
    getSchema: unary((_: provider.GetSchemaRequest) => {
      const response = new provider.GetSchemaResponse();
      response.setSchema(JSON.stringify(schema(version)));
      return response;
    }),
    checkConfig: unary((request: provider.CheckRequest) => {
      const response = new provider.CheckResponse();
      const news = fromStruct(request.getNews());
      present = Object.fromEntries(Object.entries(news).filter(([key]) => NO_CHANGE.includes(key)));
      response.setInputs(request.getNews());
      return response;
    }),
    diffConfig: unary((request: provider.DiffRequest) => {
      const before = fromStruct(request.getOldInputs() ?? request.getOlds());
      const after = fromStruct(request.getNews());
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (key) => !NO_CHANGE.includes(key) && before[key] !== after[key],
      );
      return diffResponse({ changed });
    }),
    configure: unary(async (request: provider.ConfigureRequest) => {
      if (isConfigured) throw new Error("slipway-registry is configured already");
      isConfigured = true;
      const config = await takeProviderConfig({ ...fromStruct(request.getArgs()), ...present });
      handover = config.handover;
      context = {
        ...context,
        registries: new Registries(config),
        signing: new Signing(config.signing, process.env, config.environment.prefix),
      };
      const response = new provider.ConfigureResponse();
      response.setAcceptsecrets(false);
      response.setSupportspreview(true);
      response.setAcceptresources(false);
      response.setAcceptoutputs(false);
      return response;
    }),
    invoke: unary(async (request: provider.InvokeRequest) => {
      const token = request.getTok();
      const run = functions[token];
      if (run === undefined) throw new Error(`slipway-registry has no function ${token}`);
      const response = new provider.InvokeResponse();
      response.setReturn(toStruct(await run(context, fromStruct(request.getArgs()))));
      return response;
    }),
    check: unary((request: provider.CheckRequest) => {
      const response = new provider.CheckResponse();
      const news = fromStruct(request.getNews());
      response.setInputs(request.getNews());
      if (typeof news.plan === "string") plans.set(request.getUrn(), news.plan);
      try {
        response.setInputs(toStruct(resourceOf(request.getUrn()).check(news)));
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        for (const problem of error.problems) {
          const failure = new provider.CheckFailure();
          // Without a property's name, since the engine would print its value, even a secret one.
          failure.setReason(`${problem.path}: ${problem.message}`);
          response.addFailures(failure);
        }
      }
      return response;
    }),
    diff: unary(async (request: provider.DiffRequest) => {
      return diffResponse(await resourceOf(request.getUrn()).diff(context, changeOf(request, plans)));
    }),
    create: unary(async (request: provider.CreateRequest) => {
      const inputs = fromStruct(request.getProperties());
      const operation = operationOf(request);
      if (!operation.preview) await requirePermit(permitOf(operation.urn));
      const { id, outputs } = await diagnosed(context, named("create", operation), () =>
        resourceOf(operation.urn).create(context, inputs, operation, plans.get(operation.urn)),
      );
      const response = new provider.CreateResponse();
      response.setId(id);
      response.setProperties(toStruct(outputs));
      return response;
    }),
    update: unary(async (request: provider.UpdateRequest) => {
      const operation = operationOf(request);
      if (!operation.preview) await requirePermit(permitOf(operation.urn));
      const outputs = await diagnosed(context, named("update", operation), () =>
        resourceOf(operation.urn).update(context, changeOf(request, plans), operation),
      );
      const response = new provider.UpdateResponse();
      response.setProperties(toStruct(outputs));
      return response;
    }),
    read: unary(async (request: provider.ReadRequest) => {
      const found = await resourceOf(request.getUrn()).read(context, {
        inputs: fromStruct(request.getInputs()),
        outputs: fromStruct(request.getProperties()),
      });
      const response = new provider.ReadResponse();
      if (found === undefined) return response;
      response.setId(request.getId());
      response.setInputs(toStruct(found.inputs));
      response.setProperties(toStruct(found.outputs));
      return response;
    }),
    // Deleting a resource only forgets it: the release stays, and no credentials are needed.
    delete: unary((_: provider.DeleteRequest) => new Empty()),
    cancel: unary((_: Empty) => {
      context.registries.cancel();
      return new Empty();
    }),
  };
}

/** `create Tag app-latest-ghcr.io`. */
function named(verb: string, { urn, preview }: Operation): { name: string; preview: boolean } {
  const [type = "", name = ""] = urn.split("::").slice(2);
  return { name: `${verb} ${type.split(":").at(-1) ?? type} ${name}`, preview };
}

/** `urn:pulumi:stack::project::parent$type::name` -> the type and the name, as the program permits them. */
function permitOf(urn: string): string {
  return `${tokenOf(urn)}::${urn.split("::").slice(3).join("::")}`;
}

function tokenOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function resourceOf(urn: string): Resource {
  const token = tokenOf(urn);
  const found = resources.get(token);
  if (found === undefined) throw new Error(`slipway-registry has no resource type ${token}`);
  return found;
}

function changeOf(
  request: provider.DiffRequest | provider.UpdateRequest,
  plans: ReadonlyMap<string, string>,
): Change<Properties, string> {
  return {
    urn: request.getUrn(),
    olds: { inputs: fromStruct(request.getOldInputs()), outputs: fromStruct(request.getOlds()) },
    news: fromStruct(request.getNews()),
    plan: plans.get(request.getUrn()),
  };
}

function operationOf(request: provider.CreateRequest | provider.UpdateRequest): Operation {
  return { urn: request.getUrn(), preview: request.getPreview() };
}

function diffResponse({ changed, added = [] }: DiffResult): provider.DiffResponse {
  const response = new provider.DiffResponse();
  const { DIFF_NONE, DIFF_SOME } = provider.DiffResponse.DiffChanges;
  const { ADD, UPDATE } = provider.PropertyDiff.Kind;
  response.setChanges(changed.length === 0 ? DIFF_NONE : DIFF_SOME);
  response.setDiffsList([...new Set(changed.map((path) => path.replace(/\[.*$/, "")))]);
  response.setHasdetaileddiff(changed.length > 0);
  for (const path of changed) {
    const detail = new provider.PropertyDiff();
    detail.setKind(added.includes(path) ? ADD : UPDATE);
    detail.setInputdiff(true);
    response.getDetaileddiffMap().set(path, detail);
  }
  return response;
}

/** Turns a function into a gRPC handler. The message of its failure is what the engine shows. */
function unary<Request, Response>(handle: (request: Request) => Response | Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    Promise.resolve()
      .then(() => handle(call.request))
      .then(
        (response) => callback(null, response),
        (error: unknown) => {
          const message = reasonOf(error);
          const failure: Partial<ServiceError> = { code: Status.UNKNOWN, details: message, message };
          callback(failure);
        },
      );
  };
}
