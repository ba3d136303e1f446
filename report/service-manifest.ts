import path from "node:path";
import type { FleetImages } from "../plan/service-manifest";
import { writeWholeFile } from "./write-whole-file";

/** Where a fleet's pipelines look, in the folder for reports. */
function serviceManifestPath(artifacts: string): string {
  return path.join(artifacts, "docker", "service-image-manifest.json");
}

/** Written whole or not at all. */
export async function writeServiceManifest(
  projectDir: string,
  artifacts: string,
  { registry, tag, push, images }: FleetImages,
): Promise<void> {
  const file = path.resolve(projectDir, serviceManifestPath(artifacts));
  const content = {
    registry,
    tag,
    push,
    images: images.map(({ name, image }) => ({ name, image })),
  };
  await writeWholeFile(file, `${JSON.stringify(content, undefined, 2)}\n`);
}
