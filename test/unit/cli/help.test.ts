import { afterEach, expect, test, vi } from "vitest";
import { version } from "../../../package.json";
import { engineHint } from "../../../src/cli/engine/pulumi";
import { buildProgram, main } from "../../../src/cli/main";

afterEach(() => vi.restoreAllMocks());

const COMMANDS = buildProgram().commands.map((command) => command.name());

function outputOf(): () => string {
  let said = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  return () => said;
}

test.each([{ command: [] }, ...COMMANDS.map((name) => ({ command: [name] }))])(
  "slipway $command --help fits 80 columns",
  async ({ command }) => {
    const output = outputOf();
    expect(await main([...command, "--help"])).toBe(0);
    const said = output();
    // A longer word cannot be broken.
    const isLong = (line: string) => [...line].length > 80 && line.trim().includes(" ");
    expect(said.split("\n").filter(isLong)).toEqual([]);
    expect(said).toContain("Usage: slipway");
    expect(said.includes("Exit codes: ")).toBe(command.length > 0);
  },
);

test("slipway --version prints the package's; after a command it is the version to release", async () => {
  const output = outputOf();
  expect(await main(["--version"])).toBe(0);
  expect(output()).toBe(`${version}\n`);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
  // Read as the command's own flag: the folder is what is wrong.
  expect(await main(["plan", "--version", "v1.2.3", "-C", "/no/such/project"])).toBe(1);
  expect(output()).toBe(`${version}\n`);
});

test("for a stack that the backend does not have, the hint has the command that creates it", () => {
  expect(engineHint(6, { stack: "release", cwd: "." })).toMatch(
    /^ {2}npx --no slipway env --stack release -- pulumi stack init release$/m,
  );
  expect(engineHint(6, { stack: "release", cwd: "ship" })).toContain(
    "--stack release -C ship -- pulumi stack init release\n",
  );
  expect(engineHint(0, { stack: "release", cwd: "." })).toBeUndefined();
  expect(engineHint(1, { stack: "release", cwd: "." })).toBeUndefined();
});
