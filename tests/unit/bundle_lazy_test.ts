/** What a hook loads before it knows what it needs: no YAML parser, no database driver, nothing of the command line. */
import { assert, assertEquals } from "@std/assert";
import { bundle } from "../../build/bundle.ts";
import { projectDir } from "../../build/project.ts";

/** Texts that only these packages have: error messages and names that survive any bundling. */
const MARKERS: Readonly<Record<string, RegExp>> = {
  "YAML parser": /tag:yaml\.org,2002:/,
  "argument parser": /stopEarly|stop-?early/i,
  mysql2: /ER_HANDSHAKE_ERROR|caching_sha2_password/,
  postgres: /SCRAM-SHA-256|SASLInitialResponse/,
};

/** Files that the entry file reaches, only by `import` statements or by `import()` too. */
function reached(files: ReadonlyMap<string, string>, entry: string, pattern: RegExp): Set<string> {
  const names = new Set([entry]);
  for (const name of names) {
    for (const [, target = ""] of files.get(name)?.matchAll(pattern) ?? []) if (files.has(target)) names.add(target);
  }
  return names;
}

const STATIC = /(?:from|import)\s*"\.\/([^"]+\.js)"/g;
const ANY = /(?:from|import)\s*\(?\s*"\.\/([^"]+\.js)"/g;

async function bundled(entry: string): Promise<{ files: Map<string, string>; entryFile: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const entryFile = await bundle(entry, `${directory}/bundle`);
    const files = new Map<string, string>();
    for (const { name } of Deno.readDirSync(`${directory}/bundle`)) {
      files.set(name, await Deno.readTextFile(`${directory}/bundle/${name}`));
    }
    return { files, entryFile };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

function found(files: ReadonlyMap<string, string>, names: Iterable<string>): string[] {
  const text = [...names].map((name) => files.get(name) ?? "").join("\n");
  return Object.keys(MARKERS).filter((what) => MARKERS[what]?.test(text));
}

Deno.test("bundle: the executable reaches YAML parser, argument parser and drivers only by import()", async () => {
  const { files, entryFile } = await bundled(`${projectDir}/mod.ts`);
  const atStart = reached(files, entryFile, STATIC);
  const ever = reached(files, entryFile, ANY);
  assert(ever.size > atStart.size, "there are files that are loaded later");
  assertEquals(found(files, atStart), []);
  const later = found(files, [...ever].filter((name) => !atStart.has(name)));
  assert(later.includes("YAML parser"), "the YAML parser is in a file that is loaded later");
});

Deno.test("bundle: the markers find the packages where they are reached at once", async () => {
  await Deno.mkdir(`${projectDir}/dist`, { recursive: true });
  const directory = await Deno.makeTempDir({ dir: `${projectDir}/dist`, prefix: ".lazy-" });
  try {
    const entry = `${directory}/eager.ts`;
    const packages = ["@std/yaml", "@std/cli", "mysql2/promise", "postgres"];
    const lines = packages.map((name, index) => `import * as m${index} from "${name}";\nconsole.log(m${index});\n`);
    await Deno.writeTextFile(entry, lines.join(""));
    const { files, entryFile } = await bundled(entry);
    assertEquals(found(files, reached(files, entryFile, STATIC)), Object.keys(MARKERS));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
