/**
 * payload-register, payload-status-set, payload-unregister, up to Juju 3.6. Written at once.
 * Source: contract section 3.4; juju/juju internal/worker/uniter/runner/jujuc/payload-*.go.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { join } from "node:path";
import { goQuote, goQuoteList } from "../go_flags.ts";
import type { HookRun } from "../hook_run.ts";
import {
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";
import { readText } from "./pairs.ts";

const STATUSES: readonly string[] = ["running", "starting", "stopped", "stopping"];

function need(args: readonly string[], count: number): string[] {
  if (args.length < count) throw new UsageError("missing required arguments");
  return args.slice(0, count);
}

function payloadsOf(run: HookRun) {
  const unit = run.world.units[run.unit];
  if (!unit) throw new RunError(`unit ${goQuote(run.unit)} not found`);
  unit.payloads ??= {};
  return unit.payloads;
}

function classType(dir: string, name: string): string | undefined {
  let metadata: unknown;
  try {
    metadata = parse(readText(join(dir, "metadata.yaml")));
  } catch (error) {
    throw new RunError(error instanceof Error ? error.message.split("\n", 1)[0] ?? "" : String(error));
  }
  const classes = (metadata as { payloads?: Record<string, { type?: unknown }> } | null)?.payloads ?? {};
  const type = Object.hasOwn(classes, name) ? classes[name]?.type : undefined;
  return typeof type === "string" ? type : undefined;
}

function register({ run, args, dir }: CommandCall): CommandResult {
  const [type = "", name = "", id = ""] = need(args, 3);
  const expected = classType(dir, name);
  if (expected === undefined) throw new RunError(`payload ${goQuote(name)} not found in metadata.yaml`);
  if (type !== expected) {
    throw new RunError(`incorrect type ${goQuote(type)} for payload ${goQuote(name)}, expected ${goQuote(expected)}`);
  }
  const labels = args.slice(3);
  payloadsOf(run)[`${name}/${id}`] = { type, status: "running", labels };
  run.immediate.push({ command: "payload-register", detail: { type, class: name, id, labels } });
  return {};
}

function statusSet({ run, args }: CommandCall): CommandResult {
  const [name = "", id = "", status = ""] = need(args, 3);
  checkEmpty(args.slice(3));
  if (!STATUSES.includes(status)) {
    throw new RunError(`status ${goQuote(status)} not supported; expected one of ${goQuoteList(STATUSES)}`);
  }
  const payload = payloadsOf(run)[`${name}/${id}`];
  if (!payload) throw new RunError(`payload ${goQuote(`${name}/${id}`)} not found`);
  payload.status = status;
  run.immediate.push({ command: "payload-status-set", detail: { class: name, id, status } });
  return {};
}

function unregister({ run, args }: CommandCall): CommandResult {
  const [name = "", id = ""] = need(args, 2);
  checkEmpty(args.slice(2));
  delete payloadsOf(run)[`${name}/${id}`];
  run.immediate.push({ command: "payload-unregister", detail: { class: name, id } });
  return {};
}

/** Commands about payloads. */
export const payloadCommands: readonly CommandDefinition[] = [
  {
    name: "payload-register",
    usage: "<type> <class> <id> [tags...]",
    purpose: "Register a charm payload with Juju.",
    until: 400,
    perform: register,
  },
  {
    name: "payload-status-set",
    usage: "<class> <id> <status>",
    purpose: "Update the status of a payload.",
    until: 400,
    perform: statusSet,
  },
  {
    name: "payload-unregister",
    usage: "<class> <id>",
    purpose: "Stop tracking a payload.",
    until: 400,
    perform: unregister,
  },
];
