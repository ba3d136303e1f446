import { isPulumiSetupStack } from "../config/pulumi-config";
import type { ReleaseOutputs } from "./carry-out";
import { release } from "./release";
import type { SetupOutputs } from "./setup";

/** What a stack of this project does: it sets the repository up where it says so, and releases otherwise. */
export async function program(): Promise<ReleaseOutputs | SetupOutputs> {
  if (!isPulumiSetupStack()) return release();
  // The GitHub SDK takes half a second to load, which a release does not pay.
  const { setup } = await import("./setup.js");
  return setup();
}
