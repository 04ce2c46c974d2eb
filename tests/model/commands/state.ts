/**
 * state-get, state-set, state-delete. Source: contract section 3.3; juju/juju core/quota.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import type { HookRun } from "../hook_run.ts";
import type { Bag } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
} from "./definition.ts";
import { parsePairs, settingsOf } from "./pairs.ts";

/** Longest key, in bytes of UTF-8. */
const KEY_LIMIT = 256;
/** Longest value, in bytes of UTF-8. */
const VALUE_LIMIT = 65536;

/**
 * The charm state with the hook's pending changes. Read once per hook.
 *
 * @param run the run
 */
export function readState(run: HookRun): Bag {
  run.cache.state ??= { ...run.world.units[run.unit]?.state };
  const state = new Map(Object.entries(run.cache.state));
  for (const [key, value] of run.stateWrites) {
    if (value === null) state.delete(key);
    else state.set(key, value);
  }
  return Object.fromEntries(state);
}

function stateGet(call: CommandCall): CommandResult {
  const { run, args } = call;
  const key = args[0] === "-" ? "" : args[0] ?? "";
  checkEmpty(args.slice(1));
  const state = readState(run);
  if (key !== "") {
    if (!Object.hasOwn(state, key) && call.flags.get("strict") === "true") {
      throw new RunError(`${goQuote(key)} not found`);
    }
    // A missing key is an empty string, in json too: `""` (jujuc/state-get.go).
    return { value: Object.hasOwn(state, key) ? state[key] ?? "" : "" };
  }
  const nothing = Object.keys(state).length === 0 && call.format === "json";
  return { value: nothing ? null : state };
}

function stateSet(call: CommandCall): CommandResult {
  const settings = settingsOf(call, parsePairs(call.args));
  const size = (text: string) => new TextEncoder().encode(text).length;
  for (const [key, value] of settings) {
    if (size(key) > KEY_LIMIT) throw new RunError(`max allowed key length (${KEY_LIMIT}) exceeded`);
    if (size(value) > VALUE_LIMIT) throw new RunError(`max allowed value length (${VALUE_LIMIT}) exceeded`);
  }
  for (const [key, value] of settings) call.run.stateWrites.set(key, value);
  return {};
}

function stateDelete({ run, args }: CommandCall): CommandResult {
  const [key] = args;
  checkEmpty(args.slice(1));
  if (key) run.stateWrites.set(key, null);
  return {};
}

/** Commands about the charm's stored state. */
export const stateCommands: readonly CommandDefinition[] = [
  {
    name: "state-get",
    usage: "[<key>]",
    purpose: "Print server-side-state value.",
    flags: () => [{ names: ["strict"], type: "bool", usage: "return an error if the requested key does not exist" }],
    formats: ALL_FORMATS,
    perform: stateGet,
  },
  {
    name: "state-set",
    usage: "key=value [key=value ...]",
    purpose: "Set server-side-state values.",
    flags: () => [{ names: ["file"], type: "string", usage: "file containing key-value pairs" }],
    perform: stateSet,
  },
  {
    name: "state-delete",
    usage: "<key>",
    purpose: "Delete server-side-state key value pair.",
    perform: stateDelete,
  },
];
