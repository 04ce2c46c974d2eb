/**
 * Bundles a program into a directory of script files that depends on nothing but the sources: no path of this machine,
 * no time, no name that follows from either.
 *
 * @module
 */
import { basename, dirname, extname, relative } from "node:path";
import { BuildError } from "./errors.ts";
import { projectDir } from "./project.ts";
import { chooseRegistry, denoFlags } from "./registry.ts";

/** Time stamp of everything that is built, in milliseconds: what file systems and zip archives can both hold. */
export const BUILD_TIME_MS = Date.UTC(2020, 0, 1);

/**
 * Bundles with code splitting: what the program imports dynamically stays in files of its own, unread until imported.
 *
 * @param entry absolute path of the program
 * @param directory where the files go; is created
 * @param leftOut what npm packages import and never use, as they write it; `*` stands for anything
 * @returns name of the entry file in `directory`
 * @throws {BuildError} the bundler refuses the program
 */
export async function bundle(entry: string, directory: string, leftOut: readonly string[] = []): Promise<string> {
  const { registry } = await chooseRegistry();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform=deno",
      // Starting is most of what a hook costs, and V8 reads shorter text sooner.
      "--minify",
      "--code-splitting",
      ...leftOut.map((name) => `--external=${name}`),
      `--outdir=${directory}`,
      ...denoFlags(registry),
      entry,
    ],
    cwd: projectDir,
    stdin: "null",
    stdout: "null",
    env: { NO_COLOR: "1" },
  }).output();
  if (!success) throw new BuildError(`cannot bundle ${entry}: ${errorText(stderr)}`);
  const files = new Map<string, string>();
  const strip = pathStripper(entry, await npmCacheDirectory());
  for (const { name } of Deno.readDirSync(directory)) {
    files.set(name, requireBuiltins(strip(await Deno.readTextFile(`${directory}/${name}`))));
    await Deno.remove(`${directory}/${name}`);
  }
  const entryFile = `${basename(entry, extname(entry))}.js`;
  if (!files.has(entryFile)) throw new BuildError(`cannot bundle ${entry}: the bundler wrote no entry file`);
  for (const [name, text] of renameChunks(files, entryFile)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
    await Deno.utime(`${directory}/${name}`, BUILD_TIME_MS / 1000, BUILD_TIME_MS / 1000);
  }
  return entryFile;
}

/**
 * Lets CommonJS packages such as mysql2 `require` the runtime's own modules: the bundler's stand-in for `require` only
 * throws.
 *
 * @throws {BuildError} the stand-in is not the one that is known
 */
export function requireBuiltins(text: string): string {
  const refusal = /throw Error\('Dynamic require of "'\+([\w$]+)\+'" is not supported'\)/g;
  const changed = text.replaceAll(refusal, (throwing, name) => {
    return `var builtin=globalThis.process.getBuiltinModule(${name});if(builtin)return builtin;${throwing}`;
  });
  if (changed === text && text.includes("Dynamic require of")) {
    throw new BuildError(
      "the bundler writes require in a way that is not known: see requireBuiltins in build/bundle.ts",
    );
  }
  return changed;
}

/** What Deno printed on stderr, without the backtrace that it may append. */
export function errorText(stderr: Uint8Array): string {
  return new TextDecoder().decode(stderr).replace(/\s*Stack backtrace:.*$/s, "").replace(/^error: /, "").trim();
}

/**
 * Gives the files numbers in the order in which the entry file reaches them, instead of hashes over machine paths.
 *
 * @param files texts by file name
 * @param entryFile keeps its name
 */
export function renameChunks(files: ReadonlyMap<string, string>, entryFile: string): Map<string, string> {
  const names = new Map([[entryFile, entryFile]]);
  for (const name of names.keys()) {
    for (const [, chunk = ""] of files.get(name)?.matchAll(/"\.\/([^"/]+\.js)"/g) ?? []) {
      if (files.has(chunk) && !names.has(chunk)) names.set(chunk, `chunk${names.size}.js`);
    }
  }
  return new Map(
    [...names].map(([name, newName]) => [
      newName,
      files.get(name)?.replaceAll(/"\.\/([^"/]+\.js)"/g, (match, chunk) => {
        const renamed = names.get(chunk);
        return renamed ? `"./${renamed}"` : match;
      }) ?? "",
    ]),
  );
}

/**
 * Makes a function that takes the paths of this machine out of a bundle's comments and module names.
 *
 * @param entry absolute path of the program
 * @param npmCache Deno's directory of npm packages
 */
export function pathStripper(entry: string, npmCache: string): (text: string) => string {
  const escape = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const packages = new RegExp(
    `${escape(relative(projectDir, npmCache))}/[^\\s"]*?/((?:@[^/\\s"]+/)?[^/\\s"]+/\\d+\\.\\d+[^/\\s"]*/)`,
    "g",
  );
  const entryDirectory = relative(projectDir, dirname(entry));
  return (text) => {
    const stripped = text.replaceAll(packages, "npm/$1");
    return entryDirectory.startsWith("..") ? stripped.replaceAll(`${entryDirectory}/`, "") : stripped;
  };
}

async function npmCacheDirectory(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json", "--no-config"], stdin: "null" })
    .output();
  const info: unknown = JSON.parse(new TextDecoder().decode(stdout));
  if (typeof info === "object" && info !== null && "npmCache" in info && typeof info.npmCache === "string") {
    return info.npmCache;
  }
  throw new BuildError("deno info does not tell where npm packages are: use the Deno version of build/deno");
}
