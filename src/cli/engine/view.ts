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

/** Programs and providers may print colours although pulumi was asked for none. */
const uncoloured = z.string().transform(stripVTControlCharacters);

/** The parts of an engine's event that are shown, by the names of its REST API. */
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

/** Components that have an image's name as their input `image`. */
const IMAGE_TYPE = /^slipway:index:(?:ImageRelease|Promotion)$/;
const BUILD = "docker-build:index:Image";
const TAGS = "slipway-registry:index:Tags";
/** Resources without a line: those in the release's table, and builds, which have lines of their own. */
const OWN_TYPE = /^(?:slipway-registry:|pulumi:providers:|docker-build:index:Image$)/;
const DONE: Readonly<Record<string, string>> = {
  create: "created",
  replace: "replaced",
  update: "updated",
  delete: "deleted",
  import: "imported",
};
/** The engine's last error, after the reason. */
const CLOSING_ERROR = /^(?:update|preview|refresh) failed$/;

/** How often the progress of a long operation is shown. */
const STATUS_MS = 10_000;
const BUILD_STATUS_MS = 30_000;

interface Work {
  readonly label: string;
  readonly isBuild: boolean;
  readonly since: number;
  shownAt: number;
  /** BuildKit's own lines. */
  readonly log: string[];
}

/**
 * Shows the engine's events as a log: a line when an image's build starts or ends, the progress of copies, and messages
 * of the program and its resources. Build logs and the reasons of a failure are kept for the end.
 */
export class EngineView {
  readonly #say: (line: string) => void;
  readonly #now: () => number;
  /** URN of an image's component, or of a resource in it -> the image. */
  readonly #images = new Map<string, string>();
  readonly #work = new Map<string, Work>();
  readonly #reasons = new Map<string, { readonly label: string; readonly message: string }>();
  /** Messages so far: the program runs twice, for the preview and for the update, and reports everything twice. */
  readonly #shown = new Set<string>();
  #summary: Summary | undefined;
  #isTagging = false;

  constructor(say: (line: string) => void, now: () => number = Date.now) {
    this.#say = say;
    this.#now = now;
  }

  /** Takes a line of pulumi's output: an event or any other text. */
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
    if (stdoutEvent) this.#show("", stdoutEvent.message);
    if (summaryEvent) this.#summary = summaryEvent;
  }

  /** Shows how many resources changed, once pulumi has ended. */
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
   * The end of a failure's output: the logs of failed builds, the reasons, and what to do. Empty if there was no event
   * with a reason; then pulumi has printed it.
   *
   * @param extent `titles` if the screen already shows every reason in full
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
    this.#work.set(urn, { label, isBuild, since: this.#now(), shownAt: this.#now(), log: [] });
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
    if (this.#now() - work.shownAt < (work.isBuild ? BUILD_STATUS_MS : STATUS_MS)) return;
    work.shownAt = this.#now();
    this.#show(work.label, message);
  }

  #reports({ urn, severity, message }: Omit<NonNullable<Events["diagnosticEvent"]>, "ephemeral">): void {
    const label = this.#labelOf(urn);
    if (severity === "error") this.#fails(label === "" ? "" : urn, label, message.trim());
    if (severity !== "warning" && !severity.startsWith("info")) return;
    const text = severity === "warning" ? `warning: ${message}` : message;
    if (this.#shown.has(`${label} ${text}`)) return;
    this.#shown.add(`${label} ${text}`);
    this.#show(label, text);
  }

  #fails(urn: string, label: string, text: string): void {
    if (CLOSING_ERROR.test(text)) return;
    const before = this.#reasons.get(urn)?.message ?? "";
    if (before.includes(text)) return;
    this.#reasons.set(urn, { label, message: before === "" ? text : `${before}\n${text}` });
  }

  #show(label: string, message: string): void {
    const text = message.trimEnd();
    if (text !== "") this.#say(label === "" ? text : `${label}: ${text}`);
  }

  /** The name of the image that a resource belongs to, else its own; empty for the stack. */
  #labelOf(urn: string): string {
    return this.#images.get(urn) ?? (/::pulumi:pulumi:Stack::/.test(urn) ? "" : nameIn(urn));
  }
}

/** The name comes last and can itself contain `::`. */
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
