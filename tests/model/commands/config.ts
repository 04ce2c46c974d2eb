/**
 * config-get, goal-state, credential-get, resource-get.
 * Source: contract sections 3.3 and 3.4.
 *
 * @module
 */
import { type Printable, toPrintable } from "../format.ts";
import { goQuote } from "../go_flags.ts";
import type { HookRun } from "../hook_run.ts";
import type { GoalState, GoalStatus, UnitState } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  STRUCTURE_FORMATS,
  UsageError,
} from "./definition.ts";

function configGet({ run, args, flags }: CommandCall): CommandResult {
  const key = args[0] ?? "";
  const all = flags.get("all") === "true";
  if (key !== "" && all) throw new UsageError(`cannot use argument --all together with key ${goQuote(key)}`);
  checkEmpty(args.slice(1));
  run.cache.config ??= { ...run.world.applications[run.app]?.config };
  const config = run.cache.config;
  if (key !== "") return { value: Object.hasOwn(config, key) ? config[key] ?? null : null };
  return { value: Object.fromEntries(Object.entries(config).filter(([, value]) => all || value !== null)) };
}

function goalState({ run, args }: CommandCall): CommandResult {
  checkEmpty(args);
  const goal = run.world.units[run.unit]?.goalState ?? computedGoal(run);
  const statuses = (map: Record<string, GoalStatus>) =>
    Object.fromEntries(
      Object.entries(map).map(([name, { status, since }]) => [
        name,
        new Map([["status", status], ...(since ? [["since", since] as const] : [])]),
      ]),
    );
  const relations = Object.entries(goal.relations).map(([endpoint, map]) => [endpoint, statuses(map)] as const);
  return {
    value: new Map<string, Printable>([
      ["units", statuses(goal.units)],
      ["relations", Object.fromEntries(relations)],
    ]),
  };
}

function computedGoal(run: HookRun): GoalState {
  const { world } = run;
  const goalOf = (unit: UnitState): GoalStatus => ({
    status: unit.life === "alive" ? unit.status.status : "dying",
    since: printedTime(unit.status.since),
  });
  const unitsOf = (app: string) =>
    Object.values(world.units).filter((unit) => unit.app === app && unit.life !== "dead")
      .map((unit) => [unit.name, goalOf(unit)] as const);
  const relations: GoalState["relations"] = {};
  for (const view of run.relations.values()) {
    const life = world.relations[view.id]?.life ?? "dead";
    if (view.peer || life === "dead") continue;
    const since = printedTime(world.applications[view.remoteApp]?.status.since ?? world.now);
    relations[view.endpoint] = {
      ...relations[view.endpoint],
      [view.remoteApp]: { status: life === "alive" ? "joined" : "dying", since },
      ...Object.fromEntries(unitsOf(view.remoteApp)),
    };
  }
  return { units: Object.fromEntries(unitsOf(run.app)), relations };
}

function printedTime(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace("T", " ")}Z`;
}

function credentialGet({ run, args }: CommandCall): CommandResult {
  checkEmpty(args);
  const { world } = run;
  if (world.models[world.applications[run.app]?.model ?? ""]?.type === "caas") {
    throw new RunError('cannot access cloud credentials: credential-get on a "caas" model not supported');
  }
  if (!world.cloudSpec) throw new RunError("cannot access cloud credentials: permission denied");
  return { value: toPrintable(world.cloudSpec) };
}

function resourceGet({ run, args }: CommandCall): CommandResult {
  const [name] = args;
  if (name === undefined) throw new UsageError("missing required resource name");
  checkEmpty(args.slice(1));
  const resource = run.world.applications[run.app]?.resources?.[name];
  if (!resource) throw new RunError(`could not download resource: resource ${goQuote(name)} not found`);
  if ("error" in resource) throw new RunError(`could not download resource: ${resource.error}`);
  return { text: resource.path };
}

/** Commands about what the model gives the charm. */
export const configCommands: readonly CommandDefinition[] = [
  {
    name: "config-get",
    usage: "[<key>]",
    purpose: "Print application configuration.",
    flags: () => [{ names: ["all", "a"], type: "bool", usage: "print all keys" }],
    formats: ALL_FORMATS,
    perform: configGet,
  },
  {
    name: "goal-state",
    usage: "",
    purpose: "Print the status of the charm's peers and related units.",
    formats: STRUCTURE_FORMATS,
    perform: goalState,
  },
  {
    name: "credential-get",
    usage: "",
    purpose: "Access cloud credentials.",
    formats: ALL_FORMATS,
    perform: credentialGet,
  },
  {
    name: "resource-get",
    usage: "<resource name>",
    purpose: "Get the path to the locally cached resource file.",
    perform: resourceGet,
  },
];
