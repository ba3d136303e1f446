import type { Config } from "../plan/config";
import { type ReadDescription, textProblems } from "../plan/description";
import { type Problem, reasonOf } from "../plan/problem";
import { readProjectFile } from "./project-files";

interface ReadDescriptions {
  readonly read: readonly ReadDescription[];
  readonly problems: readonly Problem[];
}

/** Every image's description file, once for all variants of an image. Those that are wrong are problems. */
export function readDescriptions(config: Config, projectDir: string): ReadDescriptions {
  const all = described(config).map((image): ReadDescriptions => {
    try {
      const description = { ...image, full: readProjectFile(projectDir, image.file) };
      const problems = textProblems(description);
      return { read: problems.length === 0 ? [description] : [], problems };
    } catch (error) {
      const problem = {
        code: "description-file",
        path: `slipway:${image.at}.description.file`,
        message: `${image.file} ${reasonOf(error)}`,
        hint: "Name a Markdown file of the project, or take the description out.",
      };
      return { read: [], problems: [problem] };
    }
  });
  return { read: all.flatMap(({ read }) => read), problems: all.flatMap(({ problems }) => problems) };
}

function described({ images }: Config): Omit<ReadDescription, "full">[] {
  const places = new Map<string, Omit<ReadDescription, "full">>();
  for (const { name, at = name, description } of images) {
    if (description === undefined) continue;
    const known = places.get(at);
    places.set(at, { at, ...description, images: [...(known?.images ?? []), name] });
  }
  return [...places.values()];
}
