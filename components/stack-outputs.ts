import { setTimeout as delay } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { parseManifest, type ReleaseManifest } from "../plan/manifest";

/** How often to read a checkpoint that is being written. */
const ATTEMPTS = 5;

/**
 * The manifest among the outputs of this stack's last successful run, under any name; none in a first run. If the
 * program has several releases, it is the one with these images.
 */
export async function previousManifest(images: readonly string[]): Promise<{ previous?: ReleaseManifest }> {
  const manifests = Object.values(await stackOutputs()).flatMap((output) => parseManifest(output) ?? []);
  const previous =
    manifests.find((manifest) => manifest.images.some(({ name }) => images.includes(name))) ?? manifests[0];
  return previous === undefined ? {} : { previous };
}

/** The output `manifest` of another stack of this project; undefined if it was never released. */
export async function stackManifest(stack: string): Promise<unknown> {
  try {
    return (await stackOutputs(stack)).manifest;
  } catch (error) {
    // The engine has no code for a stack that does not exist, only these texts.
    if (error instanceof Error && /unknown stack|no stack named|not find stack/i.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}

/** The outputs of a stack's last successful run, by default of this one. */
export async function stackOutputs(stack = pulumi.getStack()): Promise<Readonly<Record<string, unknown>>> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
  for (let attempt = 1; ; attempt++) {
    try {
      const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name });
      return outputs ?? {};
    } catch (error) {
      // With a file backend, this run may be writing the checkpoint at the same time, not atomically.
      const halfWritten = error instanceof Error && /failed to load checkpoint/.test(error.message);
      if (!halfWritten || attempt === ATTEMPTS) throw error;
      await delay(200 * attempt);
    }
  }
}
