import * as pulumi from "@pulumi/pulumi";
import { parseManifest, type ReleaseManifest } from "../plan/manifest";

/** The manifest that this stack's last successful run put out; a first run has none. */
export async function previousManifest(): Promise<{ previous?: ReleaseManifest }> {
  const previous = parseManifest(await readManifestOutput(pulumi.getStack()));
  return previous === undefined ? {} : { previous };
}

/** What another stack of this project put out as its manifest; undefined where it was never released. */
export async function stackManifest(stack: string): Promise<unknown> {
  try {
    return await readManifestOutput(stack);
  } catch (error) {
    // The engine's own words for a stack that does not exist, which need not be what a person reads.
    if (error instanceof Error && /unknown stack|no stack named|not find stack/i.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}

async function readManifestOutput(stack: string): Promise<unknown> {
  const name = `${pulumi.getOrganization()}/${pulumi.getProject()}/${stack}`;
  const { outputs } = await pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", { name });
  return outputs?.manifest;
}
