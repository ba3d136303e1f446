import { z } from "zod";
import { type HubDescription, isDescribed } from "../../registry/hub";
import type { Context } from "../../release/operation";
import { resource } from "../resource";
import { repositoryInput } from "../schemas";

const inputs = z.object({
  /** `host/namespace/name`. */
  repository: repositoryInput,
  /** The line in lists; absent: it stays as it is. */
  short: z.string().optional(),
  /** Markdown. */
  full: z.string(),
  /** Why it stays as it is; nothing is written or asked then. */
  kept: z.string().optional(),
});

type DescriptionInputs = z.output<typeof inputs>;

/**
 * What Docker Hub says of a repository. Nothing but the live text counts: whatever was written there by hand is a
 * difference. Deleting keeps it.
 */
export const hubDescription = resource({
  token: "slipway-registry:index:HubDescription",
  schema: inputs,

  diff: async (context, { urn, news }) => {
    if (news.kept !== undefined) return { changed: [] };
    const live = await read(context, news);
    if (live !== undefined && isDescribed(live, news)) return { changed: [] };
    await announce(context, urn, news, live);
    return { changed: changedTexts(live, news) };
  },

  create: async (context, news, { urn, preview }) => {
    const id = news.repository;
    if (!preview) return { id, outputs: await write(context, news) };
    if (news.kept === undefined) await announce(context, urn, news, await read(context, news));
    return { id, outputs: news };
  },

  update: async (context, { news }, { preview }) => (preview ? news : write(context, news)),

  read: async (context, { inputs: known, outputs }) => {
    if (known.kept !== undefined) return { inputs: known, outputs };
    const live = await read(context, known);
    if (live === undefined) return undefined;
    const texts = isDescribed(live, known)
      ? {}
      : { full: live.full, ...(known.short === undefined ? {} : { short: live.short }) };
    return { inputs: { ...known, ...texts }, outputs: { ...outputs, ...texts } };
  },
});

async function read(
  context: Context,
  { repository }: DescriptionInputs,
): Promise<HubDescription | undefined> {
  const { hub, path } = context.registries.hubAt(repository);
  return hub.description(path);
}

async function write(context: Context, news: DescriptionInputs): Promise<object> {
  if (news.kept !== undefined) return news;
  const { hub, path } = context.registries.hubAt(news.repository);
  const live = await hub.description(path);
  if (live === undefined || !isDescribed(live, news)) {
    await hub.describe(path, { full: news.full, ...(news.short === undefined ? {} : { short: news.short }) });
  }
  return news;
}

function changedTexts(live: HubDescription | undefined, { short, full }: DescriptionInputs): string[] {
  if (live === undefined) return ["full"];
  return [
    ...(isDescribed(live, { full }) ? [] : ["full"]),
    ...(short === undefined || isDescribed(live, { short }) ? [] : ["short"]),
  ];
}

/** The live text is in no property of the engine's diff, so it gets a line of its own. */
async function announce(
  context: Context,
  urn: string,
  news: DescriptionInputs,
  live: HubDescription | undefined,
): Promise<void> {
  if (live !== undefined && isDescribed(live, news)) return;
  await context.log.info(urn, `description of ${news.repository}: ${difference(live, news)}`);
}

/** `short: "A" => "B"; full: 1203 => 1310 bytes (+3 -1 lines)`. */
function difference(
  live: HubDescription | undefined,
  { short, full }: Pick<DescriptionInputs, "short" | "full">,
): string {
  const bytes = (text: string) => Buffer.byteLength(text, "utf8");
  if (live === undefined) return `new, ${bytes(full)} bytes (the repository is not there yet)`;
  const parts = [
    ...(short === undefined || isDescribed(live, { short })
      ? []
      : [`short: ${JSON.stringify(live.short)} => ${JSON.stringify(short)}`]),
    ...(isDescribed(live, { full })
      ? []
      : [`full: ${bytes(live.full)} => ${bytes(full)} bytes (${lineCounts(live.full, full)})`]),
  ];
  return parts.join("; ");
}

/** Lines that are only in one of both, wherever they stand. */
function lineCounts(before: string, after: string): string {
  const count = new Map<string, number>();
  for (const line of before.split(/\r?\n/)) count.set(line, (count.get(line) ?? 0) - 1);
  for (const line of after.split(/\r?\n/)) count.set(line, (count.get(line) ?? 0) + 1);
  const sum = (wanted: (n: number) => boolean) =>
    [...count.values()].filter(wanted).reduce((total, n) => total + Math.abs(n), 0);
  return `+${sum((n) => n > 0)} -${sum((n) => n < 0)} lines`;
}
