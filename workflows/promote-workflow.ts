import { furtherSecrets } from "./credentials";
import type { Input, Job, Workflow } from "./model";
import { expression } from "./model";
import { keepManifest, runProgram, writingJob } from "./release-job";
import { type HostedStack, madeFrom, waiting } from "./stack";
import { checkOut, installPackages, setUpNode, setUpPulumi } from "./steps";
import { stem } from "./words";

const VERSION: Input = {
  description: "The released version to promote. Default: the one that the stack's file names",
  type: "string",
  required: false,
};

/** A workflow that promotes by hand. */
export function promoteWorkflow(stack: HostedStack): Workflow {
  const { stack: name, workflows, config } = stack;
  const settings = workflows.promote ?? { follow: true };
  const byStatement = config.promote?.source.kind === "statement";
  const file = settings.file ?? `promote-${name}.yml`;
  return {
    file,
    comment: madeFrom([stack]),
    name: settings.name ?? `Promote to ${name}`,
    on: { dispatch: byStatement ? { version: VERSION } : {} },
    concurrency: {
      comment: ["Each run has a group of its own: none that waits for approval is dropped by the next."],
      group: `${stem(file)}-${expression(byStatement ? "inputs.version || github.run_id" : "github.run_id")}`,
      cancelInProgress: false,
      ...waiting(stack),
    },
    jobs: { promote: promoteJob(stack, []) },
  };
}

/**
 * Takes what was released over by digest, when the environment's reviewers have approved. Nothing is built. What
 * another stack released is in the engine's state, so that a throwaway one will not do.
 */
export function promoteJob(stack: HostedStack, needs: readonly string[]): Job {
  const { workflows, config } = stack;
  const byStatement = config.promote?.source.kind === "statement";
  const state = byStatement ? "throwaway" : "kept";
  const program = runProgram(stack, "Promote", state, {});
  const versioned = byStatement && needs.length === 0;
  const choose =
    'if [ -n "$VERSION" ]; then pulumi config set --path slipway:promote.statement "$VERSION"; fi';
  return {
    name: `Promote to ${stack.stack}`,
    ...(needs.length === 0 ? {} : { needs }),
    ...writingJob(stack),
    steps: [
      checkOut(),
      setUpNode(stack),
      setUpPulumi(),
      installPackages(stack),
      {
        ...program,
        ...(state === "kept"
          ? { comment: ["What the other stack released is in the state that PULUMI_BACKEND_URL names."] }
          : {}),
        run: versioned ? [...program.run.slice(0, -1), choose, ...program.run.slice(-1)] : program.run,
        env: {
          ...(versioned ? { VERSION: expression("inputs.version") } : {}),
          ...program.env,
          ...furtherSecrets(stack),
        },
      },
      ...keepManifest({ ...stack, workflows: { ...workflows, attest: false } }),
    ],
  };
}
