/** Imports go down only: the order of the layers is the architecture. */
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Lowest layer first. A file belongs to the first pattern that matches. */
const LAYERS: readonly (readonly [string, RegExp])[] = [
  ["agent, state and charm files", /^hooks\/(juju|state|charm)\//],
  ["vocabulary", /^hooks\/(errors|event|outcome|deferral|text|version)\.ts$/],
  ["workload clients", /^interfaces\/clients\//],
  ["interfaces and actions", /^(interfaces|actions)\/(?!registry\.ts)/],
  ["registries", /^(interfaces|actions)\/registry\.ts$/],
  ["dispatcher", /^hooks\//],
  ["entry point", /^mod\.ts$/],
];

/** What each layer may import, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "agent, state and charm files": ["vocabulary"],
  "vocabulary": ["agent, state and charm files"],
  "workload clients": [],
  "interfaces and actions": ["workload clients", "dispatcher", "vocabulary"],
  "registries": ["interfaces and actions", "dispatcher"],
  "dispatcher": ["agent, state and charm files", "vocabulary"],
  "entry point": ["registries", "dispatcher", "vocabulary", "agent, state and charm files"],
};

async function* sources(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(ROOT + dir)) {
    const path = `${dir}${entry.name}`;
    if (entry.isDirectory) yield* sources(`${path}/`);
    else if (path.endsWith(".ts")) yield path;
  }
}

function layerOf(path: string): string | undefined {
  return LAYERS.find(([, pattern]) => pattern.test(path))?.[0];
}

function importsOf(path: string, text: string): string[] {
  const specifiers = text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g);
  return [...specifiers].map(([, specifier = ""]) => specifier).filter((specifier) => specifier.startsWith("."))
    .map((specifier) => new URL(specifier, `file://${ROOT}${path}`).pathname.slice(ROOT.length));
}

async function productFiles(): Promise<string[]> {
  const files = ["mod.ts"];
  for (const dir of ["hooks/", "interfaces/", "actions/"]) for await (const path of sources(dir)) files.push(path);
  return files.sort();
}

Deno.test("every file of the product belongs to a layer and imports only what its layer may", async () => {
  const offences: string[] = [];
  const files = await productFiles();
  assert(files.length > 30, "the walk found the sources");
  for (const path of files) {
    const layer = layerOf(path);
    assert(layer, `${path} belongs to no layer`);
    for (const target of importsOf(path, await Deno.readTextFile(ROOT + path))) {
      if (target === "deno.json") continue;
      const other = layerOf(target);
      if (other === layer || (other !== undefined && MAY_IMPORT[layer]?.includes(other))) continue;
      offences.push(`${path} (${layer}) imports ${target} (${other ?? "no layer of the product"})`);
    }
  }
  assertEquals(offences, []);
});

Deno.test("handlers do not read the environment, spawn processes or print", async () => {
  const offences: string[] = [];
  for (const path of await productFiles()) {
    if (!/^(interfaces|actions)\//.test(path) || path.startsWith("interfaces/clients/")) continue;
    const text = await Deno.readTextFile(ROOT + path);
    for (const [match] of text.matchAll(/Deno\.(env|Command|stdout|stderr|exit)\b|console\.\w+|process\.env/g)) {
      offences.push(`${path}: ${match}`);
    }
  }
  assertEquals(offences, []);
});

Deno.test("only the composition root reads argv and the environment, or ends the process", async () => {
  const offences: string[] = [];
  for (const path of await productFiles()) {
    if (path === "mod.ts" || path === "hooks/main.ts") continue;
    const text = (await Deno.readTextFile(ROOT + path)).replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, "");
    for (const [match] of text.matchAll(/Deno\.(env|args|exit)\b|process\.(argv|argv0|env)\b|console\.\w+/g)) {
      offences.push(`${path}: ${match}`);
    }
  }
  assertEquals(offences, []);
});
