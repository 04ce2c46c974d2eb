/**
 * SHA256SUMS beside what is built, as `sha256sum --check` reads it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";

const NAME = "SHA256SUMS";
const LINE = /^([0-9a-f]{64}) {2}(.+)$/;

/**
 * Writes the checksums of files that are in one directory; lines of other files stay as they are.
 *
 * @returns the path of the list
 */
export async function recordChecksums(files: readonly string[]): Promise<string> {
  const path = join(dirname(files[0] ?? ""), NAME);
  const sums = new Map((await readLines(path)).flatMap((line) => {
    const [, sum, name] = LINE.exec(line) ?? [];
    return sum === undefined || name === undefined ? [] : [[name, sum]];
  }));
  for (const file of files) {
    sums.set(basename(file), createHash("sha256").update(await Deno.readFile(file)).digest("hex"));
  }
  const lines = [...sums].sort(([a], [b]) => a < b ? -1 : 1).map(([name, sum]) => `${sum}  ${name}\n`);
  await Deno.writeTextFile(`${path}.part`, lines.join(""));
  await Deno.rename(`${path}.part`, path);
  return path;
}

async function readLines(path: string): Promise<string[]> {
  try {
    return (await Deno.readTextFile(path)).split("\n");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
