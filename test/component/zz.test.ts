import { test } from "vitest";
import { ImageRelease } from "../../components";
import { planOf, registryState } from "../support/plan-state";
import { record } from "./record";

test("x", async () => {
  const plan = planOf(registryState());
  const r = await record(() => {
    new ImageRelease("app", {
      plan: plan.images[0]!,
      revision: plan.revision,
      builder: {},
      plainHttpHosts: ["localhost:5000"],
      credentials: [],
    });
  });
  console.log(JSON.stringify(r.resources, null, 1), [...r.outputs]);
});
