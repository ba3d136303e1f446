import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { planStack } from "../../src/cli/plan/plan-stack";
import { carryOutWithoutEngine } from "../../src/cli/publish/carry-out";
import type { Digest } from "../../src/plan/digest";
import type { ReleaseManifest } from "../../src/plan/manifest";
import type { PlannedImage, ReleasePlan } from "../../src/plan/release-plan";
import { copyContent } from "../../src/registry/copy";
import { NO_LOG } from "../../src/release/operation";
import { providerConfig } from "../../src/release/provider-config";
import { Registries } from "../../src/release/registries";
import { Signing } from "../../src/release/signing";
import { refusalText } from "../../src/report/plan-text";
import { cosign } from "./cosign";
import { Pusher } from "./pusher";
import { SETTINGS_PROGRAM } from "./settings-program";
import { type KeyPair, newKeyPair } from "./signed-image";

export interface Released {
  readonly manifest: ReleaseManifest;
  /** Of the first image. */
  readonly digest: Digest;
  readonly plan: ReleasePlan;
  /** Images that were built. */
  readonly built: readonly string[];
}

export interface ReleaseOptions {
  /** What the stack's state knows. @default nothing, as on another machine */
  readonly previous?: ReleaseManifest;
  /** What happens between the plan and the first write. */
  readonly afterPlan?: () => Promise<void>;
  /** What happens while an image is built. */
  readonly whileBuilding?: () => Promise<void>;
}

type Settings = Readonly<Record<string, unknown>>;

/**
 * A repository that is released by the real plan and the real operations, against real registries, signed with a key;
 * only the engine and BuildKit are left out, so that a release takes a fraction of a second.
 */
export class SignedWorld {
  keys: KeyPair = newKeyPair();
  readonly dir = mkdtempSync(path.join(tmpdir(), "slipway-world-"));

  constructor() {
    this.git("init", "--quiet", "--initial-branch=main");
    this.git("config", "user.name", "Test");
    this.git("config", "user.email", "test@example.com");
    this.write({
      "cosign.pub": this.keys.publicPem,
      ".git/info/exclude": "Pulumi*\nartifacts\n",
      "Pulumi.yaml": "name: app\nruntime: nodejs\n",
      "index.js": SETTINGS_PROGRAM,
    });
  }

  git(...args: readonly string[]): string {
    return execFileSync("git", args, { cwd: this.dir, env: { PATH: process.env.PATH } })
      .toString()
      .trim();
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(this.dir, name)), { recursive: true });
      writeFileSync(path.join(this.dir, name), text);
    }
  }

  /** A commit with this content of the image, and its tag. @returns the commit */
  commit(tag: string, content = tag): string {
    this.write({ "app/Dockerfile": "FROM scratch\nCOPY file /file\n", "app/file": content });
    this.git("add", "--all");
    this.git("commit", "--quiet", "--allow-empty", "--message", tag);
    this.git("tag", tag);
    return this.git("rev-parse", "HEAD");
  }

  configure(stack: string, settings: Settings): void {
    const config = Object.fromEntries(
      Object.entries(settings).map(([key, value]) => [`slipway:${key}`, value]),
    );
    this.write({ [`Pulumi.${stack}.yaml`]: stringify({ config }) });
  }

  async plan(stack = "stage", previous?: ReleaseManifest) {
    const [planned] = await planStack({
      stack,
      cwd: this.dir,
      env: this.#env,
      previous: async () => previous,
    });
    if (planned === undefined) throw new Error("nothing was planned");
    return planned;
  }

  /** @throws Error with every refusal */
  async release(stack = "stage", options: ReleaseOptions = {}): Promise<Released> {
    const { config, plan } = await this.plan(stack, options.previous);
    if (plan.refusals.length > 0) throw new Error(refusalText(plan));
    await options.afterPlan?.();
    const { signing, ...connections } = providerConfig(config);
    const built: string[] = [];
    const manifest = await carryOutWithoutEngine({
      plan,
      config,
      context: {
        registries: new Registries(connections, this.#env),
        signing: new Signing(signing, this.#env),
        log: NO_LOG,
      },
      build: async (image) => {
        built.push(image.name);
        await options.whileBuilding?.();
        return this.#build(image);
      },
      say: () => {},
    });
    const [first] = manifest.images;
    if (first === undefined) throw new Error("nothing was released");
    return { manifest, digest: first.digest, plan, built };
  }

  /** By cosign, with the project's public key: the predicate types that are signed about a digest. */
  async signed(reference: string): Promise<string[]> {
    const who = ["--key", path.join(this.dir, "cosign.pub"), "--insecure-ignore-tlog=true"];
    const types = ["https://slipway.dev/claim/v1", "https://slipway.dev/release/v1"];
    const [image, ...attested] = await Promise.all([
      cosign(["verify", ...who, reference]),
      ...types.map((type) => cosign(["verify-attestation", "--type", type, ...who, reference])),
    ]);
    return [
      ...(image.exitCode === 0 ? ["signature"] : []),
      ...types.filter((_, index) => attested[index]?.exitCode === 0),
    ];
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true });
  }

  get #env() {
    return {
      PATH: process.env.PATH,
      COSIGN_PRIVATE_KEY: this.keys.privatePem,
      SLIPWAY_SBOM_GENERATOR: "false",
    };
  }

  /** In place of BuildKit: an index with the annotations of the plan, the same in every repository. */
  async #build({ intent, repositories }: PlannedImage): Promise<Digest> {
    const [first, ...others] = repositories.map((repository) => {
      const slash = repository.indexOf("/");
      return new Pusher(repository.slice(0, slash), repository.slice(slash + 1), this.keys);
    });
    if (first === undefined) throw new Error("no repository");
    const digest = await first.push({ annotations: intent.annotations, labels: intent.labels });
    for (const { client, path: to } of others) {
      const from = { client: first.client, repository: first.path };
      await copyContent({ from, to: { client, repository: to }, digest });
    }
    return digest;
  }
}
