/**
 * What simulated servers remember, in a file for each cluster. Reading and writing are not interrupted, so that the hook
 * commands of a run always come in the same order; a hook that is killed leaves the file as it was before or after.
 *
 * @module
 */
import { join } from "node:path";

/** Read before privileges are given up. */
const directory = Deno.env.get("TORTURE_SERVERS") ?? "";

/** What handlers that use {@linkcode readServers} and {@linkcode writeServers} need. */
export const SERVER_NEEDS = ["read", "write"] as const;

/** What is remembered of a cluster; the fallback when nothing is. */
export function readServers<T>(cluster: string, fallback: T): T {
  try {
    return JSON.parse(Deno.readTextFileSync(join(directory, cluster)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return fallback;
    throw error;
  }
}

/** Replaces what is remembered of a cluster, at once. */
export function writeServers(cluster: string, value: unknown): void {
  const path = join(directory, cluster);
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(value));
  Deno.renameSync(`${path}.new`, path);
}
