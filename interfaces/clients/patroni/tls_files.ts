/**
 * Certificates as files that a running Patroni can switch to: a listener that reads a key of another certificate dies,
 * and later good files do not revive it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { InputError } from "../errors.ts";
import { checkTls } from "../etcd/pem.ts";
import type { TlsPaths } from "./settings.ts";

/** PEM texts. */
export interface TlsTexts {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const MAX_BYTES = 256 * 1024;
const DIGEST = /^[0-9a-f]{16}$/;

/**
 * Writes certificates into a directory of their own below `directory`, named after their content: new certificates
 * have new paths, so nobody sees a part of them.
 *
 * @param directory has to exist
 * @param owner PostgreSQL's user; the caller's own without it
 * @throws {InputError} when they cannot be read or do not belong together; nothing is written then
 */
export async function writeTlsFiles(
  directory: string,
  texts: TlsTexts,
  owner?: { readonly uid: number; readonly gid: number },
): Promise<TlsPaths> {
  checkTls(texts);
  const digest = createHash("sha256").update(JSON.stringify([texts.ca, texts.cert, texts.key])).digest("hex");
  const target = `${directory}/${digest.slice(0, 16)}`;
  const paths = pathsIn(target);
  if (await exists(target)) return paths;
  const temporary = await Deno.makeTempDir({ dir: directory, prefix: ".tls-" });
  try {
    const made = pathsIn(temporary);
    for (const part of ["ca", "cert", "key"] as const) {
      await Deno.writeTextFile(made[part], texts[part], { createNew: true, mode: 0o600 });
      using file = await Deno.open(made[part]);
      await file.sync();
      if (owner) await Deno.chown(made[part], owner.uid, owner.gid);
    }
    await Deno.chmod(temporary, 0o700);
    if (owner) await Deno.chown(temporary, owner.uid, owner.gid);
    await Deno.rename(temporary, target);
  } catch (error) {
    await Deno.remove(temporary, { recursive: true });
    throw error;
  }
  return paths;
}

/**
 * Checks files before a configuration names them.
 *
 * @throws {InputError} when one is missing or they do not belong together
 */
export async function checkTlsFiles(paths: TlsPaths): Promise<void> {
  const [ca, cert, key] = await Promise.all([
    read(paths.ca, "certificate authority"),
    read(paths.cert, "certificate"),
    read(paths.key, "key"),
  ]);
  checkTls({ ca, cert, key });
}

/** Removes certificates that {@linkcode writeTlsFiles} has written and that are not to be kept. */
export async function removeOldTlsFiles(directory: string, keep: readonly TlsPaths[]): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    const kept = keep.some(({ key }) => key === pathsIn(path).key);
    if (isDirectory && DIGEST.test(name) && !kept) await Deno.remove(path, { recursive: true });
  }
}

function pathsIn(directory: string): TlsPaths {
  return { ca: `${directory}/ca.pem`, cert: `${directory}/cert.pem`, key: `${directory}/key.pem` };
}

async function exists(path: string): Promise<boolean> {
  try {
    return (await Deno.lstat(path)).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function read(path: string, what: string): Promise<string> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_BYTES) throw new InputError(`the ${what} ${path} is larger than ${MAX_BYTES} bytes; replace it`);
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new InputError(`the ${what} ${path} is not there; write the certificates first`);
  }
}
