import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { bundle, errorText, pathStripper, renameChunks, requireBuiltins } from "../../build/bundle.ts";
import { BuildError } from "../../build/errors.ts";
import { projectDir } from "../../build/project.ts";

Deno.test("bundle: chunks are numbered as the entry file reaches them", () => {
  const files = new Map([
    ["lazy-AAAAAAAA.js", `import { x } from "./chunk-CCCCCCCC.js";`],
    ["chunk-CCCCCCCC.js", `export const x = "./not-a-chunk.js";`],
    ["main.js", `import { x } from "./chunk-CCCCCCCC.js"; const lazy = () => import("./lazy-AAAAAAAA.js");`],
  ]);
  assertEquals([...renameChunks(files, "main.js")], [
    ["main.js", `import { x } from "./chunk1.js"; const lazy = () => import("./chunk2.js");`],
    ["chunk1.js", `export const x = "./not-a-chunk.js";`],
    ["chunk2.js", `import { x } from "./chunk1.js";`],
  ]);
});

Deno.test("bundle: paths of the machine are taken out", () => {
  const strip = pathStripper(`${projectDir}/mod.ts`, `${projectDir}/../cache/npm`);
  assertEquals(
    strip(
      `// ../cache/npm/registry.example/@scope/name/1.2.3/lib/a.js\n"../cache/npm/host/path/long/5.3.2/umd/b.js"() {`,
    ),
    `// npm/@scope/name/1.2.3/lib/a.js\n"npm/long/5.3.2/umd/b.js"() {`,
  );
  assertEquals(strip("// hooks/main.ts"), "// hooks/main.ts");
  assertEquals(pathStripper(`${projectDir}/../other/x.ts`, "/cache/npm")("// ../other/x.ts"), "// x.ts");
});

Deno.test("bundle: what Deno prints is shown without its backtrace", () => {
  const text = errorText(new TextEncoder().encode("error: Cannot find module\n\nStack backtrace:\n   0: <unknown>\n"));
  assertEquals(text, "Cannot find module");
  assertStringIncludes(errorText(new TextEncoder().encode("two\nlines\n")), "two\nlines");
});

Deno.test("bundle: CommonJS packages get the runtime's own modules, from a lazy file too", async () => {
  await Deno.mkdir(`${projectDir}/dist`, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: `${projectDir}/dist`, prefix: ".require-" });
  try {
    await Deno.writeTextFile(`${directory}/lazy.ts`, `import mysql from "mysql2/promise";\nexport { mysql };\n`);
    await Deno.writeTextFile(
      `${directory}/main.ts`,
      `const { mysql } = await import("./lazy.ts");\nconsole.log(mysql.escape("a'b"));\n`,
    );
    const entry = await bundle(`${directory}/main.ts`, `${directory}/bundle`);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-config", "--no-lock", `${directory}/bundle/${entry}`],
    }).output();
    assertEquals([new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)], ["'a\\'b'\n", ""]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("bundle: an unknown stand-in for require fails the build", () => {
  assertEquals(requireBuiltins("var a=1"), "var a=1");
  assertThrows(() => requireBuiltins(`throw new Error("Dynamic require of x")`), BuildError, "requireBuiltins");
});
