/**
 * Users and addresses of the machine on which tests run.
 *
 * @module
 */

/** A user of the system. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** The ids of a user as whom servers shall run; undefined when the tests are not root and everything is theirs. */
export async function ownerOf(user: string): Promise<Owner | undefined> {
  if (Deno.uid() !== 0) return undefined;
  const line = (await Deno.readTextFile("/etc/passwd")).split("\n").find((text) => text.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`There is no user ${user}: is its package installed?`);
  return { uid: Number(uid), gid: Number(gid) };
}

/** Options of setpriv that make it run a command as another user. */
export function changeUser({ uid, gid }: Owner): string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

/** A random address of the loopback network on which all these ports are free. */
export function freeAddress(ports: readonly number[]): string {
  for (;;) {
    const [a = 0, b = 0, c = 0] = crypto.getRandomValues(new Uint8Array(3));
    const hostname = `127.${a}.${b}.${c % 254 + 1}`;
    if (a > 0 && ports.every((port) => isFree(hostname, port))) return hostname;
  }
}

function isFree(hostname: string, port: number): boolean {
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
