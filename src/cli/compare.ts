import { shortDigest } from "../plan/digest";
import type { SbomPackage } from "../plan/policy/licences";
import { ProblemError, reasonOf } from "../plan/problem";
import type { MovedBase } from "../plan/rebuild";
import { parseReference, repositoryKey } from "../plan/reference";
import type { PlannedRelease } from "../plan/release-plan";
import { isIndex } from "../registry/manifests";
import { oneLine } from "../registry/redact";
import { providerConfig } from "../release/provider-config";
import { Registries } from "../release/registries";
import {
  comparePackages,
  type PlatformChanges,
  type PlatformPackages,
  packageChangesText,
} from "../report/package-changes";
import { readBuildStatements } from "../signing/build-statements";

/** The packages in which two images differ, by the SBOMs that are attached to them. @throws ProblemError, RegistryError */
export async function compareImages(
  registries: Registries,
  before: string,
  after: string,
): Promise<PlatformChanges[]> {
  const [old, now] = await Promise.all([before, after].map((image) => packagesOf(registries, image)));
  const changes = comparePackages(old ?? {}, now ?? {});
  if (changes.length > 0) return changes;
  const has = (packages: PlatformPackages = {}) => Object.keys(packages).sort().join(", ") || "no platform";
  throw nothing(
    after,
    `there is no platform of which both have an SBOM: ${before} has one for ${has(old)}, ${after} for ${has(now)}`,
    "Compare images that were released with an SBOM.",
  );
}

/** The longest list beside a plan. */
const MOST_LINES = 20;

/** For each base that moved: the packages that changed. Without an SBOM: why they are unknown. */
export async function movedBaseText(
  planned: readonly PlannedRelease[],
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const texts = planned.map(async ({ config, plan: { movedBases = [] } }) => {
    const registries = new Registries(providerConfig(config), env);
    const moves = new Map(movedBases.map((moved) => [`${moved.base} ${moved.from} ${moved.to}`, moved]));
    return Promise.all([...moves.values()].map((moved) => baseText(registries, moved)));
  });
  return [...new Set((await Promise.all(texts)).flat())].join("");
}

async function baseText(registries: Registries, { base, from, to }: MovedBase): Promise<string> {
  const repository = repositoryKey(parseReference(base));
  const lines = await compareImages(registries, `${repository}@${from}`, `${repository}@${to}`).then(
    (platforms) => packageChangesText(platforms, MOST_LINES),
    (error: unknown) => [`not known: ${reasonOf(error)}`],
  );
  return ["", `What changed in ${base}, ${shortDigest(from)} → ${shortDigest(to)}:`, ...lines, ""].join("\n");
}

async function packagesOf(registries: Registries, image: string): Promise<PlatformPackages> {
  const reference = parseReference(image);
  const { client, path } = registries.at(repositoryKey(reference));
  const manifest = await client.getManifest(path, reference.digest ?? reference.tag ?? "latest");
  if (manifest === undefined)
    throw nothing(image, "there is no such image", "Check its name and tag, or sign in to its registry.");
  if (!isIndex(manifest.json)) return {};
  const packages: Record<string, SbomPackage[]> = {};
  for (const { platform, packages: listed } of await readBuildStatements(
    { client, repository: path },
    manifest.json,
  ))
    if (listed !== undefined) packages[platform] = [...(packages[platform] ?? []), ...listed.map(printable)];
  return packages;
}

/** Anyone who may push can attach an SBOM, and this prints it. */
function printable({ name, version }: SbomPackage): SbomPackage {
  return { name: oneLine(name), ...(version === undefined ? {} : { version: oneLine(version) }) };
}

function nothing(path: string, message: string, hint: string): ProblemError {
  return new ProblemError("Nothing was compared:", [{ code: "compare-sbom", path, message, hint }]);
}
