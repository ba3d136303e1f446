import { expect, test } from "vitest";
import { Secret } from "../../../src/plan/secret";
import { assembleSetupPlan } from "../../../src/plan/setup/plan";
import { setupRefusalText, setupText } from "../../../src/report/plan-text";
import { anEnvironment, aRepository, aSetup } from "../../support/setup";

const path = ".github/workflows/release.yml";

test("the plan as people read it: what is made, what was there, and no value of a secret", () => {
  const plan = assembleSetupPlan({
    config: aSetup({
      secrets: { TOKEN: new Secret("hush-hush") },
      environments: { prod: anEnvironment({ tags: ["v*"], secrets: { PASS: new Secret("quiet") } }) },
      files: [{ path, content: "name: release\n" }],
    }),
    live: aRepository({ secrets: ["TOKEN"], files: { [path]: "other" } }),
  });
  expect(setupText(plan)).toBe(
    [
      "Setup plan for octo/app, files on main (+ made, = adopted: there before, never deleted)",
      "  = secret TOKEN",
      "  + environment prod",
      "  + tag v* of environment prod",
      "  + secret PASS of environment prod",
      "  = file .github/workflows/release.yml  differs on GitHub, and is replaced",
      "",
    ].join("\n"),
  );
});

test("a setup that asks for nothing says so", () => {
  expect(setupText(assembleSetupPlan({ config: aSetup(), live: aRepository() }))).toContain(
    "nothing is configured",
  );
});

test("a refusal says why and what to do", () => {
  const plan = assembleSetupPlan({
    config: aSetup({ files: [{ path, content: "secrets.TOKEN" }] }),
    live: aRepository(),
  });
  expect(setupRefusalText(plan)).toBe(
    [
      "The setup is refused (1 reason); nothing was written:",
      `  github.secrets.TOKEN: is used by ${path}, and nothing provides it [github-secret-missing]`,
      "    Set it: pulumi config set --secret --path 'slipway:github.secrets.TOKEN'",
    ].join("\n"),
  );
});
