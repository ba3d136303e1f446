import { isIP } from "node:net";
import { posix } from "node:path";
import { z } from "zod";
import { ROOT_PATTERN } from "../plan/config";
import { isDigest } from "../plan/digest";
import {
  HOST_PATTERN,
  isLoopbackHost,
  isReference,
  REPOSITORY_PATTERN,
  TAG_PATTERN,
} from "../plan/reference";
import { RELEASE_NAME_PATTERN } from "../plan/versions";

/**
 * Texts with a grammar of their own. A message follows the value, `"Octo" is not …`, unless it starts with `:`, which
 * leaves the value out.
 */

/** A text that matches a pattern. @param message follows the value: `is not …` */
export function text(pattern: RegExp, message: string): z.ZodString {
  return z.string().regex(pattern, { error: message });
}

/** A text without a problem. @param problemOf a message that follows the value; undefined if there is no problem */
export function textWithout(problemOf: (value: string) => string | undefined): z.ZodString {
  return z.string().refine((value) => problemOf(value) === undefined, {
    error: (issue) => problemOf(String(issue.input)) ?? "is not allowed",
  });
}

/** A list with at least one entry. @param hint what to do about an empty list */
export function listOf<Item extends z.ZodType>(item: Item, hint: string): z.ZodArray<Item> {
  return z.array(item).min(1, { error: `has no entry; ${hint}` });
}

export function wholeNumber(least: number): z.ZodInt {
  return z.int({ error: "is not a whole number" }).min(least, { error: `is less than ${least}` });
}

export const line = text(/^[^\p{Cc}]*\S[^\p{Cc}]*$/u, "is not one line of text with something in it");

export const releaseName = text(
  RELEASE_NAME_PATTERN,
  "is not a version's or tag's name: letters, digits and . _ + / @ -",
);

export const flag = (usual: boolean, text: string) => z.boolean().default(usual).describe(text);

/** The mark hides the value in messages, and makes editors accept `secure:`. */
export const secret = z.string().min(1, { error: "is empty" }).meta({ secret: true });

export const host = textWithout(hostProblem);

function hostProblem(value: string): string | undefined {
  const port = Number(/:([0-9]+)$/.exec(value)?.[1] ?? 0);
  if (HOST_PATTERN.test(value) && port <= 65535) return undefined;
  return /^[a-z]+:\/\//i.test(value)
    ? "is not a registry's host: leave the scheme out (and set plainHttp for http)"
    : "is not a registry's host, such as ghcr.io or localhost:5000";
}

/** A server's address. Credentials go there, so it has to be https, or http on this machine. */
export const origin = textWithout(originProblem);

function originProblem(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    return "is not a server's address, such as https://hub.docker.com";
  }
  if (url.username !== "" || url.password !== "") return ": contains credentials; take them out";
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return "has more than a server's address: leave the path out";
  }
  return url.protocol === "http:" && !isLoopbackHost(url.host)
    ? "is not https; plain http is allowed only on this machine"
    : undefined;
}

export const namespace = textWithout((value) =>
  value === "" ? undefined : repositoryProblem(value, "a namespace"),
);

export const imageName = textWithout((value) => repositoryProblem(value, "an image's name"));

function repositoryProblem(text: string, what: string): string | undefined {
  if (REPOSITORY_PATTERN.test(text)) return undefined;
  const lower = text.toLowerCase();
  return lower !== text && REPOSITORY_PATTERN.test(lower)
    ? `is not ${what}: registries allow lower case only; did you mean \`${lower}\`?`
    : `is not ${what}: lower-case letters and digits, with . _ __ - between them and / between parts`;
}

/** A folder or file in the project: relative, with `/`, and not outside of the project. */
export const projectPath = textWithout(pathProblem);

export const root = text(ROOT_PATTERN, "is not a way up from the project's folder: `.`, `..` or `../..`");

/** A file or a pattern of files below a folder: relative, with `/`. Only `*`, `?` and `**` are special. */
export const glob = projectPath.refine(
  (text) => !/[[\]{}!]/.test(text) && !/(?:^|[^/*])\*\*|\*\*(?!\/|$)/.test(text),
  {
    error:
      "is not a pattern: `*` and `?` within a name, `**` alone between slashes, and nothing else is special",
  },
);

/** Why a path is not a relative path inside its folder; undefined if it is. */
export function pathProblem(text: string): string | undefined {
  if (text === "") return "is not a path; the project's own folder is `.`";
  if (/\p{Cc}/u.test(text)) return "is not a path: it has control characters";
  if (text.includes("\\")) return "is not a path: write / instead of \\, also on Windows";
  if (posix.isAbsolute(text) || /^[A-Za-z]:/.test(text)) return "is an absolute path; it has to be relative";
  return escapes(text) ? "leads out of the project" : undefined;
}

/** Whether a relative path leads out of its folder. */
export function escapes(path: string): boolean {
  const normal = posix.normalize(path);
  return normal === ".." || normal.startsWith("../");
}

export const githubRepository = text(
  /^[A-Za-z0-9](?:-?[A-Za-z0-9])*\/(?!\.{1,2}$)[A-Za-z0-9._-]+$/,
  "is not a GitHub repository, owner/name",
);

export const buildArgName = text(
  /^[A-Za-z_][A-Za-z0-9_]*$/,
  "is not a build argument's name: letters, digits and _",
);

export const secretId = text(
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/,
  "is not a build secret's id: letters, digits and . _ -",
);

/** BuildKit looks up contexts by the name in FROM and `--from=`, which it reads as an image's name. */
export const contextName = z
  .string()
  .refine((text) => isReference(text) && !text.includes("@") && !/^(?:[0-9]+|scratch)$/i.test(text), {
    error:
      "is not a context's name: lower case, as a stage or an image with its tag; not a number or scratch",
  });

/** The prefix of a context that is an image. */
export const IMAGE_CONTEXT = "docker-image://";
/** Does not allow a password, which would end up in state and provenance. */
const GIT_CONTEXT =
  /^(?:(?:https?|git):\/\/[A-Za-z0-9.-]+(?::[0-9]+)?\/|ssh:\/\/(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+(?::[0-9]+)?\/|git@[A-Za-z0-9.-]+:)[A-Za-z0-9._~/-]+\.git#[0-9a-f]{40}(?::[A-Za-z0-9._~/-]+)?$/;

export type ContextKind = "folder" | "image" | "git";

export function contextKind(text: string): ContextKind {
  if (text.startsWith(IMAGE_CONTEXT)) return "image";
  return GIT_CONTEXT.test(text) ? "git" : "folder";
}

/** A named context. `image-rules.ts` checks that a folder is inside the project, which depends on the image's context. */
export const contextSource = textWithout(contextProblem);

function contextProblem(text: string): string | undefined {
  const kind = contextKind(text);
  if (kind === "git") return undefined;
  if (kind === "image")
    return isReference(text.slice(IMAGE_CONTEXT.length))
      ? undefined
      : "is not an image, such as docker-image://alpine:3.20";
  if (/^(?:[a-z]+:\/\/|git@).*\.git(?:[#?].*)?$/i.test(text))
    return ": is not pinned; write it as https://host/repository.git#<commit, 40 hex digits>, optionally with :folder after it, and without a password";
  if (/^https?:\/\//i.test(text))
    return ": BuildKit cannot check what it downloads there; use ADD --checksum=sha256:… in the Dockerfile";
  if (/^(?:[a-z][a-z0-9+.-]*:|git@)/i.test(text) && !/^[a-z]:/i.test(text))
    return "is not a folder, docker-image://… or a Git address with its commit";
  return escapes(text) ? undefined : pathProblem(text);
}

export const sshId = text(
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/,
  "is not an ssh id: letters, digits and . _ -; keys and sockets come from the ssh agent alone",
);

export const hostName = text(
  /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?$/,
  "is not a host's name: letters, digits and . _ -",
);

export const hostAddress = z.string().refine((text) => text === "host-gateway" || isIP(text) !== 0, {
  error: "is not an IP address, nor `host-gateway` for the builder's machine",
});

export const stageName = text(
  /^(?:[A-Za-z][A-Za-z0-9_.-]*|[0-9]+)$/,
  "is not the name of a Dockerfile's stage",
);

/** The flag that a word means. To YAML 1.2 and the engine, `no` and `off` are texts. */
export function meantFlag(word: unknown): "true" | "false" | undefined {
  if (typeof word !== "string") return undefined;
  if (/^(?:false|no|n|off|none|never|disabled?|0)$/i.test(word.trim())) return "false";
  return /^(?:true|yes|y|on|always|enabled?|1)$/i.test(word.trim()) ? "true" : undefined;
}

export function flagSuggestion(word: unknown): string {
  const flag = meantFlag(word);
  return flag === undefined ? "" : `; did you mean \`${flag}\`?`;
}

export const label = text(
  /^[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?=[^\p{Cc}]*$/u,
  "is not a label, key=value: letters, digits and . _ / - in the key, one line",
);

export const imageAndTag = z.string().refine(
  (text) => {
    const colon = text.lastIndexOf(":");
    return (
      colon > 0 && REPOSITORY_PATTERN.test(text.slice(0, colon)) && TAG_PATTERN.test(text.slice(colon + 1))
    );
  },
  { error: "is not image:tag" },
);

export const imageAndDigest = z.string().refine(
  (text) => {
    const [name = "", digest] = text.split("@");
    return REPOSITORY_PATTERN.test(name) && isDigest(digest) && text === `${name}@${digest}`;
  },
  { error: "is not image@sha256:… with 64 hex digits" },
);

/**
 * The platforms that BuildKit supports, in OCI's form `os/architecture[/variant]`, the usual ones first. Without default
 * variants (`linux/arm64/v8`, `linux/amd64/v1`), which would name a platform twice.
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
