import { posix } from "node:path";
import type { Fleet } from "../plan/config";
import { type Problem, ProblemError } from "../plan/problem";
import { isRecord } from "../plan/record";
import { REPOSITORY_PATTERN } from "../plan/reference";
import { NAME_PLACEHOLDER, servicesSchema } from "./services-schema";

type Written = Readonly<Record<string, unknown>>;

/** A file as text, relative to the root, `.` or `..` from the project. @throws Error whose message continues the file's name: `does not exist` */
export type ReadProjectFile = (path: string, root: string) => string;

export interface ExpandedServices {
  /** With one more image for each service. */
  readonly written: Written;
  /** Every service, in the list's order; undefined where none are configured, or where they are wrong. */
  readonly names?: readonly string[];
  readonly problems: readonly Problem[];
}

/**
 * Writes `services` out as images: from here on a service is an image like any other. Where `services` itself is wrong
 * nothing is written out, and the schema tells why.
 */
export function expandServices(written: Written, readFile: ReadProjectFile): ExpandedServices {
  if (written.services === undefined) return { written, problems: [] };
  const checked = servicesSchema.safeParse(written.services);
  if (!checked.success) return { written: withImages(written, []), problems: [] };
  const { list } = checked.data;
  try {
    const { names, problems } = serviceNames(
      readFile(list, typeof written.root === "string" ? written.root : "."),
      list,
    );
    const images = names.map((name) => imageOf(name, written.services, checked.data));
    return { written: withImages(written, images), names, problems };
  } catch (error) {
    const message = `${JSON.stringify(list)} ${error instanceof Error ? error.message : error}`;
    return {
      written: withImages(written, []),
      problems: [{ code: "services-list", path: "services.list", message }],
    };
  }
}

/**
 * One name a line; blank lines and what follows # do not count.
 *
 * Problems: `services-list` for what is no name, a name twice or an empty list, each with its line.
 */
export function serviceNames(text: string, file: string): { names: string[]; problems: Problem[] } {
  const lineOf = new Map<string, number>();
  const problems: Problem[] = [];
  const wrong = (line: number, message: string) =>
    problems.push({ code: "services-list", path: `${file}:${line}`, message });
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const name = raw.replace(/#.*$/, "").trim();
    const before = lineOf.get(name);
    if (name === "") continue;
    if (!REPOSITORY_PATTERN.test(name)) {
      wrong(
        index + 1,
        `${JSON.stringify(name)} is not a service's name: lower-case letters, digits and . _ -`,
      );
    } else if (before !== undefined) {
      wrong(index + 1, `${JSON.stringify(name)} is already on line ${before}`);
    } else lineOf.set(name, index + 1);
  }
  const names = [...lineOf.keys()];
  if (names.length === 0 && problems.length === 0) wrong(1, "lists no service; write one name a line");
  return { names, problems };
}

/**
 * The services that a release is about; undefined for all of them.
 *
 * @throws ProblemError `services-unknown`, before anything else is looked at
 */
export function selectServices(written: Written, names: readonly string[], origin: string): Fleet {
  const services = isRecord(written.services) ? written.services : {};
  const filter = Array.isArray(services.filter) ? services.filter.map(String) : [];
  const unknown = [...new Set(filter.filter((name) => !names.includes(name)))];
  if (unknown.length > 0) {
    throw new ProblemError(`Unknown service(s) requested: ${unknown.join(", ")}`, [
      {
        code: "services-unknown",
        path: "services.filter",
        message: `${unknown.map((name) => JSON.stringify(name)).join(", ")} (from ${origin}) is not in ${String(services.list)}`,
        hint: `There are: ${names.join(", ")}`,
      },
    ]);
  }
  return filter.length === 0 ? { names } : { names, selected: names.filter((name) => filter.includes(name)) };
}

type Services = ReturnType<typeof servicesSchema.parse>;

/** What is written of the services, for one of them; the image's own schema checks it and has the defaults. */
function imageOf(name: string, written: unknown, services: Services): Record<string, unknown> {
  const { list: _list, filter: _filter, arg: _arg, ...shared } = isRecord(written) ? written : {};
  const fill = (text: string) => text.replaceAll(NAME_PLACEHOLDER, name);
  const context = fill(services.context);
  const target = services.target ?? (services.arg === undefined ? NAME_PLACEHOLDER : undefined);
  return {
    ...shared,
    name,
    repository: fill(services.repository),
    context,
    dockerfile: posix.relative(context, fill(services.dockerfile)) || fill(services.dockerfile),
    ...(target === undefined ? {} : { target: fill(target) }),
    tags: services.tags,
    flavor: services.flavor,
    labels: services.labels,
    ...(services.arg === undefined ? {} : { buildArgs: { ...services.buildArgs, [services.arg]: name } }),
  };
}

function withImages(written: Written, added: readonly Written[]): Written {
  const own: unknown[] = Array.isArray(written.images) ? written.images : [];
  if (own.length === 0 && written.images !== undefined) return written;
  return { ...written, images: [...own, ...added] };
}
