/**
 * Where the project's files are, and what its deno.json says.
 *
 * @module
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };

/** Directory of the project, without a slash at the end. */
export const projectDir = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Version of the executable. */
export const version: string = config.version;

/** The modules that the project takes from JSR, such as `jsr:@std/yaml@^1.0.10`. */
export const jsrSpecifiers: readonly string[] = Object.values(config.imports).filter((specifier) =>
  specifier.startsWith("jsr:")
);

/** Absolute path of what the user typed: `deno task` changes the directory, but says where it was started. */
export function userPath(path: string): string {
  return resolve(Deno.env.get("INIT_CWD") ?? Deno.cwd(), path);
}
