/** The wanted platforms that content does not have. `linux/arm64/v8` is what some builders call `linux/arm64`. */
export function missingPlatforms(found: readonly string[], wanted: readonly string[]): string[] {
  return wanted.filter(
    (platform) =>
      !found.includes(platform) && !(platform === "linux/arm64" && found.includes("linux/arm64/v8")),
  );
}
