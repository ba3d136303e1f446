import { describe, expect, test } from "vitest";
import { MINIMAL, problemLines, read } from "./read-config";

const withImage = (description: unknown) => ({
  written: { ...MINIMAL, images: [{ name: "app", description }] },
});
const withRegistry = (settings: object) => ({
  written: { ...MINIMAL, registries: [{ host: "docker.io", namespace: "octo", ...settings }] },
});
const hubOf = (settings: object) => read(withRegistry(settings)).registries[0]?.hub;

describe("where descriptions go", () => {
  test.each([
    [{}, "https://hub.docker.com"],
    [{ host: "index.docker.io" }, "https://hub.docker.com"],
    [{ host: "ghcr.io" }, undefined],
    [{ hub: "https://hub.example.com/" }, "https://hub.example.com"],
    [{ host: "localhost:5000", hub: "http://127.0.0.1:8080" }, "http://127.0.0.1:8080"],
  ])("%o: %s", (settings, expected) => {
    expect(hubOf(settings)).toBe(expected);
  });

  test.each([
    ["hub.docker.com", "is not a server's address, such as https://hub.docker.com"],
    ["ftp://hub.docker.com", "is not a server's address, such as https://hub.docker.com"],
    ["http://hub.example.com", "is not https; plain http is allowed only on this machine"],
    ["https://hub.example.com/v2", "has more than a server's address: leave the path out"],
    ["https://hub.example.com?x=1", "has more than a server's address: leave the path out"],
  ])("%s is refused", (hub, message) => {
    expect(problemLines(withRegistry({ hub }))).toEqual([
      `registries[0].hub: ${JSON.stringify(hub)} ${message} [config-value]`,
    ]);
  });

  test("an address with a password is refused", () => {
    expect(problemLines(withRegistry({ hub: "https://octo:planted@hub.example.com" }))).toEqual([
      "registries[0].hub: contains credentials; take them out [config-value]",
    ]);
  });
});

describe("an image's description", () => {
  test("applies to every variant, with the place where it is written", () => {
    const config = read({
      written: {
        ...MINIMAL,
        images: [{ name: "app", description: { file: "HUB.md", short: "An app" } }],
        variants: [{ suffix: "" }, { suffix: "-slim" }],
        base: { include: ["rootfs/**"] },
      },
    });
    expect(config.images.map(({ name, at, description }) => [name, at, description])).toEqual([
      ["app-base", "base", undefined],
      ["app", "images[0]", { file: "HUB.md", short: "An app" }],
      ["app-slim", "images[0]", { file: "HUB.md", short: "An app" }],
    ]);
  });

  test.each([
    [
      { file: "../HUB.md" },
      'images[0].description.file: "../HUB.md" leads out of the project [config-value]',
    ],
    [{ file: "/HUB.md" }, "is an absolute path; it has to be relative"],
    [{ short: "x" }, "images[0].description.file: is required"],
    [{ file: "HUB.md", shrot: "x" }, "did you mean `short`?"],
    [{ file: "HUB.md", short: "ü".repeat(101) }, "has 101 characters, and Docker Hub takes 100 at most"],
    [{ file: "HUB.md", short: "two\nlines" }, "is not one line of text"],
    ["HUB.md", '"HUB.md" is not a description: { file: DOCKER_HUB.md, short: "…" }'],
  ])("%o is refused", (description, message) => {
    const lines = problemLines(withImage(description));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(message);
  });

  test("may have 100 characters, whatever their bytes", () => {
    const short = "ü".repeat(100);
    expect(read(withImage({ file: "HUB.md", short })).images[0]?.description?.short).toBe(short);
  });

  test("is refused if another image describes the same repository", () => {
    const description = { file: "HUB.md" };
    const images = [
      { name: "app", description },
      { name: "other", repository: "app", description },
    ];
    expect(problemLines({ written: { ...MINIMAL, images } })).toEqual([
      "images[1].description: images[0].description describes the repository app already [config-duplicate]",
    ]);
  });
});
