import { afterEach, expect, test, vi } from "vitest";
import { buildProgram, main } from "../../cli/main";

afterEach(() => vi.restoreAllMocks());

const COMMANDS = buildProgram().commands.map((command) => command.name());

test.each([{ command: [] }, ...COMMANDS.map((name) => ({ command: [name] }))])(
  "slipway $command --help fits 80 columns",
  async ({ command }) => {
    let said = "";
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
    expect(await main([...command, "--help"])).toBe(0);
    // A word that is longer is nobody's to break.
    const isLong = (line: string) => [...line].length > 80 && line.trim().includes(" ");
    expect(said.split("\n").filter(isLong)).toEqual([]);
    expect(said).toContain("Usage: slipway");
  },
);
