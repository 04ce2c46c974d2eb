/**
 * The files that describe a charm, and the cache of what they say.
 *
 * @module
 */
import fc from "fast-check";
import { activate, findAction } from "../../hooks/bindings.ts";
import { readCache } from "../../hooks/charm/cache.ts";
import type { CharmMetadata } from "../../hooks/charm/metadata.ts";
import { actionNames, hookNames, looksLikeHook, matchHook } from "../../hooks/charm/names.ts";
import { parseCharm } from "../../hooks/charm/parse.ts";
import { CHARM_FILES, type CharmSources } from "../../hooks/charm/sources.ts";
import { explain, formatList, handledNames, listCharm, listFlagHandlers } from "../../hooks/cli/inspect.ts";
import { Config } from "../../hooks/config.ts";
import type { Program } from "../../hooks/definition.ts";
import { ACTIONS } from "../../actions/registry.ts";
import { INTERFACES } from "../../interfaces/registry.ts";
import { attempt, Breach, checkLine, type Surface, surface, type Verdict } from "./surface.ts";
import { damagedJson, damagedTexts, texts } from "./values.ts";

/** What the executable has. */
export const PROGRAM: Program = { interfaces: INTERFACES, actions: ACTIONS };
/** A charm that has a charmcraft.yaml only, and those that have the other files. */
const CHARMS = ["etcd", "magpie", "mysql", "postgresql", "etcd-client", "example"];

/** Lines that YAML parsers stumble over. */
const ODD_YAML = [
  "<<: *x\n",
  "&a [*a]\n",
  "x: &x {y: *x}\n",
  "? {a: 1}\n: 2\n",
  "__proto__: {interface: etcd}\n",
  "constructor: {interface: etcd}\n",
  "  __proto__:\n    interface: http\n",
  "a: !!js/function 'function(){}'\n",
  "a: !!binary aGk=\n",
  "a: 2001-01-01\n",
  "a: .nan\n",
  "a: -.inf\n",
  "a: 1_000\n",
  "a: 0o17\n",
  "a: |\n  x\n",
  "a: [[[[[[[[[[]]]]]]]]]]\n",
  "\t- x\n",
  "---\n",
  "...\n",
  "%YAML 1.2\n",
  "peers: {db: {interface: etcd}}\n",
  'name: "a\\u0085b"\n',
  "options: []\n",
  "actions: null\n",
  `deep: ${"[".repeat(300)}\n`,
  `${"- ".repeat(300)}\n`,
  "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n",
];

/** The files of the charms of the tests. */
export function charmSources(): CharmSources[] {
  return CHARMS.map((charm) =>
    Object.fromEntries(CHARM_FILES.map((file) => [file, readIfThere(`../charms/${charm}/${file}`)])) as CharmSources
  );
}

function readIfThere(path: string): string | null {
  try {
    return Deno.readTextFileSync(new URL(path, import.meta.url));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function damagedSources(): fc.Arbitrary<CharmSources> {
  const pieces = fc.oneof(fc.constantFrom(...ODD_YAML), texts());
  return fc.constantFrom(...charmSources()).chain((sources) => {
    const files = CHARM_FILES.map((file) => {
      const text = sources[file];
      return text === null ? fc.constant(null) : fc.oneof(
        { weight: 3, arbitrary: damagedTexts(fc.constant(text), pieces) },
        { weight: 2, arbitrary: fc.constant(text) },
        { weight: 1, arbitrary: damagedTexts(fc.constant(""), pieces) },
      );
    });
    return fc.tuple(...files).map((each) =>
      Object.fromEntries(CHARM_FILES.map((file, index) => [file, each[index] ?? null])) as CharmSources
    );
  });
}

/** Uses everything of a charm that was read: whatever the reader let through must be good for it. */
async function useCharm(charm: CharmMetadata): Promise<void> {
  await attempt(async () => {
    await activate(charm, PROGRAM);
    for (const line of formatList(await listCharm(charm, PROGRAM), await listFlagHandlers(charm, PROGRAM))) {
      checkLine("a line of --list", line);
    }
    await handledNames(charm, PROGRAM);
    for (const name of hookNames(charm)) {
      if (!looksLikeHook(name) || !matchHook(name, charm)) throw new Breach(`${name} is no hook of the charm`);
    }
    const [last = "install"] = hookNames(charm).toReversed();
    for (const line of await explain(last, charm, PROGRAM, undefined, 0)) checkLine("a line of --explain", line);
    for (const name of actionNames(charm)) await findAction(charm, PROGRAM, name);
    const config = new Config(charm.config, {});
    for (const name of Object.keys(charm.config)) config.get(name);
  });
}

async function readAndUse(sources: CharmSources): Promise<Verdict> {
  const read = await attempt(() => parseCharm("/charm", sources));
  if (read.verdict === "taken") await useCharm(read.value);
  return read.verdict;
}

function cachedCharms(): fc.Arbitrary<unknown> {
  const caches = charmSources().map((sources) => ({ format: 1, sources, charm: parseCharm("/charm", sources) }));
  return fc.constantFrom(...caches).chain((cache) =>
    damagedJson(fc.constant(cache.charm)).map((charm) => ({ ...cache, charm }))
  );
}

async function readCached(cache: unknown): Promise<Verdict> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${dir}/.charmlet`, { mode: 0o700 });
    await Deno.writeTextFile(`${dir}/.charmlet/charm.json`, JSON.stringify(cache), { mode: 0o600 });
    const { sources } = cache as { sources: CharmSources };
    const charm = readCache(dir, sources);
    if (charm === undefined) return "refused";
    await useCharm(charm);
    return "taken";
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The surfaces. */
export const CHARM_FILE_SURFACES: readonly Surface[] = [
  surface("charm files", damagedSources, readAndUse),
  surface("cache of the charm files", cachedCharms, readCached),
];
