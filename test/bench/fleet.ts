import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { Project } from "../support/project";

const run = promisify(execFile);

/** What Slipway's own commands set for the engine that they start. */
const SELDOM = { PULUMI_EXPERIMENTAL: "true", PULUMI_SKIP_CHECKPOINTS: "true" };

const RULES = [
  "type=semver,pattern={{version}}",
  "type=semver,pattern={{major}}.{{minor}}",
  "type=semver,pattern={{major}}",
];
const PLATFORMS = ["linux/amd64", "linux/arm64"];

interface FleetOptions {
  /** `none`: content that a later version carries over. @default "release" */
  readonly labels?: "release" | "none";
  /** @default "octo" */
  readonly namespace?: string;
  /** Random bytes in each image. @default none */
  readonly megabytes?: number;
}

/**
 * Many small images, `FROM scratch` and 4 to 64 KB, for two platforms, with four tags each; released by Slipway and, from
 * the same files, by `docker buildx bake`.
 */
export class Fleet {
  readonly project: Project;
  readonly #names: readonly string[];
  readonly #options: FleetOptions;
  readonly #host: string;
  #bakes = 0;

  static async create(
    size: number,
    registries: readonly string[],
    options: FleetOptions = {},
  ): Promise<Fleet> {
    const names = Array.from({ length: size }, (_, at) => `app${at}`);
    const { labels = "release", namespace = "octo" } = options;
    const project = await Project.create({
      env: SELDOM,
      config: {
        registries: registries.map((host) => ({ host, namespace })),
        images: names.map((name) => ({ name, context: name, platforms: PLATFORMS, tags: RULES, labels })),
      },
    });
    mkdirSync(path.join(project.dir, "artifacts"), { recursive: true });
    return new Fleet(project, names, options, registries[0] ?? "");
  }

  private constructor(project: Project, names: readonly string[], options: FleetOptions, host: string) {
    this.project = project;
    this.#names = names;
    this.#options = options;
    this.#host = host;
  }

  /** New content for the images, all of them by default, and a commit with a tag. */
  async change(version: string, names: readonly string[] = this.#names): Promise<void> {
    const files = names.flatMap((name, at) => [
      [`${name}/Dockerfile`, "FROM scratch\nCOPY content* /\n"],
      [`${name}/content.txt`, contentOf(`${this.project.dir} ${name} ${version}`, 4096 + (at % 16) * 4096)],
    ]);
    await this.project.commit({ ".gitignore": "*.bin\n", ...Object.fromEntries(files) }, `v${version}`);
    const { megabytes } = this.#options;
    if (megabytes === undefined) return;
    for (const name of names) {
      const file = path.join(this.project.dir, name, "content.bin");
      rmSync(file, { force: true });
      for (let at = 0; at < megabytes; at += 20) appendFileSync(file, randomBytes(20_000_000));
    }
  }

  /** A version of what is there. */
  async tag(version: string): Promise<void> {
    await this.project.git("tag", `v${version}`);
  }

  /** A stack that promotes what this one released. */
  async promotion(stack: string, host: string): Promise<Project> {
    return this.project.stackBeside({
      stack,
      env: SELDOM,
      config: {
        registries: [{ host, namespace: "octo" }],
        images: this.#names.map((name) => ({ name, context: name, platforms: PLATFORMS, tags: RULES })),
        promote: { from: this.project.stack },
      },
    });
  }

  /** One after the other. */
  async eachImage(run: (image: string) => Promise<unknown>): Promise<void> {
    for (const name of this.#names) await run(name);
  }

  /** Every image's last release in each registry, with four tags of a peer's. */
  async eachTag(
    hosts: readonly string[],
    run: (reference: string, tag: string) => Promise<unknown>,
  ): Promise<void> {
    for (const host of hosts)
      for (const name of this.#names)
        for (const tag of ["peer-version", "peer-minor", "peer-major", "peer-latest"])
          await run(`${host}/octo/${name}:1.0.0`, tag);
  }

  async up(): Promise<void> {
    await this.project.upOk();
  }

  async preview(): Promise<void> {
    const { exitCode, text } = await this.project.preview();
    if (exitCode !== 0) throw new Error(text);
  }

  async plan(): Promise<void> {
    const { exitCode, text } = await this.project.slipway("plan", "--stack", this.project.stack);
    if (exitCode !== 0) throw new Error(text);
  }

  /** The same images by bake, with content of their own, so that neither finds what the other has built. */
  async bake(version: string): Promise<void> {
    await run("buildx", ["bake", "--file", this.#bakeFile(version), "--push", "--progress", "quiet"], {
      cwd: this.project.dir,
      env: this.project.env,
    });
  }

  #bakeFile(version: string): string {
    const [major, minor] = version.split(".");
    const tags = [version, `${major}.${minor}`, major, "latest"];
    const target = Object.fromEntries(
      this.#names.map((name) => [
        name,
        {
          context: name,
          "dockerfile-inline": `FROM scratch\nCOPY content.txt /peer.txt\n`,
          platforms: PLATFORMS,
          attest: ["type=provenance,mode=max"],
          tags: tags.map((tag) => `${this.#host}/bake/${name}:${tag}`),
          output: ["type=registry,registry.insecure=true"],
        },
      ]),
    );
    const file = path.join(this.project.dir, "artifacts", `bake-${this.#bakes++}.json`);
    writeFileSync(file, JSON.stringify({ group: { default: { targets: this.#names } }, target }));
    return file;
  }

  remove(): void {
    this.project.remove();
  }
}

/** Text of a size that no other seed gives. */
function contentOf(seed: string, size: number): string {
  let text = "";
  for (let at = 0; text.length < size; at += 1) text += `${seed} ${at}\n`;
  return text.slice(0, size);
}
