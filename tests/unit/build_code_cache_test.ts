/** A bundle's files as scripts with V8's code cache. */
import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Script } from "node:vm";
import { addCodeCache } from "../../build/code_cache.ts";
import { compileExecutable } from "../../build/compile.ts";
import { BuildError } from "../../build/errors.ts";
import { projectDir } from "../../build/project.ts";
import { toScripts } from "../../build/scripts.ts";

/** Runs the scripts as the executable's entry file does, with this module's `import()` in place of its own. */
async function run(files: Record<string, string>, meta: unknown = {}) {
  const { texts, builtins, needs } = await toScripts(new Map(Object.entries(files)), "main.js");
  const path = await import("node:path");
  const loaded: Record<string, unknown> = { "node:path": path };
  const asked: string[] = [];
  const evaluate = (name: string) => new Script(texts.get(name) ?? "").runInThisContext()(loaded, importLater, meta);
  const importLater = (specifier: string) => {
    asked.push(specifier);
    const name = specifier.slice(2);
    for (const need of needs.get(name) ?? []) loaded[need] ??= evaluate(need);
    return Promise.resolve(loaded[name]);
  };
  const said: unknown[] = [];
  Object.assign(globalThis, { say: (value: unknown) => said.push(value) });
  try {
    await evaluate("main.js");
  } finally {
    Reflect.deleteProperty(globalThis, "say");
  }
  return { said, asked, builtins, needs: Object.fromEntries(needs) };
}

Deno.test("code cache: files run once each, before those that import them, with what they import", async () => {
  const { said, builtins, needs } = await run({
    "main.js": `import{b as x}from"./b.js";import"./a.js";import*as all from"./a.js";say(x(2));say(Object.keys(all))`,
    "b.js":
      `import{join}from"node:path";import p,{sep as s}from"node:path";import{one as $1,default as two}from"./a.js";` +
      `function f(n){return join("/",String(n+$1+two),p.sep+s.repeat(0))}export{f as b};`,
    "a.js": `say("once");var one=1;var t=2;export{one,t as default};`,
  });
  assertEquals(said, ["once", "/5/", ["one", "default"]]);
  assertEquals([builtins, needs], [["node:path"], {}]);
});

Deno.test("code cache: import.meta and strict mode stay what they are in modules", async () => {
  const { said } = await run({
    "main.js": `say(import.meta.main);try{undeclared=1}catch(e){say(e.name)}let l=1;export{l};`,
  }, { main: true });
  assertEquals(said, [true, "ReferenceError"]);
});

Deno.test("code cache: files that are imported later run then, once, with what they share with the others", async () => {
  const { said, asked, needs } = await run({
    "main.js": `import{one}from"./a.js";say(one);let{c}=await import("./c.js");say(c());await import("./d.js");` +
      `await import("./e.js");await import("./e.js");`,
    "a.js": `say("a");var one=1;export{one};`,
    "c.js": `import{one as o}from"./a.js";import{x}from"./x.js";import"node:path";say("c");` +
      `let c=()=>o+x;export{c};\n/*! a licence */\n// of x.js\n`,
    "d.js": `import{x as y}from"./x.js";import{one}from"./a.js";say(y);export{one};export default z();`
      .replace("export{one};", "var z=()=>one;"),
    "e.js": `say("e");// nothing`,
    "x.js": `say("x");var x=2;export{x};`,
  });
  assertEquals(said, ["a", 1, "x", "c", 3, 2, "e"]);
  assertEquals(asked, ["./c.js", "./d.js", "./e.js", "./e.js"]);
  assertEquals(needs, {
    "c.js": ["x.js", "node:path", "c.js"],
    "d.js": ["x.js", "d.js"],
    "e.js": ["e.js"],
    "x.js": ["x.js"],
  });
});

Deno.test("code cache: what has no counterpart in a script, or is not known, is refused, not guessed", async () => {
  const refused = async (main: string, part: string, expected: string) => {
    await assertRejects(
      () => toScripts(new Map([["main.js", main], ["a.js", part]]), "main.js"),
      BuildError,
      expected,
    );
  };
  await refused(`import{a}from"./a.js";`, `export{x}from"./b.js";`, "a.js imports in a way that is not known");
  await refused(`export const a=1;say(a)`, "", "exports that are not at its end");
  await refused(`await import("./a.js")`, `say(import.meta.url)`, "a.js has an import of a kind that is not known");
  await refused(`import"./a.js";`, `import"./main.js";`, "main.js imports itself");
});

Deno.test("code cache: an executable with it does what one without it does, lazy parts included", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/shared.ts`, `export class Shared { constructor(readonly by: string) {} }\n`);
    await Deno.writeTextFile(
      `${directory}/lazy.ts`,
      `import { isIP } from "node:net";
import { Shared } from "./shared.ts";
export const made = new Shared("lazy");
export const name = isIP.name;
`,
    );
    await Deno.writeTextFile(
      `${directory}/main.ts`,
      `import { basename } from "node:path";
import { Shared } from "./shared.ts";
console.log(import.meta.main, basename("/a/b"), Deno.args.join());
Deno.permissions.revokeSync({ name: "read" });
const { made, name } = await import("./lazy.ts");
console.log(made instanceof Shared, made.by, name);
if (Deno.args.includes("throw")) throw new Error("thrown on purpose");
Deno.exit(3);
`,
    );
    const outputs: unknown[] = [];
    for (const codeCache of [true, false]) {
      const output = `${directory}/program-${codeCache}`;
      await compileExecutable({ entry: `${directory}/main.ts`, output, codeCache });
      for (const args of [["x", "y"], ["throw"]]) {
        const { code, stdout, stderr } = await new Deno.Command(output, { args, env: { NO_COLOR: "1" } }).output();
        const [first = ""] = new TextDecoder().decode(stderr).split("\n");
        outputs.push([code, new TextDecoder().decode(stdout), first]);
      }
    }
    const [[code, text], thrown] = outputs as [[number, string], [number, string, string]];
    assertEquals([code, text], [3, "true b x,y\ntrue lazy isIP\n"]);
    assertEquals(thrown[0], 1);
    assertStringIncludes(thrown[2], "Error: thrown on purpose");
    assertEquals(outputs.slice(2), outputs.slice(0, 2));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("code cache: a charm's own program that cannot have one is compiled without", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/lazy.ts`, `export const own = import.meta.url.startsWith("file:");\n`);
    const main = `const { own } = await import("./lazy.ts");\nconsole.log(own);\n`;
    await Deno.writeTextFile(`${directory}/main.ts`, main);
    await compileExecutable({ entry: `${directory}/main.ts`, output: `${directory}/program` });
    const { stdout } = await new Deno.Command(`${directory}/program`).output();
    assertEquals(new TextDecoder().decode(stdout), "true\n");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("code cache: one that V8 does not take fails the build", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/main.js`, `Deno.exit(0)`);
    const broken = async (_entry: string, executable: string) => {
      const make = 'for text in "$1"/*.txt; do printf 0123456789abcdefghij >"${text%.txt}.cache"; done';
      await Deno.writeTextFile(executable, `#!/bin/sh\n[ -z "$2" ] || exit 1\n${make}\n`);
      await Deno.chmod(executable, 0o755);
    };
    await assertRejects(
      () => addCodeCache(directory, "main.js", broken),
      BuildError,
      "V8 does not take the code cache",
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("code cache: the charm executable has one, not among the data that the runtime reads at each start", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const sizes: number[] = [];
    const read: number[] = [];
    for (const codeCache of [true, false]) {
      const output = `${directory}/charmlet`;
      await compileExecutable({ entry: `${projectDir}/mod.ts`, output, codeCache });
      const executable = await Deno.readFile(output);
      sizes.push(executable.length);
      read.push(Number(new DataView(executable.buffer).getBigUint64(executable.length - 8, true)));
    }
    const [cached = 0, plain = 0] = sizes;
    // The compiled code of some 1 MB of scripts takes more than twice as much; those of the start alone are 75 KB.
    assertEquals(cached - plain > 1_500_000, true, `${cached} bytes with code cache, ${plain} without`);
    const [withPack = 0, without = 0] = read;
    assertEquals(withPack < 100_000 && without > 1_000_000, true, `${withPack} and ${without} bytes are read`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
