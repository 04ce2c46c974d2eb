/**
 * The unit's server: its files, its data directory, its start.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Context } from "../../../hooks/context.ts";
import { issue } from "../../clients/certificates/authority.ts";
import { ClientError } from "../../clients/errors.ts";
import { ensureDirectory, isThere, type Owner, writeFileAtomically } from "../../clients/files.ts";
import { connectMysql, type Mysql } from "../../clients/mysql/connection.ts";
import {
  initializeArguments,
  removeSocketLock,
  renderInitFile,
  renderMyCnf,
  serverIdFor,
} from "../../clients/mysql/my_cnf.ts";
import { capture } from "../../clients/run.ts";
import { isIpAddress } from "../../databag.ts";
import { readMemory, remember } from "./memory.ts";
import type { Credentials } from "./passwords.ts";
import type { Paths, Place } from "./place.ts";
import { isRoot, MYSQL_USER, type ServerService } from "./program.ts";

/** Between the name of the data directory and that of an attempt to make it. */
const UNFINISHED = ".new-";
const UNIT_MODE = 0o755;
const PRIVATE_MODE = 0o750;
const OWNER_ONLY = 0o600;
const LEAF_DAYS = 3650;
/** Milliseconds that a hook waits for the server. */
const START_MS = 8000;
const POLL_MS = 100;
/** Milliseconds for each statement of a hook that changes something. */
const WORK_MS = 20_000;
const LOG_LINES = 5;

/** Connects to the unit's own server as its root, by the socket. */
export function openOwn({ socket }: Pick<Paths, "socket">, timeoutMs: number = WORK_MS): Promise<Mysql> {
  return connectMysql({ at: { socketPath: socket }, user: "root", timeoutMs });
}

/** What the server is to be started with: my.cnf. */
export function renderConfig(ctx: Context, place: Place): string {
  return renderMyCnf({
    serverId: serverIdFor(`${ctx.model.uuid}/${ctx.unit}`),
    host: place.host,
    port: place.port,
    dataDirectory: place.data,
    socketPath: place.socket,
    pidFile: `${place.run}/mysqld.pid`,
    errorLog: `${place.log}/error.log`,
    user: MYSQL_USER,
    bufferPoolMiB: place.bufferPoolMiB,
    maxConnections: place.maxConnections,
    tls: tlsFiles(place),
  });
}

/** Whether the server runs with what the options say now: its files are only written just before it is started. */
export async function isCurrent(ctx: Context, place: Place, authority: string): Promise<boolean> {
  const [myCnf, ca] = await Promise.all([place.myCnf, tlsFiles(place).ca].map(readIfThere));
  return myCnf === renderConfig(ctx, place) && ca === authority;
}

/** Tells the options with which servers run from others; the same in all units. */
export function settingsOf({ bufferPoolMiB, maxConnections }: Place): string {
  return fingerprint(JSON.stringify([bufferPoolMiB, maxConnections]));
}

/**
 * Sees to it that the server runs: makes its data directory, certificate and configuration where they are missing.
 *
 * @returns `down` when it did not make its data directory or ended at once, `starting` when it takes longer than a hook
 */
export async function ensureRunning(
  ctx: Context,
  place: Place,
  { manager, spec, program, owner }: ServerService,
  credentials: Credentials,
): Promise<"up" | "starting" | "down"> {
  const { running } = await manager.state(spec);
  if (running) return await isUp(place, START_MS) ? "up" : "starting";
  await prepareFiles(ctx, place, owner, credentials);
  if (!await isThere(place.data) && !await initialise(ctx, place, program, owner)) return "down";
  await manager.install(spec);
  await removeSocketLock(place.socket);
  await manager.start(spec);
  if (await isUp(place, START_MS)) return "up";
  if ((await manager.state(spec)).running) return "starting";
  ctx.log.warning(`MySQL ended: ${(await manager.logTail(spec, LOG_LINES)).trim()} ${await errorLog(place)}`);
  return "down";
}

/** Whether the server lets root in, within some time. */
export async function isUp(place: Paths, patienceMs: number): Promise<boolean> {
  for (const end = Date.now() + patienceMs;; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    try {
      await (await openOwn(place, patienceMs)).close();
      return true;
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (Date.now() >= end) return false;
    }
  }
}

/** A short text that tells one text from another. */
export function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

/** Removes a file or directory, if it is there. */
export async function removeAll(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes data directories that were not finished, but for one that somebody still writes to. */
export async function removeUnfinished({ directory, data }: Paths): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (!path.startsWith(`${data}${UNFINISHED}`)) continue;
    try {
      await removeAll(path);
    } catch (error) {
      // The program that a killed hook left behind makes new files meanwhile.
      if (!(error instanceof Error) || !error.message.includes("not empty")) throw error;
    }
  }
}

function tlsFiles({ tls }: Paths): { ca: string; cert: string; key: string } {
  return { ca: `${tls}/ca.pem`, cert: `${tls}/server.pem`, key: `${tls}/server.key` };
}

async function prepareFiles(
  ctx: Context,
  place: Place,
  owner: Owner | undefined,
  { authority }: Credentials,
): Promise<void> {
  const access = owner ? { owner } : {};
  await ensureDirectory(place.directory, { mode: UNIT_MODE });
  for (const path of [place.run, place.log, place.tls]) await ensureDirectory(path, { mode: PRIVATE_MODE, ...access });
  const write = (path: string, text: string) => writeFileAtomically(path, text, { mode: OWNER_ONLY, ...access });
  await write(place.myCnf, renderConfig(ctx, place));
  const files = tlsFiles(place);
  const certificate = fingerprint(`${place.host} ${authority.certificate}`);
  if (readMemory(ctx).certificate === certificate && await isThere(files.key)) return;
  const leaf = await issue(authority, {
    ...isIpAddress(place.host) ? { addresses: [place.host] } : { names: [place.host] },
    usage: ["server", "client"],
    days: LEAF_DAYS,
  });
  await write(files.ca, authority.certificate);
  await write(files.cert, leaf.certificate);
  await write(files.key, leaf.key);
  remember(ctx, { certificate });
}

/** Makes the data directory; one that is there is whole, because it gets its name at the end. */
async function initialise(ctx: Context, place: Place, program: string, owner: Owner | undefined): Promise<boolean> {
  // One of a hook that was killed may still be written to by the program that it left behind.
  await removeUnfinished(place);
  const unfinished = `${place.data}${UNFINISHED}${crypto.randomUUID()}`;
  const initFile = `${place.run}/initialise.sql`;
  await ensureDirectory(unfinished, { mode: PRIVATE_MODE, ...(owner ? { owner } : {}) });
  await writeFileAtomically(initFile, renderInitFile(), { mode: OWNER_ONLY, ...(owner ? { owner } : {}) });
  const args = [...initializeArguments({ myCnf: place.myCnf, initFile }), `--datadir=${unfinished}`];
  ctx.log.info("making MySQL's data directory");
  const { code, stderr } = await capture(program, isRoot() ? [...args, `--user=${MYSQL_USER}`] : args);
  await removeAll(initFile);
  if (code === 0) {
    await Deno.rename(unfinished, place.data);
    remember(ctx, { prepared: 0 });
  } else {
    ctx.log.warning(`mysqld --initialize ended with ${code}: ${stderr.trim().slice(-500)} ${await errorLog(place)}`);
  }
  return code === 0;
}

/** The lines of the server's log that say why it does not run. */
async function errorLog({ log }: Paths): Promise<string> {
  const text = await Deno.readTextFile(`${log}/error.log`).catch(() => "");
  return text.split("\n").filter((line) => line.includes("[ERROR]")).slice(-LOG_LINES).join("; ");
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
