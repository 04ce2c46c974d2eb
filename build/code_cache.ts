/**
 * Makes what a program always loads one script with V8's code cache, so that a started executable need not compile it.
 *
 * Deno has a code cache of its own, in a file with a predictable name in /tmp: not for a program that root runs. This one
 * is part of the executable. V8 checks that it belongs to the text, to its version and to its flags; where it does not,
 * the text is compiled as ever.
 *
 * @module
 */
import { init, parse } from "es-module-lexer";
import { BUILD_TIME_MS } from "./bundle.ts";
import { BuildError } from "./errors.ts";

/** The script and its cache, beside the bundle's files. */
export const SCRIPT = "static.txt";
const CACHE = "static.cache";
/** Holds what the script's parts export, for the files that stay modules. */
const MODULES = "static.js";
const MAKER = "code_cache.js";

/** Names that the script's parts get from around them. */
const PARTS = "__charmlet_parts";
const IMPORT = "__charmlet_import";
const META = "__charmlet_meta";

/** Where V8 notes a hash of its flags, in the header of a code cache: the fourth of its 32-bit numbers. */
const FLAG_HASH = { begin: 12, end: 16 };

/** Compiles a program of a directory, together with files of it and with more V8 flags, to an executable. */
export type Compile = (
  entryFile: string,
  include: readonly string[],
  executable: string,
  v8Flags?: readonly string[],
) => Promise<void>;

/**
 * Turns the statically imported files of a bundle into a script with a code cache, in place.
 *
 * @param directory of the bundle
 * @param entryFile its name in `directory`; then loads the script
 * @param compile makes executables of the same runtime and V8 flags as the final one
 * @returns files of `directory` that must be included when the entry file is compiled
 * @throws {BuildError} the bundle is not of the form that is known, or V8 does not take the cache
 */
export async function addCodeCache(directory: string, entryFile: string, compile: Compile): Promise<string[]> {
  await init;
  const files = new Map<string, string>();
  for (const { name } of Deno.readDirSync(directory)) files.set(name, await Deno.readTextFile(`${directory}/${name}`));
  const { script, builtins, parts } = toScript(files, entryFile);
  const write = async (name: string, content: string | Uint8Array) => {
    await Deno.writeFile(
      `${directory}/${name}`,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
    );
    await Deno.utime(`${directory}/${name}`, BUILD_TIME_MS / 1000, BUILD_TIME_MS / 1000);
  };
  for (const name of parts) await write(name, exportsOf(name, files.get(name) ?? ""));
  await write(SCRIPT, script);
  await write(MODULES, modulesFile(builtins));
  await write(entryFile, loaderOf(entryFile));
  await write(CACHE, await makeCache(directory, entryFile, compile));
  const lazy = [...files.keys()].filter((name) => name !== entryFile).sort();
  return [SCRIPT, CACHE, ...lazy];
}

/** A bundle's static part as a script. */
interface StaticPart {
  readonly script: string;
  /** Modules of the runtime that it imports, such as `node:path`. */
  readonly builtins: readonly string[];
  /** Files that became part of the script, without the entry file. */
  readonly parts: readonly string[];
}

/**
 * Joins the files that the entry file imports by `import` statements into one function. Each file stays a function of
 * its own, so that names need not change.
 *
 * A variable that a file exports and changes later keeps, for the others, the value that it had when its file had run.
 *
 * @throws {BuildError} a statement that the bundler does not write
 */
export function toScript(files: ReadonlyMap<string, string>, entryFile: string): StaticPart {
  const order: string[] = [];
  const builtins = new Set<string>();
  const visit = (name: string): void => {
    if (order.includes(name)) return;
    for (const found of parse(files.get(name) ?? "")[0]) {
      if (found.type !== "static") continue;
      if (files.has(fileOf(found.specifier))) visit(fileOf(found.specifier));
      else builtins.add(found.specifier);
    }
    if (!order.includes(name)) order.push(name);
  };
  visit(entryFile);
  const parts = order.map((name) => {
    const isEntry = name === entryFile;
    const call = isEntry ? "await(async()=>{" : `${PARTS}[${JSON.stringify(name)}]=(()=>{`;
    return `${call}${bodyOf(name, files.get(name) ?? "", isEntry)}\n})();`;
  });
  const script = [`(async(${PARTS},${IMPORT},${META})=>{"use strict";`, ...parts, "})\n"].join("\n");
  return { script, builtins: [...builtins].sort(), parts: order.filter((name) => name !== entryFile) };
}

/** The text of a file as the body of a function that returns what the file exports. */
function bodyOf(name: string, text: string, isEntry: boolean): string {
  const [imports, exports] = parse(text);
  let body = "";
  let at = 0;
  for (const found of imports) {
    body += text.slice(at, found.importStart);
    if (found.type === "import-meta") {
      body += META;
      at = found.importEnd;
    } else if (found.type === "dynamic" && found.phase === null) {
      body += IMPORT;
      at = found.importStart + "import".length;
    } else if (found.type === "static" && found.phase === null) {
      body += bindings(name, text.slice(found.importStart, found.start - 1), found.specifier);
      at = found.importEnd;
    } else {
      throw new BuildError(`cannot read the bundle: ${name} has an import of a kind that is not known`);
    }
  }
  body += text.slice(at);
  if (exports.length === 0) return body;
  const end = /export\{[^{}]*\};?\s*$/.exec(body);
  if (!end) throw new BuildError(`cannot read the bundle: ${name} has exports that are not at its end`);
  body = body.slice(0, end.index);
  if (isEntry) return body;
  const named = exports.map((found) => {
    if (found.type !== "direct" || found.localName === undefined) {
      throw new BuildError(`cannot read the bundle: ${name} has an export of a kind that is not known`);
    }
    return `${JSON.stringify(found.name)}:${found.localName}`;
  });
  return `${body}return{${named.join(",")}}`;
}

/** What stands for an import statement: variables of what is imported. */
function bindings(file: string, statement: string, specifier: string): string {
  const source = `${PARTS}[${JSON.stringify(fileOf(specifier))}]`;
  const [, names] = /^import\s*\{([^{}]*)\}\s*from\s*$/.exec(statement) ?? [];
  if (names !== undefined) return `const{${names.replaceAll(/\s+as\s+/g, ":")}}=${source}`;
  const [, standard] = /^import\s+([\w$]+)\s+from\s*$/.exec(statement) ?? [];
  if (standard !== undefined) return `const{default:${standard}}=${source}`;
  const [, all] = /^import\s*\*\s*as\s+([\w$]+)\s+from\s*$/.exec(statement) ?? [];
  if (all !== undefined) return `const ${all}=${source}`;
  if (/^import\s*$/.test(statement)) return "";
  throw new BuildError(`cannot read the bundle: ${file} imports in a way that is not known: ${statement}`);
}

function fileOf(specifier: string): string {
  return specifier.replace(/^\.\//, "");
}

/** A module that stands for a part of the script, for the files that are loaded later. */
function exportsOf(name: string, text: string): string {
  const names = parse(text)[1].flatMap((found) => found.type === "direct" ? [found.name] : []);
  return `import{parts}from"./${MODULES}";export const{${names.join(",")}}=parts[${JSON.stringify(name)}];\n`;
}

function modulesFile(builtins: readonly string[]): string {
  const imports = builtins.map((specifier, index) => `import*as m${index} from${JSON.stringify(specifier)};`);
  const entries = builtins.map((specifier, index) => `${JSON.stringify(specifier)}:m${index}`);
  return `${imports.join("")}export const parts={${entries.join(",")}};\n`;
}

function loaderOf(entryFile: string): string {
  return `import{Script}from"node:vm";import{parts}from"./${MODULES}";
const read=(name)=>Deno.readFileSync(import.meta.dirname+"/"+name);
const text=new TextDecoder().decode(read(${JSON.stringify(SCRIPT)}));
const script=new Script(text,{filename:${JSON.stringify(entryFile)},cachedData:read(${JSON.stringify(CACHE)})});
await script.runInThisContext()(parts,(name,options)=>import(name,options),import.meta);
`;
}

/** Prints the cache of the script to a file; told a cache, says instead whether V8 takes it. */
function makerOf(entryFile: string): string {
  return `import{Script}from"node:vm";
const text=Deno.readTextFileSync(import.meta.dirname+${JSON.stringify(`/${SCRIPT}`)});
const [output,cache]=Deno.args;
const options={filename:${JSON.stringify(entryFile)}};
if(cache)options.cachedData=Deno.readFileSync(cache);
const script=new Script(text,options);
if(cache)Deno.exit(script.cachedDataRejected?1:0);
Deno.writeFileSync(output,script.createCachedData());
`;
}

/**
 * The code cache of every function in the script. V8 puts into a cache what it has compiled, which without the script
 * having run is nothing, unless it is told not to be lazy; the cache then says so in its header and would be refused. The
 * flag only says when functions are compiled, so the header gets the flags of a lazy V8.
 */
async function makeCache(directory: string, entryFile: string, compile: Compile): Promise<Uint8Array> {
  await Deno.writeTextFile(`${directory}/${MAKER}`, makerOf(entryFile));
  const path = (name: string) => `${directory}/code_cache.${name}`;
  const [maker, eagerMaker, output] = [path("lazy"), path("eager"), path("out")];
  await compile(MAKER, [SCRIPT], maker);
  await compile(MAKER, [SCRIPT], eagerMaker, ["--no-lazy"]);
  await runMaker(maker, [output]);
  const lazy = await Deno.readFile(output);
  await runMaker(eagerMaker, [output]);
  const cache = await Deno.readFile(output);
  cache.set(lazy.subarray(FLAG_HASH.begin, FLAG_HASH.end), FLAG_HASH.begin);
  await Deno.writeFile(output, cache);
  await runMaker(maker, ["", output]);
  for (const file of [maker, eagerMaker, output, `${directory}/${MAKER}`]) await Deno.remove(file);
  return cache;
}

async function runMaker(executable: string, args: readonly string[]): Promise<void> {
  const { success } = await new Deno.Command(executable, {
    args: [...args],
    clearEnv: true,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) throw new BuildError("V8 does not take the code cache that it made: see build/code_cache.ts");
}
