/**
 * Files and directories of a workload, written so that a crash at any moment leaves the old or the new content.
 *
 * @module
 */
import { constants } from "node:fs";
import { lchown, open } from "node:fs/promises";
import { InputError } from "./errors.ts";
import { capture } from "./run.ts";

/** Who a file belongs to. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** How a file or directory shall be. */
export interface Access {
  /** Permission bits, such as 0o600; they hold whatever the umask is. */
  readonly mode: number;
  /** Without it the owner stays as it is. */
  readonly owner?: Owner;
}

const PERMISSIONS = 0o7777;
const WRITABLE_BY_ALL = 0o002;
const STICKY = 0o1000;
const PARENT_MODE = 0o755;
const USER_NAME = /^[a-z_][a-z0-9_.-]{0,63}$/i;

/**
 * Writes a file by way of a temporary file in the same directory, which gets its owner and mode before any content.
 *
 * @returns false when the file already had this content, mode and owner
 * @throws {InputError} when the path is a symlink, a directory or anything else but a plain file
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
  access: Access,
): Promise<boolean> {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const now = await look(path);
  if (now && !now.isFile) throw new InputError(`${path} is not a plain file: remove it, then try again`);
  if (now?.size === bytes.length && fits(now, access) && same(await Deno.readFile(path), bytes)) return false;
  const slash = path.lastIndexOf("/");
  const temporary = `${path.slice(0, slash + 1)}.${path.slice(slash + 1)}.${crypto.randomUUID()}`;
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(temporary, flags, access.mode & 0o700);
    try {
      if (access.owner) await file.chown(access.owner.uid, access.owner.gid);
      await file.chmod(access.mode);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await Deno.rename(temporary, path);
  } catch (error) {
    await Deno.remove(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(path.slice(0, slash) || (slash === 0 ? "/" : "."));
  return true;
}

/**
 * Makes a directory, and with mode 0755 those above it that are missing; sets mode and owner where they differ.
 *
 * @throws {InputError} when the path is a symlink or no directory, or is another user's and nobody says whose it shall be;
 * when it would be made where everybody could put another one in its place
 */
export async function ensureDirectory(path: string, access: Access): Promise<void> {
  let now = await look(path);
  if (now && !now.isDirectory) throw new InputError(`${path} is not a directory: remove it, then try again`);
  if (now && !access.owner && now.uid !== 0 && now.uid !== Deno.uid()) {
    throw new InputError(`${path} belongs to another user: remove it, or give it to root, then try again`);
  }
  if (!now) {
    await checkParents(path);
    await ensureParents(path);
    await makeDirectory(path, access.mode & 0o700);
    now = await look(path);
  }
  if (now && fits(now, access)) return;
  if (access.owner) await lchown(path, access.owner.uid, access.owner.gid);
  await Deno.chmod(path, access.mode);
}

/** The ids of a user of the machine; undefined when there is no such user. */
export async function userIds(name: string): Promise<Owner | undefined> {
  if (!USER_NAME.test(name)) throw new InputError("a user name has letters, digits, _ . and - only");
  // Most users are here, and each hook of a server's charm asks.
  const local = idsIn(await readUsers(), name);
  if (local) return local;
  const { code, stdout } = await capture("getent", ["passwd", name]);
  return code === 0 ? idsIn(stdout, name) : undefined;
}

async function readUsers(): Promise<string> {
  try {
    return await Deno.readTextFile("/etc/passwd");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** @param passwd lines such as `mysql:x:107:115:MySQL Server:/nonexistent:/bin/false` */
function idsIn(passwd: string, name: string): Owner | undefined {
  const line = passwd.split("\n").find((each) => each.startsWith(`${name}:`));
  const [, , uid = "", gid = ""] = line?.split(":") ?? [];
  return /^\d{1,10}$/.test(uid) && /^\d{1,10}$/.test(gid) ? { uid: Number(uid), gid: Number(gid) } : undefined;
}

/** What is at a path, without following symlinks. */
async function look(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function fits(now: Deno.FileInfo, { mode, owner }: Access): boolean {
  const rightOwner = !owner || (now.uid === owner.uid && now.gid === owner.gid);
  return rightOwner && now.mode !== null && (now.mode & PERMISSIONS) === mode;
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

/** The umask of a hook would close what it makes to every other user, also to the server's. */
async function ensureParents(path: string): Promise<void> {
  const slash = path.replace(/\/+$/, "").lastIndexOf("/");
  if (slash <= 0) return;
  const parent = path.slice(0, slash);
  if (await look(parent)) return;
  await ensureParents(parent);
  await makeDirectory(parent, PARENT_MODE);
  await Deno.chmod(parent, PARENT_MODE);
}

/** In a sticky directory such as /tmp nobody can take away what is another's. */
async function checkParents(path: string): Promise<void> {
  for (let end = path.lastIndexOf("/"); end >= 0; end = path.lastIndexOf("/", end - 1)) {
    const parent = path.slice(0, end) || "/";
    const mode = (await Deno.stat(parent).catch(() => undefined))?.mode ?? 0;
    if ((mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0) {
      throw new InputError(`everybody can write in ${parent}: run chmod o-w ${parent}, then try again`);
    }
    if (end === 0) return;
  }
}

async function makeDirectory(path: string, mode: number): Promise<void> {
  try {
    await Deno.mkdir(path, { mode });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  using directory = await Deno.open(path);
  await directory.sync();
}

/** Whether anything is at a path, a dangling symlink too. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Text of a file; undefined when it is not there. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Removes a file, or a directory with everything in it, if it is there. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
