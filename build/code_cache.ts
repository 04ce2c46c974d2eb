/**
 * Makes scripts with V8's code cache of a program's files, so that a started executable need not compile them.
 *
 * Deno has a code cache of its own, in a file with a predictable name in /tmp: not for a program that root runs. This one
 * is part of the executable. V8 checks that it belongs to the text, to its version and to its flags; where it does not,
 * the text is compiled as ever.
 *
 * @module
 */
import { BUILD_TIME_MS } from "./bundle.ts";
import { BuildError } from "./errors.ts";
import { loaderOf, toScripts } from "./scripts.ts";

/** All scripts with their caches, beside the entry file. */
const PACK = "scripts.pack";
const MAKER = "code_cache.js";

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
 * Turns a bundle's files into scripts with a code cache, in place.
 *
 * @param directory of the bundle
 * @param entryFile its name in `directory`; then loads the scripts
 * @param compile makes executables of the same runtime and V8 flags as the final one
 * @returns files of `directory` that must be included when the entry file is compiled
 * @throws {BuildError} the bundle is not of the form that is known, or V8 does not take the cache
 */
export async function addCodeCache(directory: string, entryFile: string, compile: Compile): Promise<string[]> {
  const files = new Map<string, string>();
  for (const { name } of Deno.readDirSync(directory)) files.set(name, await Deno.readTextFile(`${directory}/${name}`));
  const scripts = await toScripts(files, entryFile);
  const caches = await makeCaches(scripts.texts, directory, compile);
  const places = new Map<string, readonly [number, number, number]>();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (const [name, text] of scripts.texts) {
    const [cache, source] = [caches.get(name) ?? new Uint8Array(), new TextEncoder().encode(text)];
    places.set(name, [size, cache.length, source.length]);
    pieces.push(cache, source);
    size += cache.length + source.length;
  }
  await write(`${directory}/${PACK}`, new Uint8Array(await new Blob(pieces).arrayBuffer()));
  await write(`${directory}/${entryFile}`, new TextEncoder().encode(loaderOf(scripts, entryFile, PACK, places)));
  return [PACK];
}

/**
 * Makes the code cache of every script of a directory, `NAME.cache` beside `NAME.txt`; told to check, ends with 1 when V8
 * does not take one that is there.
 */
const MAKER_TEXT = `import{Script}from"node:vm";
const[directory,check]=Deno.args;
const names=[...Deno.readDirSync(directory)].map(({name})=>name).filter((name)=>name.endsWith(".txt")).sort();
for(const filename of names.map((name)=>name.slice(0,-4))){
const text=Deno.readTextFileSync(directory+"/"+filename+".txt");
const path=directory+"/"+filename+".cache";
const script=new Script(text,{filename,...check&&{cachedData:Deno.readFileSync(path)}});
if(!check)Deno.writeFileSync(path,script.createCachedData());
else if(script.cachedDataRejected)Deno.exit(1);
}
`;

/**
 * The code caches of every function in the scripts. V8 puts into a cache what it has compiled, which without the script
 * having run is nothing, unless it is told not to be lazy; the cache then says so in its header and would be refused. The
 * flag only says when functions are compiled, so the header gets the flags of a lazy V8.
 */
async function makeCaches(
  texts: ReadonlyMap<string, string>,
  directory: string,
  compile: Compile,
): Promise<Map<string, Uint8Array<ArrayBuffer>>> {
  const scripts = `${directory}/code_cache`;
  const [maker, eagerMaker] = [`${directory}/code_cache.lazy`, `${directory}/code_cache.eager`];
  await Deno.mkdir(scripts);
  for (const [name, text] of texts) await Deno.writeTextFile(`${scripts}/${name}.txt`, text);
  await Deno.writeTextFile(`${directory}/${MAKER}`, MAKER_TEXT);
  await compile(MAKER, [], maker);
  await compile(MAKER, [], eagerMaker, ["--no-lazy"]);
  const readAll = async () => {
    const caches = new Map<string, Uint8Array<ArrayBuffer>>();
    for (const name of texts.keys()) caches.set(name, await Deno.readFile(`${scripts}/${name}.cache`));
    return caches;
  };
  await runMaker(maker, [scripts]);
  const lazy = await readAll();
  await runMaker(eagerMaker, [scripts]);
  const caches = await readAll();
  for (const [name, cache] of caches) {
    cache.set(lazy.get(name)?.subarray(FLAG_HASH.begin, FLAG_HASH.end) ?? [], FLAG_HASH.begin);
    await Deno.writeFile(`${scripts}/${name}.cache`, cache);
  }
  await runMaker(maker, [scripts, "check"]);
  for (const made of [maker, eagerMaker, scripts, `${directory}/${MAKER}`]) {
    await Deno.remove(made, { recursive: true });
  }
  return caches;
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

async function write(path: string, content: Uint8Array): Promise<void> {
  await Deno.writeFile(path, content);
  await Deno.utime(path, BUILD_TIME_MS / 1000, BUILD_TIME_MS / 1000);
}
