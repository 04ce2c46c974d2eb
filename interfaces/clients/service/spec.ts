/**
 * What a service spec may say: everything that ends up in a unit file, a path or a command line.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { ServiceSpec } from "./service.ts";

const NAME = /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/;
const PROGRAM = /^\/[A-Za-z0-9._+@/-]{1,1000}$/;
/** No control characters, and no backslash: a unit file would go on with the next line. */
const DIRECTORY = /^\/[^\p{Cc}\\]{1,1000}$/u;
const ACCOUNT = /^[a-z_][a-z0-9_.-]{0,63}$/i;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const MAX_ARGUMENTS = 500;
const MAX_TEXT = 32 * 1024;
const MAX_STOP_MS = 24 * 3600 * 1000;
const MAX_OPEN_FILES = 1024 * 1024;

/** @throws {InputError} that says which part of the spec cannot be used */
export function checkSpec(spec: ServiceSpec): void {
  const { name, description, argv, user, group, environment = {}, directory } = spec;
  const { restartExitCodes = [], stopTimeoutMs = 0, openFiles = 1 } = spec;
  if (!NAME.test(name)) throw new InputError("a service name has a-z, 0-9 and - only, at most 64 characters");
  const refuse = (why: string): InputError => new InputError(`service ${name}: ${why}`);
  if (!/^\P{Cc}{1,200}$/u.test(description)) throw refuse("the description is one line of 1 to 200 characters");
  if (!PROGRAM.test(argv[0] ?? "")) throw refuse("the program is an absolute path of letters, digits and . _ + @ / -");
  if (argv.length > MAX_ARGUMENTS) throw refuse(`at most ${MAX_ARGUMENTS} arguments`);
  if (!argv.every(isArgument)) throw refuse(`an argument has at most ${MAX_TEXT} characters and no NUL`);
  if (!DIRECTORY.test(directory)) throw refuse("the directory is an absolute path without control characters and \\");
  if (user !== undefined && !ACCOUNT.test(user)) throw refuse("the user is not a user name");
  if (group !== undefined && !ACCOUNT.test(group)) throw refuse("the group is not a group name");
  if (group !== undefined && user === undefined) throw refuse("a group needs a user");
  for (const [key, value] of Object.entries(environment)) {
    if (!VARIABLE.test(key) || !isArgument(value)) throw refuse("an environment variable has a bad name or value");
  }
  if (!restartExitCodes.every((code) => isWhole(code, 0, 255))) throw refuse("exit codes are 0 to 255");
  if (!isWhole(stopTimeoutMs, 0, MAX_STOP_MS)) throw refuse("the stop timeout is whole milliseconds, at most a day");
  if (!isWhole(openFiles, 1, MAX_OPEN_FILES)) throw refuse(`open files are 1 to ${MAX_OPEN_FILES}`);
}

function isArgument(text: string): boolean {
  return text.length <= MAX_TEXT && !text.includes("\0");
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}
