/**
 * Snapshots by the tools of etcd's packages: etcdctl saves them; etcdutl, where there is one, looks at and restores them.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { ActionFailed } from "../hooks/errors.ts";
import { InputError } from "../interfaces/clients/errors.ts";
import { capture } from "../interfaces/clients/run.ts";

/** Paths of the PEM files with which etcdctl connects. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Which cluster a snapshot becomes. */
export interface RestoreOptions {
  readonly snapshot: string;
  /** Must not exist. */
  readonly dataDirectory: string;
  readonly name: string;
  readonly peerUrl: string;
  /** Token of the new cluster: with another one, members of the old cluster are strangers to it. */
  readonly token: string;
}

/** What is in a snapshot. */
export interface SnapshotFacts {
  /** The store's revision: what was written later is not in it. */
  readonly revision: number;
  readonly bytes: number;
  /** Of the whole file, in hexadecimal. */
  readonly sha256: string;
}

/** Bytes of the checksum at the end of a snapshot. */
const CHECKSUM = 32;
/** etcd's pages: a snapshot is whole pages and the checksum. */
const PAGE = 512;
const SAVE_TIMEOUT_MS = 600_000;
/** Milliseconds that a tool may take longer than etcd, and for anything that is not about a large file. */
const TOOL_MS = 60_000;
/** Milliseconds for a snapshot of many gigabytes on a slow disk. */
const FILE_MS = 3_600_000;
const SHOWN = 300;

/** Makes a member the leader of the cluster. @param leader client URL of the present one; @param id hexadecimal */
export async function moveLeader(leader: string, id: string, files: TlsFiles): Promise<void> {
  await etcdctl(leader, files, ["move-leader", id], TOOL_MS);
}

/**
 * Saves a snapshot of one member; the file is readable for its owner alone.
 *
 * @param timeoutMs milliseconds; a member that is away or refuses us is only told when they are over
 * @throws {ActionFailed} in etcdctl's words
 */
export async function saveSnapshot(
  endpoint: string,
  file: string,
  files: TlsFiles,
  timeoutMs: number = SAVE_TIMEOUT_MS,
): Promise<void> {
  await etcdctl(endpoint, files, [`--command-timeout=${timeoutMs}ms`, "snapshot", "save", file], timeoutMs + TOOL_MS);
  await Deno.chmod(file, 0o600);
}

/**
 * Checks a snapshot and tells what is in it.
 *
 * @throws {ActionFailed} when it is none, or damaged
 */
export async function inspectSnapshot(file: string): Promise<SnapshotFacts> {
  const { sha256, bytes } = await checkSum(file);
  const text = await run(await offlineTool(), ["snapshot", "status", file, "--write-out=json"], FILE_MS);
  return { revision: parseRevision(text), bytes, sha256 };
}

/** Makes the data directory of a new cluster's first member from a snapshot. */
export async function restoreSnapshot(options: RestoreOptions): Promise<void> {
  const { snapshot, dataDirectory, name, peerUrl, token } = options;
  await run(await offlineTool(), [
    ...["snapshot", "restore", snapshot, `--data-dir=${dataDirectory}`],
    ...[`--name=${name}`, `--initial-cluster=${name}=${peerUrl}`, `--initial-advertise-peer-urls=${peerUrl}`],
    `--initial-cluster-token=${token}`,
  ], FILE_MS);
}

/**
 * The revision that `snapshot status` printed. Its number of keys is left out: it counts etcd's own records too.
 *
 * @throws {ActionFailed} when there is none
 */
export function parseRevision(text: string): number {
  let revision: unknown;
  try {
    revision = Object(JSON.parse(text)).revision;
  } catch {
    // It stays undefined.
  }
  if (Number.isSafeInteger(revision)) return revision as number;
  throw new ActionFailed("the tool for snapshots says nothing that can be read; check that etcd-client is installed");
}

/** The last 32 bytes of a snapshot are the SHA-256 of what is before them: a file that was cut short shows. */
async function checkSum(file: string): Promise<{ sha256: string; bytes: number }> {
  using handle = await open(file);
  const { size, isFile } = await handle.stat();
  if (!isFile || size <= CHECKSUM || size % PAGE !== CHECKSUM) {
    throw new ActionFailed(`${file} is no whole snapshot of etcd; take one with the action snapshot`);
  }
  const hash = createHash("sha256");
  const buffer = new Uint8Array(1024 * 1024);
  for (let left = size - CHECKSUM; left > 0;) {
    const read = await handle.read(buffer.subarray(0, Math.min(left, buffer.length))) ?? 0;
    if (read === 0) throw new ActionFailed(`${file} became shorter while it was read; wait until it is complete`);
    hash.update(buffer.subarray(0, read));
    left -= read;
  }
  const tail = buffer.subarray(0, await handle.read(buffer) ?? 0);
  const whole = hash.copy().update(tail);
  if (!hash.digest().equals(Buffer.from(tail))) {
    throw new ActionFailed(`the checksum of ${file} is wrong: it is damaged, or no snapshot; use another`);
  }
  return { sha256: whole.digest("hex"), bytes: size };
}

async function open(file: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(file);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new ActionFailed(`there is no file ${file} on this unit; copy the snapshot here with juju scp`);
  }
}

/** From 3.6 on only etcdutl reads files; before 3.5 there is none. */
async function offlineTool(): Promise<"etcdutl" | "etcdctl"> {
  try {
    await capture("etcdutl", ["version"], { timeoutMs: TOOL_MS });
    return "etcdutl";
  } catch (error) {
    if (error instanceof InputError) return "etcdctl";
    throw error;
  }
}

function etcdctl(
  endpoint: string,
  { ca, cert, key }: TlsFiles,
  command: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const tls = [`--cacert=${ca}`, `--cert=${cert}`, `--key=${key}`];
  return run("etcdctl", [`--endpoints=${endpoint}`, ...tls, ...command], timeoutMs);
}

async function run(program: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const { code, stdout, stderr } = await capture(program, args, { environment: { ETCDCTL_API: "3" }, timeoutMs });
  if (code !== 0) throw new ActionFailed(`${program} failed: ${lastLine(stderr)}`);
  return stdout;
}

/** etcdctl logs JSON lines before it says what is wrong. */
function lastLine(text: string): string {
  return (text.trimEnd().split("\n").at(-1) || "it gave no reason").slice(0, SHOWN);
}
