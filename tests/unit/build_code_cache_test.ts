/** A bundle's static part as one script with V8's code cache. */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { init } from "es-module-lexer";
import { Script } from "node:vm";
import { addCodeCache, toScript } from "../../build/code_cache.ts";
import { compileExecutable } from "../../build/compile.ts";
import { BuildError } from "../../build/errors.ts";
import { projectDir } from "../../build/project.ts";

await init;

/** Runs a script as the executable's entry file does, with this module's `import()` in place of its own. */
async function run(files: Record<string, string>, meta: unknown = {}) {
  const { script, builtins, parts } = toScript(new Map(Object.entries(files)), "main.js");
  const path = await import("node:path");
  const loaded: Record<string, unknown> = { "node:path": path };
  const asked: string[] = [];
  const importLater = (name: string) => Promise.resolve(asked.push(name)).then(() => ({ later: name }));
  const start: (...args: unknown[]) => Promise<void> = new Script(script).runInThisContext();
  const said: unknown[] = [];
  Object.assign(globalThis, { say: (value: unknown) => said.push(value) });
  try {
    await start(loaded, importLater, meta);
  } finally {
    Reflect.deleteProperty(globalThis, "say");
  }
  return { said, asked, builtins, parts };
}

Deno.test("code cache: files run once each, before those that import them, with what they import", async () => {
  const { said, builtins, parts } = await run({
    "main.js": `import{b as x}from"./b.js";import"./a.js";import*as all from"./a.js";say(x(2));say(Object.keys(all))`,
    "b.js": `import{join}from"node:path";import p from"node:path";import{one as $1,default as two}from"./a.js";` +
      `function f(n){return join("/",String(n+$1+two),p.sep)}export{f as b};`,
    "a.js": `say("once");var one=1;var t=2;export{one,t as default};`,
  });
  assertEquals(said, ["once", "/5/", ["one", "default"]]);
  assertEquals([builtins, parts], [["node:path"], ["a.js", "b.js"]]);
});

Deno.test("code cache: import(), import.meta and strict mode stay what they are in modules", async () => {
  const { said, asked } = await run({
    "main.js": `say(import.meta.main);let{later:l}=await import("./c.js");say(l);` +
      `try{undeclared=1}catch(e){say(e.name)}export{l};`,
  }, { main: true });
  assertEquals([said, asked], [[true, "./c.js", "ReferenceError"], ["./c.js"]]);
});

Deno.test("code cache: what the bundler never writes is refused, not guessed", () => {
  const script = (main: string) =>
    toScript(new Map([["main.js", main], ["a.js", `export{x}from"./b.js";`]]), "main.js");
  assertThrows(() => script(`import{a}from"./a.js";`), BuildError, "a.js");
  assertThrows(() => script(`import d,{a}from"node:path";say(a)`), BuildError, "imports in a way that is not known");
  assertThrows(() => script(`export const a=1;say(a)`), BuildError, "exports that are not at its end");
});

Deno.test("code cache: an executable with it does what one without it does, lazy parts included", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/shared.ts`, `export class Shared { constructor(readonly by: string) {} }\n`);
    await Deno.writeTextFile(
      `${directory}/lazy.ts`,
      `import { Shared } from "./shared.ts";\nexport const made = new Shared("lazy");\n`,
    );
    await Deno.writeTextFile(
      `${directory}/main.ts`,
      `import { basename } from "node:path";
import { Shared } from "./shared.ts";
console.log(import.meta.main, basename("/a/b"), Deno.args.join());
const { made } = await import("./lazy.ts");
console.log(made instanceof Shared, made.by);
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
    assertEquals([code, text], [3, "true b x,y\ntrue lazy\n"]);
    assertEquals(thrown[0], 1);
    assertStringIncludes(thrown[2], "Error: thrown on purpose");
    assertEquals(outputs.slice(2), outputs.slice(0, 2));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("code cache: one that V8 does not take fails the build", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/main.js`, `Deno.exit(0)`);
    const broken = async (_entry: string, _include: readonly string[], executable: string) => {
      await Deno.writeTextFile(executable, `#!/bin/sh\n[ -z "$2" ] || exit 1\nprintf 0123456789abcdefghij >"$1"\n`);
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

Deno.test("code cache: the charm executable has one", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const sizes: number[] = [];
    for (const codeCache of [true, false]) {
      const output = `${directory}/charmlet`;
      await compileExecutable({ entry: `${projectDir}/mod.ts`, output, codeCache });
      sizes.push((await Deno.stat(output)).size);
    }
    const [cached = 0, plain = 0] = sizes;
    // The compiled code of some 60 KB of script takes more than twice as much.
    assertEquals(cached - plain > 150_000, true, `${cached} bytes with code cache, ${plain} without`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
