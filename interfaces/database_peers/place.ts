/**
 * Where a unit's files are, and the service that runs its Patroni.
 *
 * @module
 */
import { join } from "node:path";
import { InputError } from "../clients/errors.ts";
import { ensureDirectory, type Owner, userIds } from "../clients/files.ts";
import type { ServiceSpec } from "../clients/service/service.ts";
import { memberOf } from "./names.ts";

/** The user that runs the servers. */
export const SERVER_USER = "postgres";

const VERSIONS = "/usr/lib/postgresql";
const PATRONI = "/usr/bin/patroni";
const OWNER_ONLY = 0o700;
/** PostgreSQL ends its sessions and writes a checkpoint. */
const STOP_MS = 20_000;

/** A unit's paths. */
export interface Place {
  /** The hook's: the supervisor keeps its files here. */
  readonly directory: string;
  /** There while a role's password is changed. */
  readonly passwordChange: string;
  /** The server's: everything else is in it. */
  readonly home: string;
  readonly config: string;
  readonly data: string;
  readonly sockets: string;
  readonly passFile: string;
  readonly tls: string;
  readonly etcdTls: string;
  readonly raft: string;
}

/** The paths of a unit. @param dataDirectory the option */
export function placeOf(dataDirectory: string, unit: string): Place {
  const directory = join(dataDirectory, memberOf(unit));
  const home = join(directory, "postgresql");
  return {
    directory,
    passwordChange: join(directory, "password-change.json"),
    home,
    config: join(home, "patroni.yml"),
    data: join(home, "data"),
    sockets: join(home, "sockets"),
    passFile: join(home, "pgpass"),
    tls: join(home, "tls"),
    etcdTls: join(home, "etcd"),
    raft: join(home, "raft"),
  };
}

/**
 * Makes the directories, for the server's user.
 *
 * @returns the ids of that user
 * @throws {InputError} when the machine has no such user
 */
export async function makePlace(place: Place): Promise<Owner> {
  const known = await ownerOf(place.raft);
  if (known) return known;
  const owner = await userIds(SERVER_USER);
  if (!owner) throw new InputError(`the machine has no user ${SERVER_USER}: install PostgreSQL`);
  await ensureDirectory(place.directory, { mode: 0o755 });
  // The last one stands for all.
  for (const path of [place.home, place.sockets, place.tls, place.etcdTls, place.raft]) {
    await ensureDirectory(path, { mode: OWNER_ONLY, owner });
  }
  return owner;
}

/** Who has a directory, unless it is root, which has it for a moment after it was made. */
async function ownerOf(path: string): Promise<Owner | undefined> {
  try {
    const { uid, gid } = await Deno.lstat(path);
    return uid && gid ? { uid, gid } : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The service of a unit's Patroni. */
export function serviceOf(place: Place, unit: string): ServiceSpec {
  return {
    name: `patroni-${memberOf(unit)}`.slice(0, 64),
    description: `Patroni of ${unit}`,
    argv: [PATRONI, place.config],
    user: SERVER_USER,
    directory: place.directory,
    stopTimeoutMs: STOP_MS,
  };
}

/**
 * Where PostgreSQL's programs are: those of the version that made the data, else the newest.
 *
 * @throws {InputError} when no PostgreSQL is installed
 */
export async function programsOf(place: Place): Promise<string> {
  try {
    const version = (await Deno.readTextFile(join(place.data, "PG_VERSION"))).trim();
    if (/^\d{1,3}$/.test(version)) return join(VERSIONS, version, "bin");
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const versions: number[] = [];
  try {
    for await (const { name } of Deno.readDir(VERSIONS)) if (/^\d{1,3}$/.test(name)) versions.push(Number(name));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const newest = versions.sort((a, b) => b - a)[0];
  if (newest === undefined) throw new InputError("PostgreSQL is not installed: look at the log of the install hook");
  return join(VERSIONS, String(newest), "bin");
}
