import type { Digest } from "../plan/digest";
import type { Problem } from "../plan/problem";
import type { FoundImage, RegistryAccess, RegistryState, RepositoryState } from "../plan/registry-state";
import type { Verdict, VerifyRequest, VerifyRules } from "../plan/trust";
import { permissionHint } from "./answer-errors";
import type { Credentials } from "./auth";
import type { RegistryClient } from "./client";
import { RegistryError } from "./errors";
import { type InspectedImages, type ReadSigned, readImage } from "./read-image";

export interface StateRequest {
  readonly registries: readonly { readonly host: string; readonly optional: boolean }[];
  readonly repositories: readonly RepositoryRequest[];
  /** The plan writes nothing: push rights are not checked, and credentials are optional. */
  readonly readOnly?: boolean;
  /** Whose claims and statements are trusted. @default the stack's own signers */
  readonly signer?: VerifyRules["signer"];
}

interface RepositoryRequest {
  readonly host: string;
  readonly path: string;
  readonly tags: readonly string[];
  /** Those of `tags` whose release statements are read too. */
  readonly versionTags: readonly string[];
  /** Digests that the stack recorded, whose signatures are not read. @default none */
  readonly recorded?: readonly Digest[];
}

export interface FoundCredentials {
  readonly credentials: Credentials;
  /** Where they were found, for messages. */
  readonly from: string;
  /** From Docker's configuration, so that Docker's own programs find them too. */
  readonly isDockers?: boolean;
}

export interface Connection {
  readonly client: RegistryClient;
  readonly credentials: () => Promise<FoundCredentials | undefined>;
}

export interface RegistryReader {
  /** `quick`: with the short timeouts of `QUICK`. */
  readonly resolveImages: (
    references: readonly string[],
    options?: { readonly quick?: boolean },
  ) => Promise<{ digests: Readonly<Record<string, Digest>>; problems: readonly Problem[] }>;
  /** The platforms of each reference that is an index. */
  readonly indexPlatforms: (
    references: readonly string[],
  ) => Promise<Readonly<Record<string, readonly string[]>>>;
  /** @param signer whose statements are trusted; by default the stack's own signers */
  readonly inspectImages: (
    references: readonly string[],
    signer?: VerifyRules["signer"],
  ) => Promise<InspectedImages>;
  readonly readRegistries: (request: StateRequest) => Promise<RegistryState>;
  readonly verifyImage: (request: VerifyRequest) => Promise<readonly Verdict[]>;
}

/** Reads everything that a plan needs from registries, concurrently. Writes nothing. */
export async function readRegistryState(
  request: StateRequest,
  connect: (host: string) => Connection,
  readSigned?: ReadSigned,
): Promise<RegistryState> {
  const access = new Map<string, Promise<RegistryAccess>>();
  for (const host of new Set(request.registries.map((registry) => registry.host))) {
    // One login serves all namespaces of a host, so one required namespace makes the host required.
    const optional = request.registries.every((registry) => registry.host !== host || registry.optional);
    const repositories = request.repositories.filter((repository) => repository.host === host);
    access.set(
      host,
      request.readOnly === true
        ? readerAccess(connect(host), host, optional)
        : readAccess(connect(host), host, optional, repositories),
    );
  }
  const repositories = await Promise.all(
    request.repositories.map(async (repository) => {
      const granted = await access.get(repository.host);
      if (granted?.status !== "ready") return undefined;
      const key = `${repository.host}/${repository.path}`;
      try {
        return [key, await readRepository(connect(repository.host).client, repository, readSigned)] as const;
      } catch (error) {
        if (!(error instanceof RegistryError)) throw error;
        access.set(repository.host, Promise.resolve({ status: "refused", problem: error.toProblem() }));
        return undefined;
      }
    }),
  );
  const entries = await Promise.all(
    [...access].map(async ([host, granted]) => [host, await granted] as const),
  );
  return {
    access: Object.fromEntries(entries),
    repositories: Object.fromEntries(repositories.filter((entry) => entry !== undefined)),
  };
}

/** A plan that writes nothing reads every registry except those that a release would skip. */
async function readerAccess(
  connection: Connection,
  host: string,
  optional: boolean,
): Promise<RegistryAccess> {
  const found = await connection.credentials();
  if (found === undefined && optional) return skipped(host);
  return { status: "ready", credentials: found?.from ?? "none, to read only" };
}

async function readAccess(
  connection: Connection,
  host: string,
  optional: boolean,
  repositories: readonly RepositoryRequest[],
): Promise<RegistryAccess> {
  const found = await connection.credentials();
  try {
    if (found === undefined) {
      const { auth } = await connection.client.ping();
      if (auth === "none") return { status: "ready", credentials: "none needed" };
      return optional ? skipped(host) : withoutCredentials(host);
    }
    const grants = await Promise.all(
      repositories.map(async ({ path }) => {
        const grant = await connection.client.pushGrant(path);
        return { path, grant };
      }),
    );
    const denied = grants.find(({ grant }) => grant === "denied");
    if (denied === undefined) return { status: "ready", credentials: found.from };
    return {
      status: "refused",
      problem: {
        code: "registry-push-denied",
        path: host,
        message: `the credentials from ${found.from} may not push to ${host}/${denied.path}`,
        hint: permissionHint(host, `${host}/${denied.path}`),
      },
    };
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error;
    if (optional && found === undefined)
      return { status: "skipped", reason: `no credentials, and ${error.summary}` };
    return { status: "refused", problem: error.toProblem() };
  }
}

function skipped(host: string): RegistryAccess {
  return { status: "skipped", reason: `optional, and there are no credentials for ${host}` };
}

function withoutCredentials(host: string): RegistryAccess {
  const names: Record<string, string> = {
    "ghcr.io": "set GHCR_USERNAME and GHCR_TOKEN, or ",
    "docker.io": "set DOCKERHUB_USERNAME and DOCKERHUB_TOKEN, or ",
  };
  return {
    status: "refused",
    problem: {
      code: "registry-no-credentials",
      path: host,
      message: `${host} is required and there are no credentials for it`,
      hint:
        `To sign in, ${names[host] ?? ""}run \`docker login ${host}\`, or set username and password of the registry in ` +
        "the stack: pulumi config set --secret --path 'slipway:registries[0].password'. " +
        "With `optional: true` a registry without credentials is skipped.",
    },
  };
}

async function readRepository(
  client: RegistryClient,
  request: RepositoryRequest,
  readSigned: ReadSigned | undefined,
): Promise<RepositoryState> {
  const versionTags = new Set(request.versionTags);
  const recorded = new Set(request.recorded);
  const [tags, found] = await Promise.all([
    client.listTags(request.path),
    Promise.all(
      request.tags.map(async (tag): Promise<[string, FoundImage | undefined]> => {
        const statements = versionTags.has(tag);
        const image = await readImage(client, request.path, tag, { statements });
        if (image === undefined || readSigned === undefined || (!statements && recorded.has(image.digest)))
          return [tag, image];
        const signed = await readSigned(`${request.host}/${request.path}`, image.digest);
        return [tag, { ...image, signed }];
      }),
    ),
  ]);
  return {
    tags,
    found: Object.fromEntries(found.filter((entry): entry is [string, FoundImage] => entry[1] !== undefined)),
  };
}
