import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Word for word what CI's base-decide job runs, in the C locale. */
const RECIPE = `
{
  cat Dockerfile.base
  find rootfs -type f \\
    ! -path '*/__pycache__/*' \\
    ! -name '*.pyc' \\
    ! -name '.DS_Store' \\
    ! -name '._*' \\
    -print0 2>/dev/null | sort -z | xargs -0 cat 2>/dev/null
  cat entrypoint.sh entrypoint-user.sh
} | sha256sum | cut -c1-12
`;

/** The base's hash, as bash computes it in a working tree. */
export async function recipeHash(dir: string): Promise<string> {
  const env = { ...process.env, LC_ALL: "C" };
  const { stdout } = await run("bash", ["-c", RECIPE], { cwd: dir, env });
  return stdout.trim();
}
