/**
 * State in a file of the charm directory, for agents without `state-get` (Juju before 2.8).
 * It cannot commit together with the databags: a hook whose commit Juju refuses keeps the new state.
 *
 * @module
 */
import { StateError } from "../errors.ts";
import { asStringMap } from "../juju/shape.ts";
import type { StateBackend } from "./backend.ts";

const WRITABLE_BY_ALL = 0o002;

/**
 * Opens the state file and locks it until `close`, so that a second executable waits.
 *
 * @param charmDir absolute charm directory; the file is `.charmlet/state.json` in it, mode 0600
 * @throws {StateError} when the directory cannot be written, or everybody can write there
 */
export async function fileStore(charmDir: string): Promise<StateBackend> {
  const dir = `${charmDir}/.charmlet`;
  const path = `${dir}/state.json`;
  let lock: Deno.FsFile;
  try {
    await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
    checkOwned(charmDir, await Deno.stat(charmDir));
    checkOwned(dir, await Deno.lstat(dir));
    lock = await Deno.open(`${dir}/state.lock`, { create: true, write: true, mode: 0o600 });
    await lock.lock(true);
  } catch (cause) {
    if (cause instanceof StateError) throw cause;
    throw new StateError(
      `state cannot be stored below ${dir}: ${reason(cause)}; make the charm directory writable`,
      { cause },
    );
  }
  let current: Record<string, string> = {};
  return {
    kind: "file",
    async load() {
      current = await readState(path);
      return { ...current };
    },
    async save(changes) {
      for (const [key, value] of changes) {
        if (value === null) delete current[key];
        else current[key] = value;
      }
      const temporary = `${path}.new`;
      try {
        await Deno.writeTextFile(temporary, JSON.stringify(current), { mode: 0o600 });
        await Deno.rename(temporary, path);
      } catch (cause) {
        throw new StateError(`state cannot be stored in ${path}: ${reason(cause)}; nothing was changed`, { cause });
      }
    },
    close: () => lock.close(),
  };
}

/** Whoever may write in a directory decides what stands there, and could have any file read or replaced. */
function checkOwned(dir: string, { isDirectory, mode, uid }: Deno.FileInfo): void {
  const isOwn = uid === 0 || uid === Deno.uid();
  if (isDirectory && isOwn && ((mode ?? 0) & WRITABLE_BY_ALL) === 0) return;
  throw new StateError(
    `state cannot be stored below ${dir}: it is not ours alone; run: chown root and chmod o-w on it`,
  );
}

async function readState(path: string): Promise<Record<string, string>> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return {};
    throw new StateError(`state cannot be read from ${path}: ${reason(cause)}`, { cause });
  }
  try {
    return asStringMap("state file", JSON.parse(text));
  } catch (cause) {
    throw new StateError(`${path} is damaged; restore it from a backup, or remove it to start anew`, { cause });
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
