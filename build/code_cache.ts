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
import { extractDenort } from "./denort.ts";
import { BuildError } from "./errors.ts";
import { loaderOf, toScripts } from "./scripts.ts";

const MAKER = "code_cache.js";

/** Where V8 notes a hash of its flags, in the header of a code cache: the fourth of its 32-bit numbers. */
const FLAG_HASH = { begin: 12, end: 16 };

/** All scripts with their caches, one behind the other. */
export type Pack = Uint8Array<ArrayBuffer>;

/** Compiles a program of a directory, with more V8 flags, to an executable. */
export type Compile = (entryFile: string, executable: string, v8Flags?: readonly string[]) => Promise<void>;

/**
 * Turns a bundle's files into scripts with a code cache: the entry file then loads them from the pack of the executable.
 *
 * @param directory of the bundle
 * @param entryFile its name in `directory`
 * @param compile makes executables of the same runtime and V8 flags as the final one
 * @returns what {@linkcode insertPack} must put into the executable of the entry file
 * @throws {BuildError} the bundle is not of the form that is known, or V8 does not take the cache
 */
export async function addCodeCache(directory: string, entryFile: string, compile: Compile): Promise<Pack> {
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
  const loader = `${directory}/${entryFile}`;
  await Deno.writeTextFile(loader, loaderOf(scripts, entryFile, places, size));
  await Deno.utime(loader, BUILD_TIME_MS / 1000, BUILD_TIME_MS / 1000);
  return new Uint8Array(await new Blob(pieces).arrayBuffer());
}

/**
 * Puts the pack into an executable, between the runtime and the data that `deno compile` appended to it. The runtime finds
 * these from the file's end and reads them whole at each start; the pack it does not see, so a hook reads only the scripts
 * that it runs.
 *
 * @throws {BuildError} `deno compile` did not make the executable
 */
export async function insertPack(executable: string, pack: Pack): Promise<void> {
  const bytes = await Deno.readFile(executable);
  const runtime = extractDenort(bytes).length;
  await Deno.writeFile(executable, new Blob([bytes.subarray(0, runtime), pack, bytes.subarray(runtime)]).stream());
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
  await compile(MAKER, maker);
  await compile(MAKER, eagerMaker, ["--no-lazy"]);
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
