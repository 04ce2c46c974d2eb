/**
 * Secrets must not show: not in logs, statuses, process lists, nor in files that others can read.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import type { Model } from "../model/mod.ts";
import { everyProcess } from "./units_processes.ts";

/** A part of a secret that is long enough not to be anywhere by chance. */
const MIN_LENGTH = 16;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----END/g;
const MAX_FILE = 1024 * 1024;
const SAMPLE_MS = 20;

/** Command lines that were seen; see {@linkcode watchCommandLines}. */
export interface CommandLines extends Disposable {
  readonly seen: ReadonlySet<string>;
}

/** Looks at the process list again and again, as anybody on the machine can. */
export function watchCommandLines(): CommandLines {
  const seen = new Set<string>();
  const timer = setInterval(() => {
    for (const { argv } of everyProcess()) seen.add(argv.join(" "));
  }, SAMPLE_MS);
  return { seen, [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * Every secret that is known: content of Juju's secrets, private keys in the files of units and in databags, and what a
 * test adds.
 *
 * @param model the model
 * @param dataDirectory files of the units
 * @param more passwords and the like
 * @returns parts of them to look for
 */
export async function findSecrets(
  model: Model,
  dataDirectory: string,
  more: readonly string[] = [],
): Promise<string[]> {
  const kept = Object.values(model.world.secrets).flatMap(({ revisions }) =>
    revisions.flatMap(({ content }) => Object.values(content).map((value) => atob(value)))
  );
  const files = (await readableFiles(dataDirectory)).map(({ text }) => text);
  const texts = [...files, ...kept, JSON.stringify(model.world.relations)];
  const keys = texts.flatMap((text) => [...text.replaceAll("\\n", "\n").matchAll(PRIVATE_KEY)]);
  const lines = keys.flatMap(([, body = ""]) => body.split("\n"));
  const values = kept.filter((value) => !value.includes("-----BEGIN"));
  return [...new Set([...lines, ...values, ...more].map((line) => line.trim()))]
    .filter((line) => line.length >= MIN_LENGTH);
}

/**
 * Fails when a secret shows. Databags that carry it by contract, and what units store with Juju, are not looked at.
 *
 * @param model the model
 * @param dataDirectory files of the units
 * @param secrets what {@linkcode findSecrets} found, maybe at several times
 * @param commandLines what was seen of the process list
 */
export async function assertNoSecretShows(
  model: Model,
  dataDirectory: string,
  secrets: readonly string[],
  commandLines?: CommandLines,
): Promise<void> {
  const units = [...new Set(model.timeline.map(({ unit }) => unit))];
  const places: [string, string][] = [
    ["the timeline", JSON.stringify(model.timeline.map((run) => ({ ...run, bags: [], state: null })))],
    ["a status", JSON.stringify([model.world.units, model.world.applications].map(withoutState))],
    ["results of an action", JSON.stringify(model.world.actions)],
    ...units.map((unit): [string, string] => [`the log of ${unit}`, JSON.stringify(model.log(unit))]),
    ...[...commandLines?.seen ?? []].map((line): [string, string] => ["a command line", line]),
    ...(await readableFiles(dataDirectory)).filter(({ mode }) => (mode & 0o007) !== 0)
      .map(({ path, text }): [string, string] => [`${path}, which everybody can read`, text]),
  ];
  const betrayed = places.filter(([, text]) => secrets.some((secret) => text.includes(secret)));
  assertEquals(betrayed.map(([place]) => place), [], "a secret shows");
}

function withoutState(parts: Readonly<Record<string, object>>): object[] {
  return Object.values(parts).map((part) => ({ ...part, state: {}, config: {}, charm: {} }));
}

/** Text files of a size that a key or a log can have; what servers write and delete meanwhile is left out. */
async function readableFiles(directory: string): Promise<{ path: string; mode: number; text: string }[]> {
  const found: { path: string; mode: number; text: string }[] = [];
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(directory)) {
      const path = join(directory, name);
      if (isDirectory) found.push(...await readableFiles(path));
      else if (isFile) {
        const { mode, size } = await Deno.stat(path);
        if (size <= MAX_FILE) found.push({ path, mode: mode ?? 0, text: await Deno.readTextFile(path) });
      }
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}
