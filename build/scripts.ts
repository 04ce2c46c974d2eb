/**
 * Turns a bundle's files, which are modules, into scripts: V8 takes a code cache for a script only.
 *
 * @module
 */
import { init, parse } from "es-module-lexer";
import { BuildError } from "./errors.ts";

/** Names that the scripts get from around them. */
const PARTS = "__charmlet_parts";
const IMPORT = "__charmlet_import";
const META = "__charmlet_meta";

/** A bundle as scripts. The value of each is a function of what all parts export, of `import()` and of `import.meta`. */
export interface Scripts {
  /** Modules of the runtime that are imported at the start, such as `node:path`. */
  readonly builtins: readonly string[];
  /**
   * By file name. That of the entry file holds all files that it imports by `import` statements, and runs them; those of
   * other files return what the file exports.
   */
  readonly texts: ReadonlyMap<string, string>;
  /** What each of the other files imports by `import` statements: runtime modules and files, in the order to run, itself last. */
  readonly needs: ReadonlyMap<string, readonly string[]>;
}

/**
 * Makes scripts of all files of a bundle. Each file becomes a function, so that names need not change.
 *
 * A variable that a file exports and changes later keeps, for the others, the value that it had when its file had run.
 *
 * @throws {BuildError} a statement that has no counterpart in a script, or that is not known
 */
export async function toScripts(files: ReadonlyMap<string, string>, entryFile: string): Promise<Scripts> {
  await init;
  const start = importsOf(files, entryFile);
  const atStart = new Set(start);
  const parts = start.filter((name) => files.has(name)).map((name) => {
    const isEntry = name === entryFile;
    const call = isEntry ? "await(async()=>{" : `${PARTS}[${JSON.stringify(name)}]=(()=>{`;
    return `${call}${bodyOf(name, files.get(name) ?? "", isEntry)}\n})();`;
  });
  const names = `${PARTS},${IMPORT},${META}`;
  const texts = new Map([[entryFile, [`(async(${names})=>{"use strict";`, ...parts, "})\n"].join("\n")]]);
  const needs = new Map<string, readonly string[]>();
  for (const [name, text] of [...files].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (atStart.has(name)) continue;
    texts.set(name, `((${names})=>{"use strict";\n${bodyOf(name, text, false)}\n})\n`);
    needs.set(name, importsOf(files, name).filter((need) => !atStart.has(need)));
  }
  return { builtins: start.filter((name) => !files.has(name)).sort(), texts, needs };
}

/** What a file imports by `import` statements, directly or not: each after what it imports itself, the file last. */
function importsOf(files: ReadonlyMap<string, string>, from: string): string[] {
  const order = new Set<string>();
  const open = new Set<string>();
  const visit = (name: string): void => {
    if (order.has(name)) return;
    if (open.has(name)) throw new BuildError(`cannot read the bundle: ${name} imports itself, by way of others`);
    open.add(name);
    for (const found of parse(files.get(name) ?? "")[0]) {
      if (found.type === "static") visit(fileOf(found.specifier));
    }
    order.add(name);
  };
  visit(from);
  return [...order];
}

/** The text of a file as the body of a function that returns what the file exports. */
function bodyOf(name: string, text: string, isEntry: boolean): string {
  const [imports, exports] = parse(text);
  let body = "";
  let at = 0;
  for (const found of imports) {
    body += text.slice(at, found.importStart);
    if (found.type === "import-meta" && isEntry) {
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
  if (exports.length > 0) return returning(name, body, isEntry);
  return isEntry ? body : `${body}\nreturn{};`;
}

/** Makes a return statement of the export statement, which the bundler writes last; only comments follow it. */
function returning(name: string, body: string, isEntry: boolean): string {
  const end = /export(?:\{([^{}]*)\}| default ([\w$]+\(\)));?((?:\s|\/\/[^\n]*|\/\*[^]*?\*\/)*)$/.exec(body);
  if (!end) throw new BuildError(`cannot read the bundle: ${name} has exports that are not at its end`);
  const [, names = "", standard, comments = ""] = end;
  const before = body.slice(0, end.index);
  if (isEntry) return `${before}${comments}`;
  if (standard !== undefined) return `${before}return{default:${standard}};${comments}`;
  const values = names.split(",").map((each) => {
    const [, local, exported = local] = /^\s*([\w$]+)(?:\s+as\s+([\w$]+))?\s*$/.exec(each) ?? [];
    if (local === undefined) throw new BuildError(`cannot read the bundle: ${name} exports in a way that is not known`);
    return `${exported}:${local}`;
  });
  return `${before}return{${values.join(",")}};${comments}`;
}

/** What stands for an import statement: variables of what is imported. */
function bindings(file: string, statement: string, specifier: string): string {
  const source = `${PARTS}[${JSON.stringify(fileOf(specifier))}]`;
  const [, names] = /^import\s*\{([^{}]*)\}\s*from\s*$/.exec(statement) ?? [];
  if (names !== undefined) return `const{${names.replaceAll(/\s+as\s+/g, ":")}}=${source}`;
  const [, standard] = /^import\s+([\w$]+)\s+from\s*$/.exec(statement) ?? [];
  if (standard !== undefined) return `const{default:${standard}}=${source}`;
  const [, first, others] = /^import\s+([\w$]+)\s*,\s*\{([^{}]*)\}\s*from\s*$/.exec(statement) ?? [];
  if (first !== undefined) return `const{default:${first},${others?.replaceAll(/\s+as\s+/g, ":")}}=${source}`;
  const [, all] = /^import\s*\*\s*as\s+([\w$]+)\s+from\s*$/.exec(statement) ?? [];
  if (all !== undefined) return `const ${all}=${source}`;
  if (/^import\s*$/.test(statement)) return "";
  throw new BuildError(`cannot read the bundle: ${file} imports in a way that is not known: ${statement}`);
}

function fileOf(specifier: string): string {
  return specifier.replace(/^\.\//, "");
}

/**
 * The program that loads the scripts: those of the start at once, the others when they are imported. It reads them from its
 * own executable, which it opens first, since a handler may have given up the permission to read by then.
 *
 * The pack of scripts ends where the program's data begin, whose length the last 8 bytes of the executable tell.
 *
 * @param entryFile its name
 * @param places what is where in the pack, by file name: where the code cache begins, its length, that of the text behind
 * @param size of the pack, in bytes
 */
export function loaderOf(
  { builtins, needs }: Scripts,
  entryFile: string,
  places: ReadonlyMap<string, readonly [number, number, number]>,
  size: number,
): string {
  const imports = builtins.map((specifier, index) => `import*as m${index} from${JSON.stringify(specifier)};`);
  const parts = builtins.map((specifier, index) => `${JSON.stringify(specifier)}:m${index}`);
  return `import{Script}from"node:vm";${imports.join("")}
const parts={${parts.join(",")}};
const needs={__proto__:null,...${JSON.stringify(Object.fromEntries(needs))}};
const places=${JSON.stringify(Object.fromEntries(places))};
const file=Deno.openSync("/proc/self/exe");
const read=(at,length)=>{
const bytes=new Uint8Array(length);
file.seekSync(at,0);
for(let done=0,more;done<length&&(more=file.readSync(bytes.subarray(done)));done+=more);
return bytes;
};
const end=file.seekSync(-8,2);
const start=end+8-Number(new DataView(read(end,8).buffer).getBigUint64(0,true))-${size};
const run=(name)=>{
const[begin,cache,text]=places[name];
const bytes=read(start+begin,cache+text);
const source=new TextDecoder().decode(bytes.subarray(cache));
const script=new Script(source,{filename:name,cachedData:bytes.subarray(0,cache)});
return script.runInThisContext()(parts,load,import.meta);
};
const load=async(specifier,options)=>{
const name=String(specifier).slice(2);
if(!needs[name])return import(specifier,options);
for(const part of needs[name])if(part.startsWith("node:"))parts[part]??=await import(part);
for(const part of needs[name])parts[part]??=run(part);
return parts[name];
};
await run(${JSON.stringify(entryFile)});
`;
}
