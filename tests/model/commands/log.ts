/**
 * juju-log and juju-reboot. Source: contract section 3.3.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import {
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  formatNote,
  IGNORED_FORMAT,
  RunError,
  UsageError,
} from "./definition.ts";

const LEVELS: readonly string[] = ["TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"];

function jujuLog(call: CommandCall): CommandResult {
  const { run, args, flags } = call;
  if (args.length === 0) throw new UsageError("no message specified");
  const module = `unit.${run.unit}.juju-log`;
  const wanted = flags.get("log-level") ?? "INFO";
  let level = flags.get("debug") === "true" ? "DEBUG" : wanted.toUpperCase() || "INFO";
  if (level === "WARN") level = "WARNING";
  if (!LEVELS.includes(level)) {
    run.log.push({ level: "WARNING", module, message: `Specified log level of ${goQuote(wanted)} is not valid` });
    level = "INFO";
  }
  const own = run.relationId === null ? undefined : run.relations.get(run.relationId);
  const prefix = own ? `${own.endpoint}:${own.id}: ` : "";
  run.log.push({ level, module, message: prefix + args.join(" ") });
  return formatNote(call);
}

function jujuReboot({ run, args, flags }: CommandCall): CommandResult {
  checkEmpty(args);
  if (run.actionId !== null) throw new RunError("juju-reboot is not supported when running an action.");
  run.reboot = flags.get("now") === "true" ? "now" : "after-hook";
  run.immediate.push({ command: "juju-reboot", detail: { when: run.reboot } });
  return {};
}

/** Commands to the agent itself. */
export const logCommands: readonly CommandDefinition[] = [
  {
    name: "juju-log",
    usage: "<message>",
    purpose: "Write a message to the juju log.",
    flags: () => [
      { names: ["debug"], type: "bool", usage: "log at debug level" },
      { names: ["log-level", "l"], type: "string", usage: "send log message at the given level", initial: "INFO" },
      IGNORED_FORMAT,
    ],
    perform: jujuLog,
  },
  {
    name: "juju-reboot",
    usage: "",
    purpose: "Reboot the host machine.",
    flags: () => [{ names: ["now"], type: "bool", usage: "reboot immediately, killing the invoking process" }],
    perform: jujuReboot,
  },
];
