/**
 * relation-ids, relation-list, relation-get, relation-set, relation-model-get.
 * Source: contract sections 3.2 and 4.1; juju/juju internal/worker/uniter/runner/jujuc/relation-*.go.
 *
 * @module
 */
import type { FlagSpec } from "../go_flags.ts";
import { goQuote } from "../go_flags.ts";
import { type HookRun, isLeader, jujuLine } from "../hook_run.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  formatNote,
  IGNORED_FORMAT,
  RunError,
  UsageError,
} from "./definition.ts";
import { isApplicationName, isUnitName } from "./names.ts";
import { parsePairs, settingsOf } from "./pairs.ts";
import { applicationOf, type RelationView } from "./relation_view.ts";
import { readOwnAppBag, readOwnUnitBag, readRemoteAppBag, readRemoteUnitBag } from "./relation_view.ts";

/**
 * `-r` and `--relation`: only the number after the last colon counts.
 *
 * @param run the run, whose own relation is the default
 */
export function relationFlag(run: HookRun): FlagSpec {
  const own = run.relationId === null ? undefined : run.relations.get(run.relationId);
  return {
    names: ["relation", "r"],
    type: "string",
    usage: "specify a relation by id",
    initial: own ? `${own.endpoint}:${own.id}` : "",
    check: (value) => {
      const id = value.slice(value.lastIndexOf(":") + 1);
      if (!/^[-+]?\d+$/.test(id)) return "invalid relation id";
      return run.relations.has(Number(id)) ? undefined : "relation not found";
    },
  };
}

/**
 * The relation that a call is about: `--relation`, else the hook's own.
 *
 * @param call the call
 * @returns undefined when neither is there
 */
export function chosenRelation(call: CommandCall): RelationView | undefined {
  const given = call.flags.get("relation");
  const id = given === undefined ? call.run.relationId : Number(given.slice(given.lastIndexOf(":") + 1));
  return id === null ? undefined : call.run.relations.get(id);
}

function neededRelation(call: CommandCall): RelationView {
  const view = chosenRelation(call);
  if (!view) throw new UsageError("no relation id specified");
  return view;
}

function relationIds(call: CommandCall): CommandResult {
  const { run, args } = call;
  const own = run.relationId === null ? undefined : run.relations.get(run.relationId);
  const name = args.length > 0 ? args[0] : own?.endpoint;
  if (args.length === 0 && !name) throw new UsageError("no endpoint name specified");
  checkEmpty(args.slice(1));
  const breaking = run.kind === "relation-broken" && jujuLine(run.world) < 400 ? run.relationId : null;
  const ids = [...run.relations.values()]
    .filter((view) => view.endpoint === name && view.id !== breaking && lives(run, view))
    .map((view) => `${view.endpoint}:${view.id}`);
  return { value: ids.sort(), asLines: true };
}

function lives(run: HookRun, view: RelationView): boolean {
  return (run.world.relations[view.id]?.life ?? "dead") !== "dead";
}

function relationList(call: CommandCall): CommandResult {
  const view = neededRelation(call);
  checkEmpty(call.args);
  if (call.flags.get("app") === "true") return { value: view.remoteApp };
  return { value: view.members, asLines: true };
}

interface Target {
  readonly name: string;
  readonly isApp: boolean;
}

/** Steps 1 to 5 of contract 3.2. */
function targetOf(call: CommandCall, name: string | undefined): Target {
  const { remoteApp, remoteUnit } = call.run;
  const isApp = call.flags.get("app") === "true";
  if (name !== undefined) {
    if (isUnitName(name)) return { name: isApp ? applicationOf(name) : name, isApp };
    if (isApp) return { name: isApplicationName(name) ? name : "", isApp };
    if (isApplicationName(name)) {
      throw new UsageError(`expected unit name, got application name ${goQuote(name)}`);
    }
    throw new UsageError(`invalid unit name ${goQuote(name)}`);
  }
  if (isApp && remoteApp) return { name: remoteApp, isApp };
  if (!isApp && remoteUnit) return { name: remoteUnit, isApp };
  if (!isApp && remoteApp) return { name: remoteApp, isApp: true };
  throw new UsageError("no unit or application specified");
}

function relationGet(call: CommandCall): CommandResult {
  const { run, args } = call;
  const view = neededRelation(call);
  const key = args[0] === "-" ? "" : args[0] ?? "";
  const target = targetOf(call, args[1]);
  checkEmpty(args.slice(2));
  const bag = readBag(run, view, target);
  return { value: key === "" ? bag : Object.hasOwn(bag, key) ? bag[key] ?? null : null };
}

function readBag(run: HookRun, view: RelationView, target: Target): Record<string, string> {
  if (!target.isApp) {
    if (target.name === run.unit) return readOwnUnitBag(run.world, view, run.unit);
    return readRemoteUnitBag(run.world, view, target.name);
  }
  if (target.name === run.app && isLeader(run)) return readOwnAppBag(run.world, view, run.app);
  return readRemoteAppBag(run.world, view, target.name, run.app);
}

function relationSet(call: CommandCall): CommandResult {
  const { run } = call;
  const view = neededRelation(call);
  const pairs = parsePairs(call.args);
  const settings = settingsOf(call, pairs);
  const isApp = call.flags.get("app") === "true";
  if (isApp && !isLeader(run)) throw new RunError("cannot write relation settings");
  const writes = isApp ? view.appWrites : view.unitWrites;
  for (const [key, value] of settings) writes.set(key, value);
  return formatNote(call);
}

function relationModelGet(call: CommandCall): CommandResult {
  const view = neededRelation(call);
  checkEmpty(call.args);
  return { value: new Map([["uuid", view.remoteModelUuid]]) };
}

const appFlag = (usage: string): FlagSpec => ({ names: ["app"], type: "bool", usage });
const outsideHook = (run: HookRun) => run.relationId === null ? "-r must be specified when not in a relation hook" : "";

function relationIdsHelp(run: HookRun): string {
  const own = run.relationId === null ? undefined : run.relations.get(run.relationId);
  const current = own ? `Current default endpoint name is ${goQuote(own.endpoint)}.\n` : "";
  return `${current}Only relation ids for relations which are not broken are included.`;
}

/** Commands about relations. */
export const relationCommands: readonly CommandDefinition[] = [
  {
    name: "relation-ids",
    usage: (run) => (run.relationId === null ? "<name>" : "[<name>]"),
    purpose: "List all relation IDs for the given endpoint.",
    details: relationIdsHelp,
    formats: ALL_FORMATS,
    perform: relationIds,
  },
  {
    name: "relation-list",
    usage: "",
    purpose: "List relation units.",
    details: outsideHook,
    flags: (run) => [relationFlag(run), appFlag("list remote application instead of participating units")],
    formats: ALL_FORMATS,
    perform: relationList,
  },
  {
    name: "relation-get",
    usage: (run) => (run.remoteUnit === null ? "<key> <unit id>" : "[<key> [<unit id>]]"),
    purpose: "Get relation settings.",
    details: (run) => (run.remoteUnit === null ? "" : `Current default unit id is ${goQuote(run.remoteUnit)}.`),
    flags: (run) => [relationFlag(run), appFlag("get the relation data for the overall application, not just a unit")],
    formats: ALL_FORMATS,
    perform: relationGet,
  },
  {
    name: "relation-set",
    usage: "key=value [key=value ...]",
    purpose: "Set relation settings.",
    flags: (run) => [
      relationFlag(run),
      { names: ["file"], type: "string", usage: "file containing key-value pairs" },
      appFlag('pick whether you are setting "application" settings or "unit" settings'),
      IGNORED_FORMAT,
    ],
    perform: relationSet,
  },
  {
    name: "relation-model-get",
    usage: "",
    purpose: "Get details about the model hosting a related application.",
    details: outsideHook,
    flags: (run) => [relationFlag(run)],
    formats: ALL_FORMATS,
    since: 306,
    perform: relationModelGet,
  },
];
