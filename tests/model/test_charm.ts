/**
 * Charms of shell scripts, written for one test each.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { loadCharm } from "../../hooks/charm/load.ts";
import { hookNames } from "../../hooks/charm/names.ts";
import { Model, type ModelOptions, type TimelineEntry } from "./mod.ts";

/** What a charm is made of. */
export interface TestCharm {
  readonly metadata: string;
  readonly config?: string;
  readonly actions?: string;
  /** Scripts by path, such as `hooks/install`; each begins after `#!/bin/sh` and `set -eu`. */
  readonly scripts?: Readonly<Record<string, string>>;
}

/** A charm with a peer, a provided and a storage endpoint, an option and actions. */
export const DB: TestCharm = {
  metadata: `name: db
summary: a database
description: a database
peers: {cluster: {interface: db-peers}}
provides: {server: {interface: sql}}
storage: {data: {type: filesystem}}
`,
  config: "options: {color: {type: string, default: red, description: a color}}\n",
  actions: `greet: {description: greets, params: {who: {type: string, default: world}}}
none: {description: is not implemented}
wait: {description: takes long}
`,
};

/** A charm that requires what {@linkcode DB} provides. */
export const APP: TestCharm = {
  metadata: `name: app
summary: an application
description: an application
requires: {database: {interface: sql}}
`,
};

/**
 * The charm with scripts.
 *
 * @param charm the charm
 * @param scripts scripts by path
 */
export function scripted(charm: TestCharm, scripts: Readonly<Record<string, string>>): TestCharm {
  return { ...charm, scripts: { ...charm.scripts, ...scripts } };
}

/**
 * Writes a charm. Every hook that has no script is a symlink to one that does nothing, so that it runs.
 *
 * @param dir directory to make
 * @param charm what it is made of
 */
export async function writeCharm(dir: string, charm: TestCharm): Promise<void> {
  const files: Record<string, string | undefined> = {
    "metadata.yaml": charm.metadata,
    "config.yaml": charm.config,
    "actions.yaml": charm.actions,
  };
  for (const [path, script] of Object.entries(charm.scripts ?? {})) files[path] = `#!/bin/sh\nset -eu\n${script}\n`;
  files["hooks/true.sh"] = "#!/bin/sh\n";
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) continue;
    await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
    await Deno.writeTextFile(join(dir, path), text, { mode: path.endsWith(".yaml") ? 0o644 : 0o755 });
  }
  const taken = new Set(Object.keys(files));
  for (const hook of hookNames(await loadCharm(dir))) {
    if (!taken.has(`hooks/${hook}`)) await Deno.symlink("true.sh", join(dir, "hooks", hook));
  }
}

/**
 * Runs a test with a model and written charms; closes the model and removes the charms whatever happens.
 *
 * @param options options of the model
 * @param charms charms by name
 * @param test given the model and the charms' directories
 */
export async function withModel(
  options: ModelOptions,
  charms: Readonly<Record<string, TestCharm>>,
  test: (model: Model, directory: (charm: string) => string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "test-charms-" });
  const model = await Model.create(options);
  try {
    for (const [name, charm] of Object.entries(charms)) await writeCharm(join(root, name), charm);
    await test(model, (charm) => join(root, charm));
  } finally {
    await model.close();
    await Deno.remove(root, { recursive: true });
  }
}

/**
 * A unit's runs in short: `database-relation-joined db/0`, and how it ended unless it is done. The remote application
 * stands for `relation-changed` of its bag.
 *
 * @param model the model
 * @param unit the unit
 * @param since index in the timeline from which to look
 */
export function runsOf(model: Model, unit: string, since = 0): string[] {
  return model.timeline.slice(since).filter((entry) => entry.unit === unit).map(spell);
}

function spell(entry: TimelineEntry): string {
  const about = entry.remoteUnit || (entry.name.endsWith("-relation-changed") ? entry.remoteApp : "");
  const outcome = entry.outcome === "done" ? "" : `(${entry.outcome})`;
  return [entry.name, about, outcome].filter((word) => word !== "").join(" ");
}
