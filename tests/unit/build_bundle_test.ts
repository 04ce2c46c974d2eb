import { assertEquals, assertStringIncludes } from "@std/assert";
import { errorText, pathStripper, renameChunks } from "../../build/bundle.ts";
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
