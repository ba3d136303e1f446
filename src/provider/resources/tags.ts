import { z } from "zod";
import { type DesiredLevel, tagDigests, tagReference } from "../../plan/resource-inputs";
import type { DesiredTag } from "../../plan/tag-policy";
import type { VersionForm, VersionLine } from "../../plan/versions";
import { moved, writeTags } from "../../release/write-tags";
import { digestInput, pendingDigestInput, repositoryInput, UNKNOWN } from "../properties";
import { plannedResource } from "../resource";

/** Every field of a type: one that is missing would be dropped from the plan without a word. */
type Fields<T> = { readonly [K in keyof Required<T>]: z.ZodType<T[K]> };

const line = z.object({
  major: z.number().optional(),
  minor: z.number().optional(),
  patch: z.number().optional(),
} satisfies Fields<VersionLine>);

const form = z.object({
  prefix: z.string(),
  suffix: z.string(),
  numbers: z.number().optional(),
  builds: z.boolean().optional(),
} satisfies Fields<VersionForm>);

const desired = z.object({
  name: z.string(),
  class: z.enum(["version", "floating", "revision"]),
  line: line.optional(),
  form,
  version: z.string().optional(),
  revision: z.string(),
  digest: digestInput.optional(),
  overridden: z.boolean(),
  bad: z.array(z.string()).optional(),
  rollback: z.object({ until: z.string().optional() }).optional(),
  prereleases: z.literal("move").optional(),
} satisfies Fields<DesiredTag>);

const levels: z.ZodType<DesiredLevel[]> = z.array(
  z.object({
    name: z.string(),
    tags: z.array(
      z.object({
        image: z.string(),
        lane: z.string(),
        repository: repositoryInput,
        siblings: z.array(repositoryInput),
        desired,
        from: digestInput.optional(),
        ancestry: z.enum(["ancestor", "descendant", "diverged", "unknown"]),
      }),
    ),
  }),
);

/**
 * Every tag of a release, `host/path:tag` -> digest, in all of its registries. The tags of earlier versions stay where
 * they are. Deleting the resource keeps the tags.
 */
export const tags = plannedResource(
  {
    declared: z.object({ digests: z.record(z.string(), pendingDigestInput) }),
    plan: levels,
    inputs: ({ digests }, plan) => {
      const known = Object.entries(tagDigests(plan, digests));
      return { tags: Object.fromEntries(known.map(([name, value]) => [name, value ?? UNKNOWN])) };
    },
  },
  {
    token: "slipway-registry:index:Tags",
    schema: z.object({ tags: z.record(z.string(), pendingDigestInput) }),
    diff: async (context, { urn, olds, news, plan }) => {
      const before = new Map(Object.entries(olds.outputs.tags ?? {}));
      const live = new Map(
        plan?.flatMap((level) => level.tags).map((tag) => [tagReference(tag), tag.from]) ?? [],
      );
      const changed = Object.entries(news.tags).flatMap(([reference, desired]) => {
        const isSame = desired !== undefined && before.get(reference) === desired;
        const isLive = plan === undefined || live.get(reference) === desired;
        return isSame && isLive ? [] : [{ reference, desired, isSame }];
      });
      for (const { reference, desired, isSame } of changed)
        if (isSame) await context.log.info(urn, moved(reference, live.get(reference), desired));
      return {
        changed: changed.map(({ reference }) => `tags["${reference}"]`),
        added: changed.flatMap(({ reference }) => (before.has(reference) ? [] : [`tags["${reference}"]`])),
      };
    },

    create: async (context, { tags: desired }, { urn, preview }, plan) => ({
      id: "tags",
      outputs: { tags: preview ? desired : await writeTags(context, urn, plan, desired) },
    }),

    update: async (context, { urn, news }, { preview }, plan) => ({
      tags: preview ? news.tags : await writeTags(context, urn, plan, news.tags),
    }),

    read: async ({ registries }, { inputs }) => {
      const found = await Promise.all(
        Object.keys(inputs.tags).map(async (reference) => {
          const colon = reference.lastIndexOf(":");
          const { client, path } = registries.at(reference.slice(0, colon));
          return [reference, (await client.headManifest(path, reference.slice(colon + 1)))?.digest] as const;
        }),
      );
      const live = Object.fromEntries(found.filter(([, pointed]) => pointed !== undefined));
      return { inputs: { tags: live }, outputs: { tags: live } };
    },
  },
);
