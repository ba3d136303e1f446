// Shows each step with its elapsed time: live lines on a terminal, plain lines elsewhere.

/**
 * @typedef {object} Step
 * @property {(doing: string) => void} update changes what the step is doing
 * @property {(how: string) => void} detail its progress; without a terminal, only reminders show it
 * @property {() => void} restart restarts its clock after a wait
 * @property {(how?: string) => void} done
 * @property {(why?: string) => void} fail
 * @property {() => void} drop ends the step without a line
 *
 * @typedef {object} Progress
 * @property {(name: string, doing?: string) => Step} step
 * @property {(line: string) => void} say
 * @property {(text: () => string) => void} left sets the text about the remaining time
 */

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Without a terminal, a long step prints a reminder this often. */
const reminderMs = 30_000;

/**
 * Estimates the remaining build time of parts from their recorded sizes and this machine's speed so far.
 * @typedef {object} TimeLeft
 * @property {(part: string, packages: number) => void} compiled the number of its packages compiled so far
 * @property {(part: string) => void} built
 * @property {(part: string) => void} drop it is not built
 * @property {() => string} text such as `about 6 min left`; empty before the first build
 *
 * @param {Readonly<Record<string, number>>} sizes of the parts, in packages
 * @param {() => number} [now]
 * @returns {TimeLeft}
 */
export function createTimeLeft(sizes, now = Date.now) {
  // Start from a recorded speed (0.11 s a package on two cores), with the weight of 300 packages.
  const [recordedMs, trusted] = [110, 300];
  const size = new Map(Object.entries(sizes));
  /** @type {Map<string, number>} */
  const done = new Map();
  let since = 0;
  /** @param {Iterable<number>} numbers */
  const sum = (numbers) => [...numbers].reduce((total, one) => total + one, 0);
  return {
    compiled(part, packages) {
      since ||= now();
      done.set(part, Math.min(packages, size.get(part) ?? 0));
    },
    built: (part) => done.set(part, size.get(part) ?? 0),
    drop(part) {
      size.delete(part);
      done.delete(part);
    },
    text() {
      if (since === 0) return "";
      const compiled = sum(done.values());
      const pace = (now() - since + trusted * recordedMs) / (compiled + trusted);
      const minutes = ((sum(size.values()) - compiled) * pace) / 60_000;
      if (minutes <= 0) return "";
      return minutes < 1 ? "less than a minute left" : `about ${Math.round(minutes)} min left`;
    },
  };
}

/**
 * @param {{ stream?: NodeJS.WriteStream | { write(text: string): unknown, isTTY?: boolean, columns?: number },
 *   live?: boolean, now?: () => number }} [options]
 * @returns {Progress}
 */
export function createProgress({ stream = process.stderr, live, now = Date.now } = {}) {
  const isLive = live ?? (Boolean(stream.isTTY) && !process.env.CI);
  /** @type {{ name: string, doing: string, detail: string, since: number, remindAt: number }[]} */
  const active = [];
  let left = () => "";
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  let drawn = 0;
  let frame = 0;

  const clear = () => {
    if (drawn > 0) stream.write(`\u001b[${drawn}A\u001b[J`);
    drawn = 0;
  };
  const draw = () => {
    clear();
    const width = (stream.columns ?? 80) - 1;
    const lines = active.map((step) => `${frames[frame % frames.length]} ${lineOf(step)}`);
    if (lines.length > 0 && left() !== "") lines.push(`  ${left()}`);
    for (const line of lines) stream.write(`${line.slice(0, width)}\n`);
    drawn = lines.length;
    frame += 1;
  };
  /** @param {typeof active[number]} step */
  const lineOf = ({ name, doing, detail, since }) =>
    `${name} … ${detail || doing}${elapsed(now() - since, ", ")}`;
  const tick = () => {
    if (isLive) return draw();
    for (const step of active) {
      if (now() < step.remindAt) continue;
      stream.write(`  ${lineOf(step)}${left() === "" ? "" : `; ${left()}`}\n`);
      step.remindAt = now() + reminderMs;
    }
  };
  /** @param {string} line */
  const say = (line) => {
    if (isLive) clear();
    stream.write(`${line}\n`);
    if (isLive) draw();
  };

  return {
    say,
    left: (text) => {
      left = text;
    },
    step(name, doing = "") {
      const entry = { name, doing, detail: "", since: now(), remindAt: now() + reminderMs };
      active.push(entry);
      timer ??= setInterval(tick, isLive ? 100 : 1_000);
      timer.unref();
      /** @param {string | undefined} line */
      const end = (line) => {
        const index = active.indexOf(entry);
        if (index < 0) return;
        if (isLive) clear();
        active.splice(index, 1);
        if (line !== undefined) stream.write(`${line}\n`);
        if (isLive) draw();
        if (active.length === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      };
      const time = () => elapsed(now() - entry.since, "");
      return {
        update(next) {
          entry.doing = next;
          entry.detail = "";
          if (!isLive) stream.write(`  ${name} … ${next}\n`);
        },
        detail: (how) => {
          entry.detail = how;
        },
        restart: () => {
          entry.since = now();
        },
        done: (how) => end(`✓ ${name} (${[how, time()].filter(Boolean).join(", ") || "0 s"})`),
        fail: (why) => end(`✗ ${name} (${[why, time()].filter(Boolean).join(", ") || "0 s"})`),
        drop: () => end(undefined),
      };
    },
  };
}

/** @param {number} ms @param {string} before */
function elapsed(ms, before) {
  const seconds = ms / 1000;
  if (seconds < 0.1) return "";
  return `${before}${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
