import { z } from "zod";
import { type HubDescription, isDescribed } from "../../registry/hub";
import type { Context } from "../../release/operation";
import { repositoryInput } from "../properties";
import { resource } from "../resource";

const inputs = z.object({
  /** `host/namespace/name`. */
  repository: repositoryInput,
  /** The line in lists; if absent, it stays as it is. */
  short: z.string().optional(),
  /** Markdown. */
  full: z.string(),
  /** Why the description stays as it is. Then nothing is asked or written. */
  kept: z.string().optional(),
});

type DescriptionInputs = z.output<typeof inputs>;

/**
 * A repository's description on Docker Hub. It is compared with the live text, so an edit by hand is a difference.
 * Deleting the resource keeps the description.
 */
export const hubDescription = resource({
  token: "slipway-registry:index:HubDescription",
  schema: inputs,

  diff: async (context, { urn, news }) => {
    if (news.kept !== undefined) return { changed: [] };
    const live = await read(context, news);
    await announce(context, urn, news, live);
    return { changed: changedTexts(live, news) };
  },

  create: async (context, news, { urn, preview }) => {
    if (preview && news.kept === undefined) await announce(context, urn, news, await read(context, news));
    if (!preview) await writeDescription(context, news);
    return { id: news.repository, outputs: news };
  },

  update: async (context, { news }, { preview }) => {
    if (!preview) await writeDescription(context, news);
    return news;
  },

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

function read(context: Context, { repository }: DescriptionInputs): Promise<HubDescription | undefined> {
  const { hub, path } = context.registries.hubAt(repository);
  return hub.description(path);
}

/** Writes a description that differs from the live one. */
export async function writeDescription(context: Context, news: DescriptionInputs): Promise<void> {
  if (news.kept !== undefined) return;
  const { hub, path } = context.registries.hubAt(news.repository);
  const live = await hub.description(path);
  if (live !== undefined && isDescribed(live, news)) return;
  await hub.describe(path, { full: news.full, short: news.short });
}

function changedTexts(live: HubDescription | undefined, { short, full }: DescriptionInputs): string[] {
  if (live === undefined) return ["full"];
  return [
    ...(isDescribed(live, { full }) ? [] : ["full"]),
    ...(isDescribed(live, { short }) ? [] : ["short"]),
  ];
}

/** The engine's diff does not show the live text, so the difference gets its own line. */
async function announce(
  context: Context,
  urn: string,
  news: DescriptionInputs,
  live: HubDescription | undefined,
): Promise<void> {
  if (changedTexts(live, news).length === 0) return;
  await context.log.info(urn, `description of ${news.repository}: ${difference(live, news)}`);
}

/** `short: "A" => "B"; full: 1203 => 1310 bytes (+3 -1 lines)`. */
function difference(live: HubDescription | undefined, { short, full }: DescriptionInputs): string {
  const bytes = (text: string) => Buffer.byteLength(text, "utf8");
  if (live === undefined) return `new, ${bytes(full)} bytes (the repository does not exist yet)`;
  const parts: string[] = [];
  if (!isDescribed(live, { short })) {
    parts.push(`short: ${JSON.stringify(live.short)} => ${JSON.stringify(short)}`);
  }
  if (!isDescribed(live, { full })) {
    parts.push(`full: ${bytes(live.full)} => ${bytes(full)} bytes (${lineCounts(live.full, full)})`);
  }
  return parts.join("; ");
}

/** Counts the lines that only one of both texts has, wherever they are. */
function lineCounts(before: string, after: string): string {
  const count = new Map<string, number>();
  for (const line of before.split(/\r?\n/)) count.set(line, (count.get(line) ?? 0) - 1);
  for (const line of after.split(/\r?\n/)) count.set(line, (count.get(line) ?? 0) + 1);
  let added = 0;
  let removed = 0;
  for (const difference of count.values()) {
    added += Math.max(0, difference);
    removed += Math.max(0, -difference);
  }
  return `+${added} -${removed} lines`;
}
