/**
 * Secrets must not show: not in logs, statuses, states, the timeline, process lists, the environment of programs, core and
 * temporary files, nor in files that others can read.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { basename, join } from "node:path";
import type { Model } from "../model/mod.ts";
import type { Lab } from "./units.ts";

/** A part of a secret that is long enough not to be anywhere by chance. */
const MIN_LENGTH = 16;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----END/g;
const MAX_FILE = 1024 * 1024;
/** Where programs of this machine put files for a while. */
const TEMPORARY = ["/tmp", "/var/tmp", "/dev/shm"];
/** Below those: directories of tests, each of which looks after its own. */
const OF_TESTS = ["charmlet-units-*", "charmlet-demo-*", "charmlet-test-*", "charmlet-page-*", "juju-model-*"];
const CORE = /^core(\.\d+)?$/;

interface FoundFile {
  readonly path: string;
  readonly name: string;
  readonly mode: number;
  readonly text: string;
}

/** What Juju keeps secret, or databags where Juju keeps no secrets, and private keys in databags. */
export function secretsInModel({ world }: Model): string[] {
  const kept = [
    ...Object.values(world.secrets).flatMap(({ revisions }) =>
      revisions.flatMap(({ content }) => Object.values(content).map((value) => atob(value)))
    ),
    ...Object.values(world.relations).flatMap(({ appBags }) => Object.values(appBags).flatMap(passwordsIn)),
  ];
  const keys = [...kept, JSON.stringify(world.relations)].flatMap(linesOfKeys);
  return [...keys, ...kept.filter((value) => !value.includes("-----BEGIN"))].filter(isTelling);
}

/**
 * Every secret that is known: what {@linkcode secretsInModel} finds, private keys in the files of units, and what a test
 * adds.
 *
 * @param more passwords and the like
 * @returns parts of them to look for
 */
export async function findSecrets(lab: Lab, more: readonly string[] = []): Promise<string[]> {
  const files = await filesBelow(lab.dataDirectory);
  const keys = files.flatMap(({ text }) => linesOfKeys(text));
  return [...new Set([...secretsInModel(lab.model), ...keys, ...more])].filter(isTelling);
}

/**
 * Fails when a secret shows. Databags are not looked at, because some carry secrets by contract.
 *
 * @param secrets what {@linkcode findSecrets} found, maybe at several times
 */
export async function assertNoSecretShows(lab: Lab, secrets: readonly string[]): Promise<void> {
  const { model, watch } = lab;
  const units = [...new Set(model.timeline.map(({ unit }) => unit))];
  const open = (await filesBelow(lab.dataDirectory)).filter(({ mode }) => (mode & 0o007) !== 0);
  const temporary = await temporaryFiles(lab.began);
  const places: [string, string][] = [
    ["the timeline", JSON.stringify(model.timeline.map((run) => ({ ...run, bags: [] })))],
    ["a status or state", JSON.stringify([model.world.units, model.world.applications].map(withoutOptions))],
    ["results of an action", JSON.stringify(model.world.actions)],
    ...units.map((unit): [string, string] => [`the log of ${unit}`, JSON.stringify(model.log(unit))]),
    ...[...watch.commandLines].map((line): [string, string] => ["a command line", line]),
    ...[...watch.environments].map((text): [string, string] => ["the environment of a program", text]),
    ...open.map(({ path, text }): [string, string] => [`${path}, which everybody can read`, text]),
    ...[...await filesBelow(model.root), ...temporary].map(({ path, text }): [string, string] => [path, text]),
  ];
  const betrayed = places.filter(([, text]) => secrets.some((secret) => text.includes(secret)));
  assertEquals(betrayed.map(([place]) => place), [], "a secret shows");
  const cores = [...await filesBelow(lab.directory), ...await filesBelow(model.root), ...temporary]
    .filter(({ name }) => CORE.test(name)).map(({ path }) => path);
  assertEquals(cores, [], "a program has left its memory");
}

/**
 * Fails when somebody else than its owner can read a file that holds a secret, when everybody can write to one, or when a
 * unit's directory is not ours.
 */
export async function assertFilesAreClosed(lab: Lab): Promise<void> {
  const secrets = await findSecrets(lab, [...lab.secrets]);
  const charms = Object.keys(lab.model.world.units).map((unit) => lab.model.charmDir(unit));
  const files = (await Promise.all([lab.dataDirectory, ...charms].map((directory) => filesBelow(directory)))).flat();
  const kept = files.filter(({ text }) => secrets.some((secret) => text.includes(secret)));
  assert(kept.length > 0, "no file holds a secret");
  const open = [
    ...kept.filter(({ mode }) => (mode & 0o077) !== 0),
    ...files.filter(({ mode }) => (mode & 0o002) !== 0),
  ];
  assertEquals(
    open.map(({ path, mode }) => `${path} ${(mode & 0o777).toString(8)}`),
    [],
    "files that are open to others",
  );
  for (const { name } of Deno.readDirSync(lab.dataDirectory)) {
    const { uid, mode } = await Deno.lstat(join(lab.dataDirectory, name));
    assertEquals([uid, (mode ?? 0) & 0o022], [Deno.uid(), 0], `owner and mode of ${name}`);
  }
}

function passwordsIn(bag: Readonly<Record<string, string>>): string[] {
  return Object.entries(bag).filter(([key]) => key.endsWith("-password")).map(([, value]) => value);
}

function linesOfKeys(text: string): string[] {
  // Escaped once for each JSON around it.
  const keys = text.replaceAll(/\\+n/g, "\n").matchAll(PRIVATE_KEY);
  return [...keys].flatMap(([, body = ""]) => body.split("\n").map((line) => line.trim()));
}

function isTelling(secret: string): boolean {
  return secret.length >= MIN_LENGTH;
}

function withoutOptions(parts: Readonly<Record<string, object>>): object[] {
  return Object.values(parts).map((part) => ({ ...part, config: {}, charm: {} }));
}

/** Temporary files that have changed since then, in milliseconds, whatever the age of the directories above them. */
async function temporaryFiles(since: number): Promise<FoundFile[]> {
  const ofTests = OF_TESTS.flatMap((name) => ["-o", "-name", name]).slice(1);
  const changed = ["-type", "f", "-newerct", `@${since / 1000}`, "-print0"];
  const args = [...TEMPORARY, "(", ...ofTests, ")", "-prune", "-o", ...changed];
  // What vanishes meanwhile is a failure of find, too.
  const { stdout } = await new Deno.Command("find", { args, stderr: "null" }).output();
  const paths = new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
  return (await Array.fromAsync(paths, readFound)).filter((found) => found !== undefined);
}

/** Regular files below a directory; what servers write and delete meanwhile is left out. */
async function filesBelow(directory: string): Promise<FoundFile[]> {
  const found: FoundFile[] = [];
  const entries = await ifThere(async () => await Array.fromAsync(Deno.readDir(directory))) ?? [];
  for (const { name, isDirectory, isFile } of entries) {
    const path = join(directory, name);
    if (isDirectory) found.push(...await filesBelow(path));
    const file = isFile ? await readFound(path) : undefined;
    if (file) found.push(file);
  }
  return found;
}

/** A file, with its text where it has a size that a key or a log can have. */
async function readFound(path: string): Promise<FoundFile | undefined> {
  const facts = await ifThere(() => Deno.lstat(path));
  if (!facts) return undefined;
  const text = facts.size <= MAX_FILE ? await ifThere(() => Deno.readTextFile(path)) : "";
  return text === undefined ? undefined : { path, name: basename(path), mode: facts.mode ?? 0, text };
}

/** Undefined for what has gone meanwhile, or is another user's and closed to us. */
async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}
