import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { Canaries, type Sighting } from "./canaries";

/** A place where a canary was seen. */
export type Leak = Sighting & { readonly where: string };

const GZIP = Buffer.from([0x1f, 0x8b]);
/** An engine's own plugins, a checkout's packages: what was there before. */
const SKIPPED = ["plugins", "node_modules"];

/**
 * The surroundings in which canaries are let loose: temporary folder, engine's home and programs of their own, so that
 * everything that is written or started can be looked at.
 */
export class Scene {
  readonly canaries = new Canaries();
  /** Everything is below it; looked at by `leaks`, but for `outside`. */
  readonly dir = mkdtempSync(path.join(tmpdir(), "canary-"));
  /** May hold secrets: a Docker configuration, spies' reports. */
  readonly outside = mkdtempSync(path.join(tmpdir(), "canary-outside-"));
  readonly #leaks = new Map<string, Leak>();
  #looked = 0;
  readonly #watch: NodeJS.Timeout;
  readonly #known = new Map<string, number>();

  constructor() {
    for (const name of ["tmp", "home", "logs"]) mkdirSync(path.join(this.dir, name));
    for (const name of ["bin", "docker", "seen"]) mkdirSync(path.join(this.outside, name));
    const plugins = path.join(process.env.PULUMI_HOME ?? "", "plugins");
    symlinkSync(plugins, path.join(this.dir, "home", "plugins"));
    this.#spy("git");
    this.#watch = setInterval(() => this.#lookAtProcesses(), 20);
  }

  /** For every command: its own temporary folder and engine's home, spies first on the PATH. */
  get env(): Record<string, string> {
    return {
      PATH: `${path.join(this.outside, "bin")}${path.delimiter}${process.env.PATH}`,
      TMPDIR: path.join(this.dir, "tmp"),
      PULUMI_HOME: path.join(this.dir, "home"),
      DOCKER_CONFIG: path.join(this.outside, "docker"),
    };
  }

  /** Docker's configuration has this for some hosts, by a credential helper. */
  dockerHelper(hosts: readonly string[], username: string, secret: string): void {
    const answer = path.join(this.outside, "answer.json");
    writeFileSync(answer, JSON.stringify({ ServerURL: "any", Username: username, Secret: secret }));
    const helper = path.join(this.outside, "bin", "docker-credential-canary");
    const seen = path.join(this.outside, "seen", "helper");
    writeFileSync(
      helper,
      `#!/bin/sh\necho "$*" >> '${seen}-arguments'\ncat >> '${seen}-input'\ncat '${answer}'\n`,
    );
    chmodSync(helper, 0o755);
    const config = { credHelpers: Object.fromEntries(hosts.map((host) => [host, "canary"])) };
    writeFileSync(path.join(this.outside, "docker", "config.json"), JSON.stringify(config));
  }

  /** A text that others can read. */
  look(where: string, text: string): void {
    this.#looked += 1;
    for (const sighting of this.canaries.findIn(text)) {
      this.#leaks.set(`${where} ${sighting.canary} ${sighting.form}`, { where, ...sighting });
    }
  }

  /** Every file below a folder; compressed ones as what they hold, too. */
  lookBelow(what: string, folder: string): void {
    for (const file of filesBelow(folder)) {
      const where = `${what}: ${path.relative(folder, file)}`;
      const bytes = readFileSync(file);
      this.look(where, `${file}\n${bytes.toString("latin1")}`);
      if (bytes.subarray(0, 2).equals(GZIP)) this.look(where, gunzipSync(bytes).toString("latin1"));
    }
  }

  /** What the spies and the watch have seen: arguments of every process, environments of those that need no secret. */
  lookAtPrograms(): readonly string[] {
    const seen = path.join(this.outside, "seen");
    for (const name of readdirSync(seen))
      this.look(`program ${name}`, readFileSync(path.join(seen, name), "latin1"));
    return readdirSync(seen);
  }

  /** All leaks so far, and how many texts were looked at. */
  get found(): { readonly leaks: readonly Leak[]; readonly looked: number; readonly processes: number } {
    return { leaks: [...this.#leaks.values()], looked: this.#looked, processes: this.#known.size };
  }

  remove(): void {
    clearInterval(this.#watch);
    for (const folder of [this.dir, this.outside]) rmSync(folder, { recursive: true, force: true });
  }

  /** A program of the same name that tells arguments and environment before the real one runs: it is too quick to watch. */
  #spy(name: string): void {
    const seen = path.join(this.outside, "seen", name);
    const file = path.join(this.outside, "bin", name);
    const bin = path.dirname(file);
    writeFileSync(
      file,
      `#!/bin/sh\necho "$*" >> '${seen}-arguments'\n` +
        // Buildx asks git too, with the environment of docker-build's provider; this one is set by src/inputs/commands.ts.
        `[ "$GIT_NO_LAZY_FETCH" != 1 ] || env >> '${seen}-environment'\n` +
        `PATH=$(echo "$PATH" | sed 's|${bin}:||') exec ${name} "$@"\n`,
    );
    chmodSync(file, 0o755);
  }

  /** Arguments of every process are for everybody on a machine. */
  #lookAtProcesses(): void {
    if (!existsSync("/proc")) return;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const times = this.#known.get(pid) ?? 0;
      // A process shows the arguments of what it is first, and soon those of what it becomes.
      if (times > 4) continue;
      this.#known.set(pid, times + 1);
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
        if (line !== "") this.look(`process ${path.basename(line.split(" ")[0] ?? "")}`, line);
      } catch {
        // It is gone.
      }
    }
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.includes(entry.name) ? [] : filesBelow(file);
    return entry.isFile() ? [file] : [];
  });
}
