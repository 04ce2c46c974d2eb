/**
 * SHA256SUMS beside what is built, as `sha256sum --check` reads it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";

const NAME = "SHA256SUMS";
const LINE = /^[0-9a-f]{64} [ *](.+)$/;

/**
 * Writes the checksums of files that are in one directory; lines of other files stay as they are.
 *
 * @returns the path of the list
 */
export async function recordChecksums(files: readonly string[]): Promise<string> {
  const path = join(dirname(files[0] ?? ""), NAME);
  const names = files.map((file) => basename(file));
  const kept = (await readLines(path)).filter((line) => line !== "" && !names.includes(LINE.exec(line)?.[1] ?? ""));
  const made = await Promise.all(files.map(async (file) => {
    return `${createHash("sha256").update(await Deno.readFile(file)).digest("hex")}  ${basename(file)}`;
  }));
  await Deno.writeTextFile(`${path}.part`, [...kept, ...made].map((line) => `${line}\n`).join(""));
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
