import { stripVTControlCharacters } from "node:util";
import { z } from "zod";
import { timeText } from "../terminal";

const state = z.object({
  custom: z.boolean().default(false),
  parent: z.string().default(""),
  inputs: z.record(z.string(), z.unknown()).nullish(),
});
const step = z.object({
  op: z.string(),
  urn: z.string(),
  type: z.string(),
  old: state.nullish(),
  new: state.nullish(),
});
const resource = z.object({ metadata: step, planning: z.boolean().default(false) });

/** Programs and providers print in colours of their own, whatever the engine was asked for. */
const uncoloured = z.string().transform(stripVTControlCharacters);

/** What is shown of an event of the engine, by the names of its REST API. */
const engineEvent = z.object({
  sequence: z.number(),
  diagnosticEvent: z
    .object({
      urn: z.string().default(""),
      severity: z.string(),
      message: uncoloured,
      ephemeral: z.boolean().default(false),
    })
    .optional(),
  policyEvent: z
    .object({
      resourceUrn: z.string().default(""),
      message: uncoloured,
      policyName: z.string(),
      policyPackName: z.string(),
      enforcementLevel: z.string(),
    })
    .optional(),
  errorEvent: z.object({ error: uncoloured }).optional(),
  stdoutEvent: z.object({ message: uncoloured }).optional(),
  resourcePreEvent: resource.optional(),
  resOutputsEvent: resource.optional(),
  summaryEvent: z
    .object({
      resourceChanges: z.record(z.string(), z.number()).nullish(),
      durationSeconds: z.number(),
      isPreview: z.boolean().default(false),
    })
    .optional(),
});

type Events = z.output<typeof engineEvent>;
type Summary = NonNullable<Events["summaryEvent"]>;

/** Components whose input `image` is an image's name. */
const IMAGE_TYPE = /^slipway:index:(?:ImageRelease|Promotion)$/;
const BUILD = "docker-build:index:Image";
const TAGS = "slipway-registry:index:Tags";
/** What the release's table shows, and builds, which have lines of their own. */
const OWN_TYPE = /^(?:slipway-registry:|pulumi:providers:|docker-build:index:Image$)/;
const DONE: Readonly<Record<string, string>> = {
  create: "created",
  replace: "replaced",
  update: "updated",
  delete: "deleted",
  import: "imported",
};
/** The engine's last word on a failure, after the reason. */
const CLOSING_WORD = /^(?:update|preview|refresh) failed$/;

/** How often something that takes long is shown to go on. */
const STATUS_MS = 10_000;
const BUILD_STATUS_MS = 30_000;

interface Work {
  readonly label: string;
  readonly isBuild: boolean;
  readonly since: number;
  saidAt: number;
  /** BuildKit's own lines. */
  readonly log: string[];
}

/**
 * Shows the engine's events as a log: a line for each image whose build starts or ends, how far copies are, what
 * program and resources report, and no line of what happens inside. Reasons of a failure are kept for the end.
 */
export class EngineView {
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  /** URN of an image's component, and of what is in it -> the image. */
  readonly #images = new Map<string, string>();
  readonly #work = new Map<string, Work>();
  readonly #reasons = new Map<string, { readonly label: string; readonly message: string }>();
  /** The program runs twice, for the preview and for the update, and would report everything twice. */
  readonly #told = new Set<string>();
  #summary: Summary | undefined;
  #isTagging = false;

  constructor(say: (line: string) => void, now: () => number = Date.now) {
    this.#say = say;
    this.#now = now;
  }

  /** A line of the engine: an event, or anything else that it prints. */
  read(line: string): void {
    const event = eventIn(line);
    if (event === undefined) {
      if (line.trim() !== "") this.#say(line);
      return;
    }
    const { diagnosticEvent, policyEvent, errorEvent, stdoutEvent, summaryEvent } = event;
    if (event.resourcePreEvent) this.#starts(event.resourcePreEvent);
    if (event.resOutputsEvent) this.#ends(event.resOutputsEvent);
    if (diagnosticEvent?.ephemeral) this.#works(diagnosticEvent.urn, diagnosticEvent.message);
    else if (diagnosticEvent) this.#reports(diagnosticEvent);
    if (policyEvent) {
      const { policyPackName, policyName, enforcementLevel } = policyEvent;
      const message = `[${enforcementLevel}] ${policyPackName}: ${policyName}: ${policyEvent.message}`;
      const severity = enforcementLevel === "mandatory" ? "error" : "warning";
      this.#reports({ urn: policyEvent.resourceUrn, severity, message });
    }
    if (errorEvent) this.#reports({ urn: "", severity: "error", message: errorEvent.error });
    if (stdoutEvent) this.#tell("", stdoutEvent.message);
    if (summaryEvent) this.#summary = summaryEvent;
  }

  /** Where the engine has ended: how many resources it changed. */
  end(): void {
    const { resourceChanges, isPreview, durationSeconds } = this.#summary ?? {};
    const counts = Object.entries(resourceChanges ?? {}).flatMap(([op, count]) => {
      const done = op === "same" ? "unchanged" : DONE[op];
      if (done === undefined || count === 0) return [];
      return [`${count} ${isPreview && op !== "same" ? `to ${op}` : done}`];
    });
    const isRefused = this.#reasons.size > 0 && this.#work.size === 0;
    if (counts.length > 0 && !isRefused) this.#say(`Resources: ${counts.join(", ")} (${durationSeconds} s)`);
  }

  /**
   * Why it failed, for the end of everything: the logs of failed builds, the reasons, and what to do. Empty where the
   * engine gave no reason as an event, and printed it itself.
   *
   * @param extent `titles` after a screen that shows every reason in full
   */
  failure(extent: "full" | "titles"): string {
    const failed = [...this.#reasons.entries()];
    const logs = failed.flatMap(([urn]) => {
      const { isBuild, log, label } = this.#work.get(urn) ?? {};
      return isBuild && log && log.length > 0 ? [`The log of ${label}'s build:`, ...log.map(indented)] : [];
    });
    const reasons = failed.map(([urn, { label, message }]) => {
      const what = this.#work.get(urn)?.isBuild ? "the build failed: " : "";
      const text = label === "" ? message : `${label}: ${what}${message}`;
      const [title = ""] = text.split("\n");
      return `error: ${extent === "full" || title === text ? text : `${title.replace(/:$/, "")} (see above)`}`;
    });
    const isHalfDone = this.#summary?.isPreview === false && failed.some(([urn]) => this.#work.has(urn));
    const left = isHalfDone
      ? [
          `${this.#isTagging ? "" : "No tag was written. "}Run the same command again: it finishes what is missing.`,
        ]
      : [];
    return [...logs, ...reasons, ...left].map((line) => `${line}\n`).join("");
  }

  #starts({ metadata, planning }: NonNullable<Events["resourcePreEvent"]>): void {
    const { urn, type, op, new: after } = metadata;
    const image = IMAGE_TYPE.test(type) ? after?.inputs?.image : this.#images.get(after?.parent ?? "");
    if (typeof image === "string") this.#images.set(urn, image);
    if (planning || op === "same") return;
    const isBuild = type === BUILD && op !== "delete";
    const label = this.#labelOf(urn);
    this.#work.set(urn, { label, isBuild, since: this.#now(), saidAt: this.#now(), log: [] });
    if (type === TAGS) this.#isTagging = true;
    if (isBuild) this.#say(`building ${label}`);
  }

  #ends({ metadata, planning }: NonNullable<Events["resOutputsEvent"]>): void {
    const { urn, type, op } = metadata;
    const work = this.#work.get(urn);
    const time = work === undefined ? "" : ` in ${timeText(this.#now() - work.since)}`;
    this.#work.delete(urn);
    const done = DONE[op];
    const isOther = (metadata.new ?? metadata.old)?.custom === true && !OWN_TYPE.test(type);
    if (work?.isBuild) this.#say(`built ${work.label}${time}`);
    else if (done !== undefined && isOther)
      this.#say(`${planning ? "to be " : ""}${done}: ${type} ${nameIn(urn)}${time}`);
  }

  #works(urn: string, message: string): void {
    const work = this.#work.get(urn);
    if (work === undefined || message.trim() === "") return;
    if (work.isBuild) work.log.push(message.trimEnd());
    if (this.#now() - work.saidAt < (work.isBuild ? BUILD_STATUS_MS : STATUS_MS)) return;
    work.saidAt = this.#now();
    this.#tell(work.label, message);
  }

  #reports({ urn, severity, message }: Omit<NonNullable<Events["diagnosticEvent"]>, "ephemeral">): void {
    const label = this.#labelOf(urn);
    if (severity === "error") this.#fails(label === "" ? "" : urn, label, message.trim());
    if (severity !== "warning" && !severity.startsWith("info")) return;
    const text = severity === "warning" ? `warning: ${message}` : message;
    if (this.#told.has(`${label} ${text}`)) return;
    this.#told.add(`${label} ${text}`);
    this.#tell(label, text);
  }

  #fails(urn: string, label: string, text: string): void {
    if (CLOSING_WORD.test(text)) return;
    const before = this.#reasons.get(urn)?.message ?? "";
    if (before.includes(text)) return;
    this.#reasons.set(urn, { label, message: before === "" ? text : `${before}\n${text}` });
  }

  #tell(label: string, message: string): void {
    const text = message.trimEnd();
    if (text !== "") this.#say(label === "" ? text : `${label}: ${text}`);
  }

  /** The image that a resource belongs to, else its own name; empty for the stack. */
  #labelOf(urn: string): string {
    return this.#images.get(urn) ?? (/::pulumi:pulumi:Stack::/.test(urn) ? "" : nameIn(urn));
  }
}

/** The name is last, and may contain `::` itself. */
const nameIn = (urn: string): string => urn.split("::").slice(3).join("::");

const indented = (line: string): string => `  ${line}`;

function eventIn(line: string): Events | undefined {
  try {
    const event = engineEvent.safeParse(JSON.parse(line));
    return event.data;
  } catch {
    return undefined;
  }
}
