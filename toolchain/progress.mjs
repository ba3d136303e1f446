// Names each step with its elapsed time: live lines on a terminal, plain lines elsewhere.

/**
 * @typedef {object} Step
 * @property {(doing: string) => void} update what it is doing now
 * @property {(how?: string) => void} done
 * @property {(why?: string) => void} fail
 * @property {() => void} drop nothing to say about it
 *
 * @typedef {object} Progress
 * @property {(name: string, doing?: string) => Step} step
 * @property {(line: string) => void} say
 */

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
/** Without a terminal a long step says every so often that it lives. */
const reminderMs = 30_000;

/**
 * @param {{ stream?: NodeJS.WriteStream | { write(text: string): unknown, isTTY?: boolean, columns?: number },
 *   live?: boolean, now?: () => number }} [options]
 * @returns {Progress}
 */
export function createProgress({ stream = process.stderr, live, now = Date.now } = {}) {
  const isLive = live ?? (Boolean(stream.isTTY) && !process.env.CI);
  /** @type {{ name: string, doing: string, since: number, remindAt: number }[]} */
  const active = [];
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
    for (const step of active) {
      const line = `${frames[frame % frames.length]} ${step.name} … ${step.doing}${elapsed(now() - step.since, ", ")}`;
      stream.write(`${line.slice(0, width)}\n`);
    }
    drawn = active.length;
    frame += 1;
  };
  const tick = () => {
    if (isLive) return draw();
    for (const step of active) {
      if (now() < step.remindAt) continue;
      stream.write(`  ${step.name} … ${step.doing}${elapsed(now() - step.since, ", ")}\n`);
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
    step(name, doing = "") {
      const entry = { name, doing, since: now(), remindAt: now() + reminderMs };
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
          if (!isLive) stream.write(`  ${name} … ${next}\n`);
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
