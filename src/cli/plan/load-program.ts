import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type ts from "typescript";

const ENTRIES = ["index.ts", "index.js", "index.mjs", "index.cjs"];

/**
 * Loads a project's program as Pulumi does: `main` of Pulumi.yaml, else of package.json, else `index`. TypeScript is
 * compiled by the project's own compiler, without type checks.
 */
export async function loadProgram(projectDir: string, main: string | undefined): Promise<unknown> {
  const file = entryFile(projectDir, main);
  const ownRequire = createRequire(file);
  const forget = compileTypeScript(projectDir, ownRequire);
  try {
    // `require` cannot load ES modules.
    return file.endsWith(".mjs") ? await import(pathToFileURL(file).href) : ownRequire(file);
  } finally {
    forget();
    // The code has to run again for the next stack of the same project.
    for (const loaded of Object.keys(ownRequire.cache)) {
      if (loaded.startsWith(projectDir + path.sep) && !loaded.includes(`${path.sep}node_modules${path.sep}`))
        delete ownRequire.cache[loaded];
    }
  }
}

function entryFile(projectDir: string, main: string | undefined): string {
  const named = main ?? packageMain(projectDir) ?? ".";
  const at = path.resolve(projectDir, named);
  const candidates = [at, `${at}.ts`, `${at}.js`, ...ENTRIES.map((entry) => path.join(at, entry))];
  const found = candidates.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  if (found !== undefined) return found;
  throw new Error(`${projectDir} has no program: there is no ${named === "." ? "index.ts" : named}`);
}

function packageMain(projectDir: string): string | undefined {
  const file = path.join(projectDir, "package.json");
  if (!existsSync(file)) return undefined;
  const { main } = JSON.parse(readFileSync(file, "utf8"));
  return typeof main === "string" && existsSync(path.resolve(projectDir, main)) ? main : undefined;
}

/** Lets `require` load TypeScript, which Node 20 cannot do itself. @returns a function that undoes it */
function compileTypeScript(projectDir: string, ownRequire: NodeJS.Require): () => void {
  const before = ownRequire.extensions[".ts"];
  let compiler: typeof ts | undefined;
  ownRequire.extensions[".ts"] = (module, file) => {
    compiler ??= projectCompiler(projectDir, ownRequire);
    const { outputText } = compiler.transpileModule(readFileSync(file, "utf8"), {
      fileName: file,
      compilerOptions: {
        ...compilerOptions(compiler, projectDir),
        module: compiler.ModuleKind.CommonJS,
        moduleResolution: compiler.ModuleResolutionKind.Node10,
        inlineSourceMap: true,
        sourceMap: false,
      },
    });
    Reflect.get(module, "_compile").call(module, outputText, file);
  };
  return () => {
    if (before === undefined) delete ownRequire.extensions[".ts"];
    else ownRequire.extensions[".ts"] = before;
  };
}

function projectCompiler(projectDir: string, ownRequire: NodeJS.Require): typeof ts {
  try {
    return ownRequire("typescript");
  } catch {
    throw new Error(`${projectDir} has no TypeScript compiler. Run: npm install --save-dev typescript`);
  }
}

function compilerOptions(compiler: typeof ts, projectDir: string): ts.CompilerOptions {
  const file = path.join(projectDir, "tsconfig.json");
  if (!existsSync(file)) return { esModuleInterop: true };
  const { config } = compiler.readConfigFile(file, compiler.sys.readFile);
  return compiler.parseJsonConfigFileContent({ ...config, files: [] }, compiler.sys, projectDir).options;
}
