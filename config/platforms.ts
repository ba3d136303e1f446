/**
 * The platforms that BuildKit knows, in OCI's form `os/architecture[/variant]`, the usual ones first. Variants that
 * are another's default (`linux/arm64/v8`, `linux/amd64/v1`) are left out: they would name one platform twice.
 */
export const PLATFORMS = [
  "linux/amd64",
  "linux/arm64",
  "linux/arm/v7",
  "linux/arm/v6",
  "linux/arm/v5",
  "linux/386",
  "linux/amd64/v2",
  "linux/amd64/v3",
  "linux/amd64/v4",
  "linux/ppc64le",
  "linux/s390x",
  "linux/riscv64",
  "linux/loong64",
  "linux/mips64le",
  "linux/mips64",
  "windows/amd64",
  "windows/arm64",
  "freebsd/amd64",
  "freebsd/arm64",
  "wasi/wasm",
] as const;
