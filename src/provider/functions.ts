import { z } from "zod";
import { parseReference, repositoryKey } from "../plan/reference";
import { readImage } from "../registry/read-image";
import type { Context } from "../release/operation";
import { type Properties, parseInputs } from "./properties";

type ProviderFunction = (context: Context, args: Properties) => Promise<object>;

/** The functions that a program can call, by their tokens. */
export const functions: Readonly<Record<string, ProviderFunction | undefined>> = {
  "slipway-registry:index:getImage": getImage,
  "slipway-registry:index:listTags": listTags,
};

/** Without a tag or digest, the reference means `latest`. */
async function getImage(context: Context, args: Properties): Promise<object> {
  const { reference } = parseInputs("getImage", z.object({ reference: z.string() }), args);
  const parsed = parseReference(reference);
  const { client, path } = context.registries.at(repositoryKey(parsed));
  const image = await readImage(client, path, parsed.digest ?? parsed.tag ?? "latest", { statements: false });
  if (image === undefined) return { found: false };
  const { statements: _, ...facts } = image;
  return { found: true, ...facts };
}

/** A repository that does not exist has no tags. */
async function listTags(context: Context, args: Properties): Promise<object> {
  const { repository } = parseInputs("listTags", z.object({ repository: z.string() }), args);
  const { client, path } = context.registries.at(repositoryKey(parseReference(repository)));
  return { tags: await client.listTags(path) };
}
