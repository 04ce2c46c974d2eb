/**
 * The option `data-directory`: where a unit keeps its server's files. The value of the first time stays.
 *
 * @module
 */
import type { Config } from "../hooks/config.ts";
import type { Context } from "../hooks/context.ts";
import { ValueError } from "../hooks/errors.ts";

const OPTION = "data-directory";
const DIRECTORY = /^\/[A-Za-z0-9._/-]{1,200}$/;
const DEFAULT = "/var/lib/charmlet";

/** An option that names a directory. @throws {ValueError} for a value that cannot be used */
export function directoryOption(config: Config, option: string, fallback: string): string {
  const value = (config.string(option) ?? fallback).replace(/\/+$/, "");
  if (DIRECTORY.test(value) && !value.split("/").includes("..")) return value;
  throw new ValueError(`${option} must be an absolute path of letters, digits and . _ / -`);
}

/**
 * The directory that is used.
 *
 * @param first what the option said when the directory was made
 * @throws {ValueError} for a value that cannot be used
 */
export async function chosenDirectory(ctx: Context, first: string | undefined): Promise<string> {
  return first ?? directoryOption(await ctx.config(), OPTION, DEFAULT);
}

/** What is wrong with the option now that the directory is in use. */
export async function directoryComplaint(ctx: Context, chosen: string): Promise<string | undefined> {
  const value = directoryOption(await ctx.config(), OPTION, DEFAULT);
  return value === chosen ? undefined : `${OPTION} cannot be changed: set it back to ${chosen}`;
}
