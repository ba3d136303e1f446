import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import pc from "picocolors";
import { reasonOf } from "../plan/problem";
import { isRecord } from "../plan/record";
import { evaluateTagRules } from "../plan/tag-rules/evaluate";
import {
  commitDateInPayload,
  correctedSha,
  type ReleaseEvent,
  releaseEventFromGitHub,
} from "../plan/tag-rules/event";
import { listEntries, parseFlavor, parseImages } from "../plan/tag-rules/inputs";
import { parseTagRules } from "../plan/tag-rules/tag-rule";
import type { TagsOptions } from "./commands/tags";

export function printTags(options: TagsOptions, command: Command): void {
  const now = options.now ?? new Date();
  const result = evaluateTagRules({
    ...readRules(options, command),
    event: readEvent(options, command, now),
    now,
    shortShaLength: shortShaLength(command),
  });
  for (const warning of result.warnings) warn(warning);
  for (const { path, message, hint } of result.problems)
    warn(`${path}: ${message}${hint === undefined ? "" : `\n  ${hint}`}`);
  const { version, partial, latest, tags, labels } = result;
  const annotations = options.annotation.length > 0 ? result.annotations : undefined;
  const json = { version, partial, latest, tags, labels, annotations };
  const parts = [tags, labels].filter((lines) => lines.length > 0);
  const text = parts.map((lines) => lines.map((line) => `${line}\n`).join("")).join("\n");
  process.stdout.write(options.json ? `${JSON.stringify(json, null, 2)}\n` : text);
}

function readRules(options: TagsOptions, command: Command) {
  try {
    return {
      rules: parseTagRules(listEntries(options.rule), "--rule"),
      flavor: parseFlavor(listEntries(options.flavor)),
      images: parseImages(listEntries(options.image)),
      labels: listEntries(options.label),
      annotations: listEntries(options.annotation),
    };
  } catch (error) {
    return command.error(`error: ${reasonOf(error)}`, { exitCode: 2 });
  }
}

function readEvent(options: TagsOptions, command: Command, now: Date): ReleaseEvent {
  const { env } = process;
  const ref = options.ref ?? env.GITHUB_REF;
  const sha = options.sha ?? env.GITHUB_SHA;
  const eventName = options.event ?? env.GITHUB_EVENT_NAME;
  const eventFile = options.eventFile ?? env.GITHUB_EVENT_PATH;
  if ([ref, sha, eventName, eventFile].every((value) => value === undefined)) {
    command.error(
      "error: there is no event to make tags for. Set GITHUB_REF and GITHUB_SHA as a workflow does, or give the flags, " +
        "such as --ref refs/tags/v1.2.3 --sha $(git rev-parse HEAD)",
      { exitCode: 2 },
    );
  }
  if (!ref) {
    warn(
      "no reference is given (GITHUB_REF or --ref): rules about branches, tags and pull requests do not apply",
    );
  }
  const usesSha = options.rule.some((rule) => /type=sha\b|\bsha\}\}/.test(rule));
  if (!sha && usesSha) {
    warn(
      "no commit is given (GITHUB_SHA or --sha, such as --sha $(git rev-parse HEAD)): type=sha makes no tag",
    );
  }

  const payload = readPayload(eventFile, options.eventFile !== undefined);
  const repository = options.repositoryFile === undefined ? undefined : readJson(options.repositoryFile);
  const event = {
    eventName: eventName ?? "",
    ref: ref ?? "",
    sha: sha ?? "",
    payload,
    repository:
      repository ?? (isRecord(payload) ? payload.repository : undefined) ?? repositoryByName(options),
    sourceOfSha: /true/i.test(env.DOCKER_METADATA_PR_HEAD_SHA ?? "")
      ? ("pull-request-head" as const)
      : ("event" as const),
    now,
  };
  const commitDate = options.commitDate ?? commitDateOf(event, options);
  return releaseEventFromGitHub({ ...event, commitDate });
}

/** The commit's date from the event, else from git, which runs only if an expression uses the date. */
function commitDateOf(event: Parameters<typeof correctedSha>[0], options: TagsOptions): Date | undefined {
  const sha = correctedSha(event);
  const known = commitDateInPayload(event.payload, sha);
  const entries = [options.rule, options.flavor, options.label, options.annotation].flat();
  if (known !== undefined || !entries.some((entry) => entry.includes("commit_date"))) return known;
  if (!/^[0-9a-f]{7,64}$/i.test(sha)) return undefined;
  try {
    const args = ["show", "--no-patch", "--format=%cI", sha, "--"];
    return new Date(
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim(),
    );
  } catch {
    warn(`the date of ${sha} is neither in the event nor in a git repository here; the current time is used`);
    return undefined;
  }
}

function readPayload(file: string | undefined, isNamed: boolean): unknown {
  if (!file) return {};
  // As in GitHub's toolkit, a missing event file means an empty event.
  if (!isNamed && !existsSync(file)) {
    warn(`GITHUB_EVENT_PATH is ${file}, which does not exist; the event counts as empty`);
    return {};
  }
  return readJson(file);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON: ${reasonOf(error)}`);
  }
}

function repositoryByName(options: TagsOptions): unknown {
  const fullName = options.repository ?? process.env.GITHUB_REPOSITORY;
  if (!fullName) return undefined;
  const server = process.env.GITHUB_SERVER_URL || "https://github.com";
  return { name: fullName.split("/")[1], html_url: `${server}/${fullName}` };
}

function shortShaLength(command: Command): number | undefined {
  const written = process.env.DOCKER_METADATA_SHORT_SHA_LENGTH;
  if (!written) return undefined;
  const length = Number(written);
  if (!Number.isNaN(length)) return length;
  const message = `DOCKER_METADATA_SHORT_SHA_LENGTH is ${JSON.stringify(written)}, which is not a number`;
  return command.error(`error: ${message}`, { exitCode: 2 });
}

function warn(message: string): void {
  process.stderr.write(
    `${pc.createColors(pc.isColorSupported && process.stderr.isTTY).yellow("warning:")} ${message}\n`,
  );
}
