import { UsageError } from "./problems";

export interface Repository {
  readonly owner: string;
  readonly repo: string;
}

const VERSION =
  /^(?:[a-z][a-z0-9]*-)*v(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** `v1.2.3`, `v1.2.3-rc.1`, or with a lane's prefix `standalone-v1.2.3`. @throws UsageError */
export function checkVersion(text: string, from: string): string {
  if (VERSION.test(text)) return text;
  const near = VERSION.test(`v${text}`) ? `; did you mean v${text}?` : "";
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not a version such as v1.2.3${near}`);
}

/** A branch's or tag's name, `refs/…`, or a commit. @throws UsageError for what git would refuse */
export function checkRef(text: string, from: string): string {
  const isName =
    /^[A-Za-z0-9_][A-Za-z0-9._/@+#-]*$/.test(text) &&
    text.length <= 255 &&
    !/\.\.|\/\/|@\{|\/\.|\.lock(?:\/|$)|[./]$/.test(text);
  if (isName) return text;
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not a branch, tag or commit`);
}

/** `owner/name`, also after a host as `gh` takes it. @throws UsageError */
export function checkRepository(text: string, from: string): Repository & { readonly host?: string } {
  const match = /^(?:([A-Za-z0-9.-]+)\/)?([A-Za-z0-9][A-Za-z0-9-]*)\/([A-Za-z0-9._-]+)$/.exec(text);
  const [, host, owner = "", repo = ""] = match ?? [];
  if (match === null || repo === "." || repo === "..")
    throw new UsageError(`${from}: ${JSON.stringify(text)} is not a repository, owner/name`);
  return { owner, repo, ...(host === undefined ? {} : { host }) };
}

/** A workflow file's name; its folder may stand before it. @throws UsageError */
export function checkWorkflow(text: string, from: string): string {
  const name = text.replace(/^(?:\.\/)?\.github\/workflows\//, "");
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*\.ya?ml$/.test(name)) return name;
  throw new UsageError(
    `${from}: ${JSON.stringify(text)} is not a workflow file's name, such as release-docker.yml`,
  );
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3600 } as const;

/** Seconds of `90s`, `45m`, `2h`; a bare number is minutes. @throws UsageError */
export function checkDuration(text: string, from: string): number {
  const [, digits = "", unit = "m"] = /^(\d{1,5}(?:\.\d)?)([smh])?$/.exec(text) ?? [];
  const seconds = unit === "s" || unit === "m" || unit === "h" ? Number(digits) * UNIT_SECONDS[unit] : 0;
  if (digits !== "" && seconds > 0) return seconds;
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not a time such as 90s, 45m or 2h`);
}

/** @throws UsageError for anything but a yes or a no */
export function checkYesOrNo(text: string, from: string): boolean {
  if (/^(?:true|1|yes)$/i.test(text.trim())) return true;
  if (/^(?:false|0|no)$/i.test(text.trim())) return false;
  throw new UsageError(`${from}: ${JSON.stringify(text)} is not true or false`);
}
