// @ts-check
// The local services with the parts that they need.

import { chooseBuilder } from "./builder-choice.mjs";
import { neededParts } from "./needed-parts.mjs";
import { createProgress } from "./progress.mjs";
import { provideToolchain } from "./provide.mjs";
import { servicesUp } from "./services.mjs";

export async function providedServices() {
  const progress = createProgress();
  const builder = await chooseBuilder({ progress });
  const toolchain = await provideToolchain({ parts: neededParts({ builder, tests: false }), progress });
  return servicesUp({ bins: toolchain.bins, builder, progress });
}
