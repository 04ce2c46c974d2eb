/**
 * status-set, status-get, application-version-set. Source: contract section 3.3.
 *
 * @module
 */
import { type Printable, toPrintable } from "../format.ts";
import { goQuote } from "../go_flags.ts";
import { isLeader } from "../hook_run.ts";
import type { StatusInfo } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";

const STATUSES: readonly string[] = ["maintenance", "blocked", "waiting", "active"];
const NOT_LEADER = "this unit is not the leader";

function statusSet({ run, args, flags }: CommandCall): CommandResult {
  const [status, message = ""] = args;
  if (status === undefined) throw new UsageError("invalid args, require <status> [message]");
  if (!STATUSES.includes(status)) {
    throw new UsageError(`invalid status ${goQuote(status)}, expected one of [${STATUSES.join(" ")}]`);
  }
  checkEmpty(args.slice(2));
  const info: StatusInfo = { status, message, data: {}, since: run.world.now };
  const forApplication = flags.get("application") === "true";
  if (forApplication) {
    const application = run.world.applications[run.app];
    if (!application || !isLeader(run)) throw new RunError(NOT_LEADER);
    application.status = info;
  } else {
    const unit = run.world.units[run.unit];
    if (unit) unit.status = info;
    run.statusWasSet = true;
  }
  run.immediate.push({ command: "status-set", detail: { status, message, application: forApplication } });
  return {};
}

function details(info: StatusInfo, withData: boolean): { [key: string]: Printable } {
  if (!withData) return { status: info.status };
  return { status: info.status, message: info.message, "status-data": toPrintable(info.data ?? {}) };
}

function statusGet(call: CommandCall): CommandResult {
  const { run, flags } = call;
  checkEmpty(call.args);
  const withData = flags.get("include-data") === "true";
  const wordOnly = !withData && call.format === "smart";
  if (flags.get("application") !== "true") {
    const current = run.world.units[run.unit]?.status;
    run.cache.unitStatus ??= current ?? { status: "unknown", message: "", since: run.world.now };
    const status = run.cache.unitStatus;
    return { value: wordOnly ? status.status : details(status, withData) };
  }
  const application = run.world.applications[run.app];
  if (!application || !isLeader(run)) throw new RunError(`finding application status: ${NOT_LEADER}`);
  if (wordOnly) return { value: application.status.status };
  const units = Object.values(run.world.units)
    .filter((unit) => unit.app === run.app)
    .map((unit) => [unit.name, details(unit.status, withData)] as const);
  const status = { ...details(application.status, withData), units: Object.fromEntries(units) };
  return { value: { "application-status": status } };
}

function applicationVersionSet({ run, args }: CommandCall): CommandResult {
  const [version] = args;
  if (version === undefined) throw new UsageError("no version specified");
  checkEmpty(args.slice(1));
  const unit = run.world.units[run.unit];
  const application = run.world.applications[run.app];
  if (unit) unit.workloadVersion = version;
  if (application) application.version = version;
  run.immediate.push({ command: "application-version-set", detail: { version } });
  return {};
}

/** Commands about status and version. */
export const statusCommands: readonly CommandDefinition[] = [
  {
    name: "status-set",
    usage: "<maintenance | blocked | waiting | active> [message]",
    purpose: "Set status information.",
    flags: () => [{ names: ["application"], type: "bool", usage: "set this status for the application" }],
    perform: statusSet,
  },
  {
    name: "status-get",
    usage: "[--include-data] [--application]",
    purpose: "Print status information.",
    flags: () => [
      { names: ["include-data"], type: "bool", usage: "print all status data" },
      { names: ["application"], type: "bool", usage: "print status for all units of this application" },
    ],
    formats: ALL_FORMATS,
    perform: statusGet,
  },
  {
    name: "application-version-set",
    usage: "<new-version>",
    purpose: "Specify which version of the application is deployed.",
    perform: applicationVersionSet,
  },
];
