import { expect, test } from "vitest";
import { ImagePromotion, ImageRelease } from "../../components/image-release";
import type { ExistingContent } from "../../src/plan/existing-release";
import { record } from "../../src/testing/record";
import { aPlannedImage, DIGEST } from "../support/planned";

const PROMOTED: ExistingContent = {
  from: "promotion",
  digest: DIGEST,
  source: "localhost:5000/octo/app",
  of: "the stack stage",
};
const BACK: ExistingContent = {
  from: "rollback",
  digest: DIGEST,
  source: "ghcr.io/octo/app",
  tag: "1.2.2",
};

test.each([PROMOTED, BACK])(
  "$from: one whole copy to every registry, no build and no tag",
  async (content) => {
    const { resources, outputs } = await record(() => {
      new ImagePromotion("app", aPlannedImage({ content }));
    });
    expect(resources).toMatchObject([
      {
        type: "slipway:index:Promotion",
        name: "app",
        inputs: { image: "app", version: "1.2.3", origin: content.from, signed: "none" },
      },
      {
        type: "slipway-registry:index:ImageCopy",
        name: "app-copy",
        parent: "app",
        dependencies: [],
        retainOnDelete: true,
        inputs: {
          image: "app",
          source: content.source,
          digest: DIGEST,
          repositories: ["ghcr.io/octo/app", "docker.io/octo/app"],
          platforms: ["linux/amd64", "linux/arm64"],
        },
      },
    ]);
    expect(outputs.get("app")).toEqual({ digest: DIGEST });
  },
);

test("ImagePromotion refuses content that is not built yet, and ImageRelease refuses promoted content", async () => {
  await record(() => {
    expect(() => new ImagePromotion("app", aPlannedImage())).toThrow(
      'Promotion: the content of "app" is not there yet (build)',
    );
  });
  const plan = aPlannedImage({ content: PROMOTED });
  const args = { plan, builder: {}, plainHttpHosts: [], credentials: [] };
  await record(() => {
    expect(() => new ImageRelease("app", args)).toThrow('the content of "app" is promoted');
  });
});
