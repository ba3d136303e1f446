import { isPulumiSetupStack } from "../config/pulumi-config";
import type { SetupOutputs } from "./setup";

/** Whether the stack's settings ask to set the GitHub repository up (`github.setup`) instead of releasing. */
export function isSetupStack(): boolean {
  return isPulumiSetupStack();
}

/** Sets the GitHub repository up as the stack's settings say. @throws pulumi.RunError with every problem */
export async function setUpRepository(): Promise<SetupOutputs> {
  // The GitHub SDK takes half a second to load, which a release does not pay.
  const { setup } = await import("./setup.js");
  return setup();
}
