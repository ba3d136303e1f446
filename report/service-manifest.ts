import { mkdir } from "node:fs/promises";
import path from "node:path";
import writeFileAtomic from "write-file-atomic";
import type { FleetImages } from "../plan/service-manifest";

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
  await mkdir(path.dirname(file), { recursive: true });
  const content = {
    registry,
    tag,
    push,
    images: images.map(({ name, image }) => ({ name, image })),
  };
  await writeFileAtomic(file, `${JSON.stringify(content, undefined, 2)}\n`);
}
