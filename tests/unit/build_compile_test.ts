import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHash } from "node:crypto";
import { checkVersion, compileExecutable, nativeTarget } from "../../build/compile.ts";
import { BuildError } from "../../build/errors.ts";

Deno.test("compile: Deno's own answer to --version, and any but the expected one, are refused", () => {
  checkVersion("charmlet 1.2.3", "charmlet 1.2.3");
  checkVersion("some program 7");
  checkVersion("");
  assertThrows(() => checkVersion("deno 2.7.11 (stable)"), BuildError, "not a full deno");
  assertThrows(() => checkVersion("charmlet 1.2.2", "charmlet 1.2.3"), BuildError, 'instead of "charmlet 1.2.3"');
});

Deno.test("compile: the same bytes wherever the sources lie, lazy modules inside, no path of this machine", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const digests: string[] = [];
    let text = "";
    for (const place of [`${directory}/first`, `${directory}/another/place`]) {
      await Deno.mkdir(`${place}/sources`, { recursive: true });
      const [entry, output] = [`${place}/sources/program.ts`, `${place}/program`];
      await Deno.writeTextFile(`${place}/sources/lazy.ts`, `export const word: string = "loaded";\n`);
      await Deno.writeTextFile(entry, `if (Deno.args[0] === "go") console.log((await import("./lazy.ts")).word);\n`);
      await compileExecutable({ entry, output });
      const bytes = await Deno.readFile(output);
      digests.push(createHash("sha256").update(bytes).digest("hex"));
      text = new TextDecoder("latin1").decode(bytes.subarray(-10_000));
    }
    assertEquals(digests[0], digests[1]);
    assertEquals(text.includes(directory), false);
    const { stdout } = await new Deno.Command(`${directory}/first/program`, { args: ["go"] }).output();
    assertEquals(new TextDecoder().decode(stdout), "loaded\n");
    const left = [...Deno.readDirSync(`${directory}/first`)].map(({ name }) => name);
    assertEquals(left.sort(), ["program", "sources"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("compile: a program that does not bundle leaves nothing behind", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/bad.ts`, `import "./missing.ts";\n`);
    const options = { entry: `${directory}/bad.ts`, output: `${directory}/out/bad`, target: nativeTarget() };
    await assertRejects(() => compileExecutable(options), BuildError, "missing.ts");
    assertEquals([...Deno.readDirSync(`${directory}/out`)], []);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
