/**
 * One hook command: run it, turn a failure into a typed error, parse what it printed.
 *
 * @module
 */
import {
  AgentError,
  HookCommandError,
  NotFoundError,
  NotLeaderError,
  PermissionDeniedError,
  UnknownCommandError,
} from "../errors.ts";
import type { HookCommandTransport } from "./transport.ts";

/** What the command families need to run commands. */
export interface Call {
  readonly kind: HookCommandTransport["kind"];
  /** Runs a command and drops what it prints. */
  run(command: string, args: readonly string[], stdin?: string): Promise<void>;
  /** Runs a command and returns its standard output. */
  text(command: string, args: readonly string[]): Promise<string>;
  /** Runs a command with `--format=json` and returns the parsed output. */
  json(command: string, args: readonly string[]): Promise<unknown>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const lossy = new TextDecoder();

/**
 * Wraps a transport. Every error carries the command's name and stderr, never its arguments.
 *
 * @throws {HookCommandError} (or a subclass) from each call when the command's exit status is not 0
 * @throws {AgentError} from each call when the agent cannot be reached or prints what is not JSON
 */
export function hookCommandCall(transport: HookCommandTransport): Call {
  const invoke = async (command: string, args: readonly string[], stdin?: string): Promise<Uint8Array> => {
    const reply = await transport.run(command, args, stdin === undefined ? undefined : encoder.encode(stdin));
    if (reply.code !== 0) throw commandError(command, reply.code, lossy.decode(reply.stderr));
    return reply.stdout;
  };
  const decode = (command: string, bytes: Uint8Array): string => {
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw new AgentError(`${command} answered with bytes that are not UTF-8; Juju will retry the hook`, { cause });
    }
  };
  return {
    kind: transport.kind,
    run: async (command, args, stdin) => void await invoke(command, args, stdin),
    text: async (command, args) => decode(command, await invoke(command, args)),
    json: async (command, args) => {
      const text = decode(command, await invoke(command, ["--format=json", ...args]));
      try {
        return JSON.parse(text);
      } catch {
        throw new AgentError(
          `${command} answered with ${text.length} characters that are not JSON; Juju will retry the hook`,
        );
      }
    },
  };
}

const ERROR_CLASSES: readonly (readonly [RegExp, typeof HookCommandError])[] = [
  [/unknown (hook )?command|not found on PATH/, UnknownCommandError],
  [/not the leader|cannot write relation settings/, NotLeaderError],
  [/permission denied/, PermissionDeniedError],
  [/not found/, NotFoundError],
];

/** Chooses the error class by what Juju's commands print (contract sections 3, 4.1 and 6.2). */
function commandError(command: string, code: number, stderr: string): HookCommandError {
  const detail = stderr.trim().replace(/^ERROR /, "").replaceAll(/\s*\n\s*/g, "; ");
  const [, ErrorClass] = ERROR_CLASSES.find(([pattern]) => pattern.test(detail)) ?? [undefined, HookCommandError];
  return new ErrorClass(command, code, detail || "no reason given");
}
