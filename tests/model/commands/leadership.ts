/**
 * is-leader, leader-get, leader-set. Source: contract section 3.3.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import { isLeader } from "../hook_run.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";
import { parsePairs } from "./pairs.ts";
import { overlay } from "./relation_view.ts";

function isLeaderCommand({ run, args }: CommandCall): CommandResult {
  checkEmpty(args);
  return { value: isLeader(run) };
}

function leaderGet({ run, args }: CommandCall): CommandResult {
  const key = args[0] === "-" ? "" : args[0] ?? "";
  if (key.includes("=")) throw new UsageError(`invalid key ${goQuote(key)}`);
  checkEmpty(args.slice(1));
  run.cache.leaderSettings ??= { ...run.world.applications[run.app]?.leaderSettings };
  const settings = run.cache.leaderSettings;
  return { value: key === "" ? settings : Object.hasOwn(settings, key) ? settings[key] ?? null : null };
}

function leaderSet({ run, args }: CommandCall): CommandResult {
  const pairs = parsePairs(args);
  const application = run.world.applications[run.app];
  if (!application || !isLeader(run)) {
    throw new RunError("cannot write leadership settings: cannot write settings: not the leader");
  }
  application.leaderSettings = overlay(application.leaderSettings, pairs);
  delete run.cache.leaderSettings;
  run.immediate.push({ command: "leader-set", detail: Object.fromEntries(pairs) });
  return {};
}

/** Commands about leadership. */
export const leadershipCommands: readonly CommandDefinition[] = [
  {
    name: "is-leader",
    usage: "",
    purpose: "Print application leadership status.",
    formats: ALL_FORMATS,
    perform: isLeaderCommand,
  },
  {
    name: "leader-get",
    usage: "[<key>]",
    purpose: "Print application leadership settings.",
    formats: ALL_FORMATS,
    until: 400,
    perform: leaderGet,
  },
  {
    name: "leader-set",
    usage: "<key>=<value> [...]",
    purpose: "Write application leadership settings.",
    until: 400,
    perform: leaderSet,
  },
];
