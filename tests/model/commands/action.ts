/**
 * action-get, action-set, action-fail, action-log. Source: contract section 5.
 *
 * @module
 */
import { toPrintable } from "../format.ts";
import { goQuote } from "../go_flags.ts";
import type { HookRun } from "../hook_run.ts";
import type { ActionTask } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";

const KEY_PART = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const RESERVED: readonly string[] = ["stdout", "stdout-encoding", "stderr", "stderr-encoding"];
const DEFAULT_MESSAGE = "action failed without reason given, check action for errors";

function taskOf(run: HookRun): ActionTask {
  const task = run.actionId === null ? undefined : run.world.actions[run.actionId];
  if (!task) throw new RunError("not running an action");
  return task;
}

function actionGet({ run, args }: CommandCall): CommandResult {
  const [path] = args;
  checkEmpty(args.slice(1));
  let value: unknown = taskOf(run).params;
  for (const part of path === undefined ? [] : path.split(".")) {
    const isMap = typeof value === "object" && value !== null && !Array.isArray(value);
    value = isMap && Object.hasOwn(value as object, part) ? (value as Record<string, unknown>)[part] : null;
  }
  return { value: toPrintable(value) };
}

function actionSet({ run, args }: CommandCall): CommandResult {
  const settings = args.map((arg) => {
    const equals = arg.indexOf("=");
    if (equals < 0) throw new UsageError(`argument ${goQuote(arg)} must be of the form key...=value`);
    const path = arg.slice(0, equals).split(".");
    for (const part of path) {
      if (!KEY_PART.test(part)) {
        throw new UsageError(
          `key ${goQuote(part)} must start and end with lowercase alphanumeric, ` +
            "and contain only lowercase alphanumeric, hyphens and periods",
        );
      }
      if (RESERVED.includes(part)) throw new UsageError(`cannot set reserved action key ${goQuote(part)}`);
    }
    return { path, value: arg.slice(equals + 1) };
  });
  taskOf(run);
  for (const { path, value } of settings) setNested(run.action.results, path, value);
  return {};
}

/** Later values replace earlier ones, scalars by maps and maps by scalars. */
function setNested(results: Record<string, unknown>, path: readonly string[], value: string): void {
  let map = results;
  for (const part of path.slice(0, -1)) {
    const inner = Object.hasOwn(map, part) ? map[part] : undefined;
    const next = typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>) : {};
    map[part] = next;
    map = next;
  }
  map[path.at(-1) ?? ""] = value;
}

function actionFail({ run, args }: CommandCall): CommandResult {
  checkEmpty(args.slice(1));
  taskOf(run);
  run.action.failed = true;
  run.action.message = args[0] ?? DEFAULT_MESSAGE;
  return {};
}

function actionLog({ run, args }: CommandCall): CommandResult {
  if (args.length === 0) throw new UsageError("no message specified");
  const message = args.join(" ");
  const task = taskOf(run);
  task.log = [...task.log, message];
  run.immediate.push({ command: "action-log", detail: { message } });
  return {};
}

/** Commands of actions. */
export const actionCommands: readonly CommandDefinition[] = [
  {
    name: "action-get",
    usage: "[<key>[.<key>.<key>...]]",
    purpose: "Get action parameters.",
    formats: ALL_FORMATS,
    perform: actionGet,
  },
  {
    name: "action-set",
    usage: "<key>=<value> [<key>=<value> ...]",
    purpose: "Set action results.",
    perform: actionSet,
  },
  {
    name: "action-fail",
    usage: '["<failure message>"]',
    purpose: "Set action fail status with message.",
    perform: actionFail,
  },
  {
    name: "action-log",
    usage: "<message>",
    purpose: "Record a progress message for the current action.",
    perform: actionLog,
  },
];
