/**
 * What the supervisor keeps in a service's directory, and the lock around every change.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import { readIfThere, removeIfThere } from "../files.ts";
import { bootId, type ProcessIdentity } from "./process.ts";
import type { ServiceSpec } from "./service.ts";

/** The processes of a service, as the pid file names them; they may have ended long ago. */
export interface Recorded {
  readonly server?: ProcessIdentity;
  /** The server's parent; it leads a session and process group of its own. */
  readonly loop?: ProcessIdentity;
}

const SUFFIXES = ["pid", "pid.new", "exit", "exit.new", "log", "log.1", "loop", "service", "lock"] as const;
const MAX_LOG = 10 * 1024 * 1024;
const MAX_TAIL = 256 * 1024;
const MAX_LINES = 1000;
const WRITABLE_TO_OTHERS = 0o022;

/** The path of one of a service's files. */
export function fileOf({ directory, name }: ServiceSpec, suffix: typeof SUFFIXES[number]): string {
  return `${directory}/${name}.${suffix}`;
}

/**
 * Whoever can write to the directory could make root write to any file, or end any process.
 *
 * @throws {InputError} when the directory is missing or others may write to it
 */
export async function checkDirectory({ name, directory }: ServiceSpec): Promise<void> {
  const facts = await Deno.stat(directory).catch(() => undefined);
  if (!facts?.isDirectory) throw new InputError(`service ${name}: there is no directory ${directory}: make it first`);
  if (facts.uid === Deno.uid() && ((facts.mode ?? 0) & WRITABLE_TO_OTHERS) === 0) return;
  throw new InputError(
    `service ${name}: ${directory} has to belong to the user that starts the server and be writable to nobody else; ` +
      "give the server's user a directory below it",
  );
}

/** The processes that the pid file names. */
export async function recorded(spec: ServiceSpec): Promise<Recorded> {
  const [server = "", loop = "", boot = ""] = (await readIfThere(fileOf(spec, "pid")) ?? "").split("\n");
  if (boot === "" || boot !== await bootId()) return {};
  const [first, second] = [parse(server), parse(loop)];
  return { ...(first && { server: first }), ...(second && { loop: second }) };
}

function parse(line: string): ProcessIdentity | undefined {
  const [, pid, started] = /^([1-9]\d{0,9}) (\d{1,20})$/.exec(line) ?? [];
  return pid === undefined || started === undefined ? undefined : { pid: Number(pid), started };
}

/** How the server ended last; undefined when nobody saw it. */
export async function lastExitCode(spec: ServiceSpec): Promise<number | undefined> {
  const text = (await readIfThere(fileOf(spec, "exit")) ?? "").trim();
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

/** Makes the log file, or a new one where it has grown too large; the old one is kept until the next time. */
export async function prepareLog(spec: ServiceSpec): Promise<void> {
  const path = fileOf(spec, "log");
  const size = (await Deno.stat(path).catch(() => undefined))?.size ?? 0;
  if (size > MAX_LOG) await Deno.rename(path, fileOf(spec, "log.1"));
  (await Deno.open(path, { append: true, create: true, mode: 0o600 })).close();
}

/**
 * Keeps what a log that has grown too large holds as the older log, and empties it: loop and server hold it open, and
 * append. What they write between the two is lost.
 */
export async function trimLog(spec: ServiceSpec): Promise<void> {
  const [path, older] = [fileOf(spec, "log"), fileOf(spec, "log.1")];
  const size = (await Deno.stat(path).catch(() => undefined))?.size ?? 0;
  if (size <= MAX_LOG) return;
  await removeIfThere(older);
  await Deno.copyFile(path, older);
  await Deno.truncate(path);
}

/** The last lines of the log, at most 1000. */
export async function tailOfLog(spec: ServiceSpec, lines: number): Promise<string> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(fileOf(spec, "log"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
  using log = file;
  const { size } = await log.stat();
  await log.seek(Math.max(0, size - MAX_TAIL), Deno.SeekMode.Start);
  const buffer = new Uint8Array(MAX_TAIL);
  let filled = 0;
  for (let read; filled < MAX_TAIL && (read = await log.read(buffer.subarray(filled))) !== null;) filled += read;
  const text = new TextDecoder().decode(buffer.subarray(0, filled)).trimEnd();
  return text.split("\n").slice(-Math.min(Math.max(lines, 1), MAX_LINES)).join("\n");
}

/** Deletes all of a service's files. */
export async function deleteFiles(spec: ServiceSpec): Promise<void> {
  for (const suffix of SUFFIXES) await removeIfThere(fileOf(spec, suffix));
}

/** Does something while no other process changes this service. */
export async function locked<T>(spec: ServiceSpec, work: () => Promise<T>): Promise<T> {
  await checkDirectory(spec);
  const path = fileOf(spec, "lock");
  while (true) {
    using file = await Deno.open(path, { write: true, create: true, mode: 0o600 });
    await file.lock(true);
    // Who had the lock before may have deleted the file: then another lock counts by now.
    const [mine, current] = [await file.stat(), await Deno.stat(path).catch(() => undefined)];
    if (mine.ino === current?.ino) return await work();
  }
}
