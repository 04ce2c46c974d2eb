/**
 * Whether a charm can be trusted with root's powers.
 *
 * @module
 */
import { EnvironmentError } from "../errors.ts";

const ROOT = 0;
const WRITABLE_BY_ALL = 0o002;

/**
 * Refuses directories in which everybody can put another program or another charm: root would run it.
 *
 * @param directories of the charm and of the executable; one that is not there is left to who reads it
 * @param uid of the user that runs this
 * @throws {EnvironmentError} that names the first such directory
 */
export function checkTrusted(directories: readonly string[], uid: number | null = Deno.uid()): void {
  if (uid !== ROOT) return;
  for (const directory of new Set(directories)) {
    if ((modeOf(directory) & WRITABLE_BY_ALL) === 0) continue;
    throw new EnvironmentError(
      `everybody can write in ${directory}, and root runs what is there: run chmod o-w ${directory}`,
    );
  }
}

function modeOf(directory: string): number {
  try {
    return Deno.statSync(directory).mode ?? 0;
  } catch {
    return 0;
  }
}
