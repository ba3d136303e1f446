import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import path from "node:path";
import { z } from "zod";
import type { Environment } from "../../settings/environment";

/** A builder as buildx keeps it. */
export interface BuildxBuilder {
  readonly name: string;
  /** `remote`, `docker-container`, `kubernetes`, `cloud`. */
  readonly driver: string;
  readonly nodes: readonly {
    readonly endpoint: string;
    /** Options of the driver, e.g. the image of BuildKit and its network. */
    readonly options: Readonly<Record<string, string>>;
    /** Platforms that are written down; none: those that BuildKit says. */
    readonly platforms: readonly string[];
  }[];
}

const instance = z.object({
  Name: z.string(),
  Driver: z.string(),
  Nodes: z
    .array(
      z.object({
        Endpoint: z.string().default(""),
        DriverOpts: z.record(z.string(), z.string()).nullish(),
        Platforms: z
          .array(z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }))
          .nullish(),
      }),
    )
    .nullish(),
});

/**
 * The builder of that name, or buildx's current one, from buildx's own folder. docker-build has buildx compiled in and
 * reads the same files; neither its program nor Docker's has to be there. Undefined where nothing is written down.
 */
export async function readBuildxBuilder(
  name: string | undefined,
  env: Environment = process.env,
): Promise<BuildxBuilder | undefined> {
  const folder = buildxFolder(env);
  const chosen = name ?? (await currentName(folder));
  if (chosen === undefined || chosen === "" || path.basename(chosen) !== chosen) return undefined;
  const found = instance.safeParse(await readJson(path.join(folder, "instances", chosen)));
  if (!found.success) return undefined;
  return {
    name: found.data.Name,
    driver: found.data.Driver,
    nodes: (found.data.Nodes ?? []).map(({ Endpoint, DriverOpts, Platforms }) => ({
      endpoint: Endpoint,
      options: DriverOpts ?? {},
      platforms: (Platforms ?? []).map(({ os, architecture, variant }) =>
        [os, architecture, variant].filter(Boolean).join("/"),
      ),
    })),
  };
}

/** Whether buildx lacks a builder that a stack names; docker's own is in no file. */
export async function isMissingBuilder(
  name: string | undefined,
  env: Environment = process.env,
): Promise<boolean> {
  return name !== undefined && name !== "default" && (await readBuildxBuilder(name, env)) === undefined;
}

/** Where buildx keeps its builders. */
export function buildxFolder(env: Environment): string {
  return env.BUILDX_CONFIG || path.join(env.DOCKER_CONFIG || path.join(homedir(), ".docker"), "buildx");
}

async function currentName(folder: string): Promise<string | undefined> {
  const current = z.object({ Name: z.string() }).safeParse(await readJson(path.join(folder, "current")));
  return current.success ? current.data.Name : undefined;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return undefined;
  }
}
