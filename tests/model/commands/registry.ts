/**
 * All hook commands, and how one is run.
 *
 * @module
 */
import { type Format, formatValue } from "../format.ts";
import { FlagError, type FlagSpec, goQuote, HelpRequested, parseFlags } from "../go_flags.ts";
import { type HookRun, jujuLine } from "../hook_run.ts";
import { isAbsolute, join } from "node:path";
import { actionCommands } from "./action.ts";
import { configCommands } from "./config.ts";
import { type CommandDefinition, type CommandResult, RunError, StdinNeeded, UsageError } from "./definition.ts";
import { leadershipCommands } from "./leadership.ts";
import { logCommands } from "./log.ts";
import { networkCommands } from "./network.ts";
import { payloadCommands } from "./payload.ts";
import { portCommands } from "./ports.ts";
import { relationCommands } from "./relation.ts";
import { secretAccessCommands } from "./secret_access.ts";
import { secretReadCommands } from "./secret_read.ts";
import { secretWriteCommands } from "./secret_write.ts";
import { stateCommands } from "./state.ts";
import { statusCommands } from "./status.ts";
import { storageCommands } from "./storage.ts";

/** How a call ended: an answer, a request for standard input, or an error of the protocol. */
export type CommandOutcome =
  | { readonly code: number; readonly stdout: Uint8Array; readonly stderr: Uint8Array }
  | { readonly needsStdin: true }
  | { readonly rpcError: string };

const COMMANDS: ReadonlyMap<string, CommandDefinition> = new Map(
  [
    ...relationCommands,
    ...configCommands,
    ...leadershipCommands,
    ...stateCommands,
    ...statusCommands,
    ...logCommands,
    ...networkCommands,
    ...portCommands,
    ...storageCommands,
    ...secretReadCommands,
    ...secretWriteCommands,
    ...secretAccessCommands,
    ...actionCommands,
    ...payloadCommands,
  ].map((definition) => [definition.name, definition]),
);

/** Names of all hook commands of any supported Juju. */
export const HOOK_COMMANDS: readonly string[] = [...COMMANDS.keys()].sort();

/**
 * The hook commands that a Juju release has.
 *
 * @param line release line as `major * 100 + minor`
 */
export function commandsOf(line: number): string[] {
  return HOOK_COMMANDS.filter((name) => exists(COMMANDS.get(name), line));
}

function exists(definition: CommandDefinition | undefined, line: number): definition is CommandDefinition {
  return definition !== undefined && line >= (definition.since ?? 0) && line < (definition.until ?? Infinity);
}

/**
 * Runs one hook command against a hook's context. Commands of one hook run one at a time.
 *
 * @param run the hook's context; changed by the command
 * @param command name of the command
 * @param args arguments after the name
 * @param stdin standard input; undefined when the caller sent none
 * @param dir absolute working directory of the caller
 */
export function runCommand(
  run: HookRun,
  command: string,
  args: readonly string[],
  stdin: Uint8Array | undefined,
  dir: string,
): CommandOutcome {
  const definition = COMMANDS.get(command);
  if (!exists(definition, jujuLine(run.world))) return { rpcError: `bad request: unknown command: ${command}` };
  try {
    return perform(definition, run, args, stdin, dir);
  } catch (error) {
    if (error instanceof StdinNeeded) return { needsStdin: true };
    if (error instanceof HelpRequested) return answer(0, helpOf(definition, run), "");
    if (error instanceof FlagError || error instanceof UsageError) return answer(2, "", `ERROR ${error.message}\n`);
    if (error instanceof RunError) return answer(1, "", `ERROR ${error.message}\n`);
    throw error;
  }
}

function answer(code: number, stdout: string, stderr: string): CommandOutcome {
  const encoder = new TextEncoder();
  return { code, stdout: encoder.encode(stdout), stderr: encoder.encode(stderr) };
}

function perform(
  definition: CommandDefinition,
  run: HookRun,
  argv: readonly string[],
  stdin: Uint8Array | undefined,
  dir: string,
): CommandOutcome {
  const { values, args } = parseFlags(flagsOf(definition, run), argv);
  const format = (definition.formats ? values.get("format") ?? definition.formats[0] : "smart") as Format;
  const call = { run, command: definition.name, flags: values, args, format, dir, stdin };
  const result = definition.perform(call);
  const text = printed(result, format);
  const output = definition.formats ? values.get("output") : undefined;
  if (!output) return answer(0, text, result.stderr ?? "");
  writeOutput(isAbsolute(output) ? output : join(dir, output), text);
  return answer(0, "", result.stderr ?? "");
}

function printed(result: CommandResult, format: Format): string {
  const value = result.value === undefined ? "" : formatValue(result.value, format, result.asLines);
  return (result.text ?? "") + value;
}

function writeOutput(path: string, text: string): void {
  try {
    Deno.writeTextFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound ? "no such file or directory" : "permission denied";
    throw new RunError(`open ${path}: ${reason}`);
  }
}

function flagsOf(definition: CommandDefinition, run: HookRun): FlagSpec[] {
  const own = definition.flags?.(run) ?? [];
  if (!definition.formats) return [...own];
  const formats = definition.formats;
  const format: FlagSpec = {
    names: ["format"],
    type: "string",
    usage: `specify output format (${[...formats].sort().join("|")})`,
    initial: formats[0] ?? "",
    check: (value) => formats.includes(value as Format) ? undefined : `unknown format ${goQuote(value)}`,
  };
  return [...own, format, { names: ["output", "o"], type: "string", usage: "specify an output file" }];
}

function helpOf(definition: CommandDefinition, run: HookRun): string {
  const flags = flagsOf(definition, run);
  const usage = typeof definition.usage === "string" ? definition.usage : definition.usage(run);
  const words = [definition.name, ...(flags.length > 0 ? ["[options]"] : []), ...(usage ? [usage] : [])];
  const details = definition.details?.(run) ?? "";
  const options = flags.map(({ names, usage = "", initial = "", type }) => {
    const spelled = [...names].sort((a, b) => a.length - b.length).map((n) => (n.length > 1 ? `--${n}` : `-${n}`));
    const preset = type === "string" ? `(= ${goQuote(initial)})` : ` (= ${type === "bool" ? "false" : initial})`;
    return `${spelled.join(", ")} ${preset}\n    ${usage}\n`;
  }).sort().join("");
  return `Usage: ${words.join(" ")}\n\nSummary:\n${definition.purpose}\n` +
    (options ? `\nOptions:\n${options}` : "") + (details ? `\nDetails:\n${details}\n` : "");
}
