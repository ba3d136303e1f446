import { shellWord } from "../../workflows/words";
import type { CliCommand } from "./commands";

/**
 * A command as a person would type it in a POSIX shell. What is secret is named and not shown:
 * `docker login ghcr.io --username octo --password-stdin < (password of octo from environment variable GHCR_TOKEN)`.
 */
export function commandText({ program, args, env, secrets, password }: CliCommand): string {
  return [
    ...Object.entries(env).map(([name, value]) => `${name}=${shellWord(value)}`),
    ...Object.keys(secrets).map((name) => `${name}=[secret]`),
    shellWord(program),
    ...args.map(shellWord),
    ...(password === undefined ? [] : [`< (${password.shownAs})`]),
  ].join(" ");
}
