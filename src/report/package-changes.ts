import type { SbomPackage } from "../plan/policy/licences";

/** Platform -> the packages that its SBOMs list. */
export type PlatformPackages = Readonly<Record<string, readonly SbomPackage[]>>;

export interface PackageChange {
  readonly name: string;
  /** Versions that only the old image has; empty for a package that was added. */
  readonly from: readonly string[];
  /** Versions that only the new image has; empty for a package that was removed. */
  readonly to: readonly string[];
}

export interface PlatformChanges {
  readonly platform: string;
  readonly changes: readonly PackageChange[];
}

/** The packages in which two images differ, for each platform of which both have an SBOM. */
export function comparePackages(before: PlatformPackages, after: PlatformPackages): PlatformChanges[] {
  return Object.keys(before)
    .filter((platform) => after[platform] !== undefined)
    .sort()
    .map((platform) => ({
      platform,
      changes: packageChanges(before[platform] ?? [], after[platform] ?? []),
    }));
}

/** Groups packages by name. An image can have several versions of one package, and an SBOM can list one more than once. */
function packageChanges(before: readonly SbomPackage[], after: readonly SbomPackage[]): PackageChange[] {
  const [old, now] = [versionsOf(before), versionsOf(after)];
  const only = (all = new Set<string>(), other = new Set<string>()) =>
    [...all].filter((version) => !other.has(version)).sort();
  return [...new Set([...old.keys(), ...now.keys()])]
    .sort()
    .map((name) => ({
      name,
      from: only(old.get(name), now.get(name)),
      to: only(now.get(name), old.get(name)),
    }))
    .filter(({ from, to }) => from.length + to.length > 0);
}

function versionsOf(packages: readonly SbomPackage[]): Map<string, Set<string>> {
  const versions = new Map<string, Set<string>>();
  for (const { name, version = "without a version" } of packages)
    versions.set(name, (versions.get(name) ?? new Set()).add(version));
  return versions;
}

/**
 * A line for each package: `~ openssl  3.0.11-1 → 3.0.13-1`. Platforms with the same changes share them.
 *
 * @param most lines for each platform @default all
 */
export function packageChangesText(
  platforms: readonly PlatformChanges[],
  most = Number.POSITIVE_INFINITY,
): string[] {
  const alike = new Map<string, PlatformChanges[]>();
  for (const one of platforms) {
    const key = JSON.stringify(one.changes);
    alike.set(key, [...(alike.get(key) ?? []), one]);
  }
  return [...alike.values()].flatMap((same) => {
    const { changes = [] } = same[0] ?? {};
    const width = Math.max(0, ...changes.map(({ name }) => name.length));
    const lines = changes.map((change) => `  ${changeLine(change, width)}`);
    const more = lines.length > most ? [`  … and ${lines.length - most} more`] : [];
    const head = same.map(({ platform }) => platform).join(", ");
    return [
      changes.length === 0 ? `${head}: the same packages` : `${head}:`,
      ...lines.slice(0, most),
      ...more,
    ];
  });
}

function changeLine({ name, from, to }: PackageChange, width: number): string {
  const head = name.padEnd(width);
  if (from.length === 0) return `+ ${head}  ${to.join(", ")}`;
  if (to.length === 0) return `- ${head}  ${from.join(", ")}`;
  return `~ ${head}  ${from.join(", ")} → ${to.join(", ")}`;
}
