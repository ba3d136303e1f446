import type { Lane } from "../plan/lanes";
import type { CheckedLane } from "./lanes-schema";
import type { CheckedConfig } from "./schema";

type CheckedImage = CheckedConfig["images"][number];

/** A lane as the plan knows it: its format and floating tag have become rules of docker/metadata-action. */
export function normaliseLane(written: CheckedLane): Lane {
  const form = { prefix: written.format.slice(0, -"X.Y.Z".length), suffix: "" };
  const trigger = written.trigger.slice(0, -1);
  return {
    name: written.name,
    form,
    trigger,
    floating: written.floating,
    tags: [versionRule(form.prefix, trigger), ...written.tags],
    flavor: floatingFlavor(written.floating),
  };
}

/** An image as a lane builds and tags it. `PUBLISH_LATEST` and the image's own flavor still hold. */
export function imageInLane(image: CheckedImage, written: CheckedLane): CheckedImage {
  const { context, dockerfile, target } = written;
  const lane = normaliseLane(written);
  return {
    ...image,
    ...(context === undefined ? {} : { context }),
    ...(dockerfile === undefined ? {} : { dockerfile }),
    ...(target === undefined ? {} : { target }),
    tags: [...lane.tags],
    flavor: [...image.flavor, ...lane.flavor],
  };
}

/**
 * The version is what follows the git tag's trigger, or the format's own prefix where an image's tag was asked for; a
 * pre-release is written whole and moves no floating tag, as with every `type=semver`.
 */
function versionRule(prefix: string, trigger: string): string {
  const starts = [...new Set([trigger, prefix])].map(escapeRegExp).join("|");
  const match = `match=^(?:${starts})([0-9].*)$`;
  return `type=semver,pattern={{version}},${match},prefix=${prefix}`;
}

/** `standalone-latest` is flavor's `latest` with the prefix `standalone-`, which no rule of a lane takes over. */
function floatingFlavor(floating: string): string[] {
  const at = floating.indexOf("latest");
  const prefix = floating.slice(0, at);
  const suffix = floating.slice(at + "latest".length);
  return [
    ...(prefix === "" ? [] : [`prefix=${prefix},onlatest=true`]),
    ...(suffix === "" ? [] : [`suffix=${suffix},onlatest=true`]),
  ];
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
