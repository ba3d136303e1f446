import { shellWord } from "../../workflows/model";
import type { CliCommand } from "./commands";

/**
 * A command as a person would type it in a POSIX shell. What is secret is named and not shown:
 * `docker login ghcr.io --username octo --password-stdin < (password of octo from environment variable GHCR_TOKEN)`.
 */
export function commandText(command: CliCommand): string {
  return words(command).join(" ");
}

/** The same with a line for each flag and its value; joined by a backslash and a line's end it can be run. */
export function commandLines(command: CliCommand): string[] {
  const lines: string[] = [];
  for (const word of words(command)) {
    const last = lines.pop();
    if (last === undefined) lines.push(word);
    else if (word.startsWith("--")) lines.push(last, word);
    else lines.push(`${last} ${word}`);
  }
  return lines;
}

function words({ program, args, env, secrets, password }: CliCommand): string[] {
  return [
    ...Object.entries(env).map(([name, value]) => `${name}=${shellWord(value)}`),
    ...Object.keys(secrets).map((name) => `${name}=[secret]`),
    shellWord(program),
    ...args.map(shellWord),
    ...(password === undefined ? [] : [`< (${password.shownAs})`]),
  ];
}
