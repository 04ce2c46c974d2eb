/**
 * Zip archives with symlinks and permissions, the same bytes each time.
 *
 * @module
 */
import { type Zippable, zipSync } from "fflate";
import { BUILD_TIME_MS } from "./bundle.ts";

/** One entry of an archive. */
export type ArchiveEntry =
  | { readonly kind: "file"; readonly content: Uint8Array; readonly executable: boolean }
  | { readonly kind: "symlink"; readonly target: string };

/** "Made by" of the archive's entries: Unix, which gives the attributes their meaning. */
const UNIX = 3;
const MODES = { executable: 0o100755, plain: 0o100644, symlink: 0o120777 };

/**
 * Makes a zip archive.
 *
 * @param entries by path inside the archive; their order does not matter
 */
export function makeArchive(entries: ReadonlyMap<string, ArchiveEntry>): Uint8Array {
  const built = new Date(BUILD_TIME_MS);
  // fflate writes the local time of day: these parts make it the same in every time zone.
  const mtime = new Date(built.getUTCFullYear(), built.getUTCMonth(), built.getUTCDate());
  const files: Zippable = {};
  for (const path of [...entries.keys()].sort()) {
    const entry = entries.get(path);
    if (!entry) continue;
    const mode = entry.kind === "symlink" ? MODES.symlink : entry.executable ? MODES.executable : MODES.plain;
    const content = entry.kind === "symlink" ? new TextEncoder().encode(entry.target) : entry.content;
    files[path] = [content, { os: UNIX, attrs: (mode << 16) >>> 0, mtime, level: entry.kind === "symlink" ? 0 : 6 }];
  }
  return zipSync(files);
}
