/**
 * What happened in a model, as plain data, and the model's status as a table.
 *
 * @module
 */
import type { BagDiff } from "./commit.ts";
import type { ImmediateEffect } from "./hook_run.ts";
import type { Bag, RelationState, StatusInfo, UnitState, WorldState } from "./state.ts";

/** How a run ended. */
export type RunOutcome =
  /** The hook is done and its changes are committed. */
  | "done"
  /** The charm has no such hook. */
  | "skipped"
  /** It exited with another status than 0, or could not be started. */
  | "failed"
  /** It exited with 0 and Juju refused its changes. */
  | "refused"
  /** It was killed; nothing is committed unless the kill came after the commit. */
  | "killed";

/** A hook command that the agent has run. */
export interface CommandCost {
  readonly name: string;
  /** Real milliseconds that the agent took. */
  readonly ms: number;
  /** Its words, standard input and output. */
  readonly bytes: number;
}

/** One run of a hook, an action or juju-exec. */
export interface TimelineEntry {
  readonly unit: string;
  readonly kind: "hook" | "action" | "exec";
  /** Full name of the hook or action; `juju-exec`. */
  readonly name: string;
  /** Such as `db:1`; empty outside relations. */
  readonly relation: string;
  readonly remoteUnit: string;
  readonly remoteApp: string;
  readonly contextId: string;
  /** Real milliseconds since the model began. */
  readonly start: number;
  readonly end: number;
  /** Model time in milliseconds at the start. */
  readonly clock: number;
  /** 1 for the first run of this event, 2 for its first retry. */
  readonly attempt: number;
  readonly outcome: RunOutcome;
  /** Exit status; null when the process was killed or never started. */
  readonly exit: number | null;
  /** Why it did not end well; empty otherwise. */
  readonly error: string;
  /** Hook commands in order. */
  readonly commands: readonly CommandCost[];
  /** Databags that its commit changed. */
  readonly bags: readonly BagDiff[];
  /** Stored state that its commit changed. */
  readonly state: { readonly before: Bag; readonly after: Bag } | null;
  /** What took effect at once, such as status-set. */
  readonly immediate: readonly ImmediateEffect[];
  /** The unit's status afterwards. */
  readonly status: { readonly status: string; readonly message: string };
  readonly leader: boolean;
  /** Faults that struck, in words. */
  readonly faults: readonly string[];
}

/**
 * Status as `juju status` shows it: applications, units and relations of every model.
 *
 * @param world the model
 */
export function formatStatus(world: WorldState): string {
  return Object.keys(world.models).sort().map((model) => formatModel(world, model)).join("\n");
}

function formatModel(world: WorldState, model: string): string {
  const apps = sorted(Object.values(world.applications).filter((app) => app.model === model));
  const unitsOf = (app: string) => sorted(Object.values(world.units).filter((unit) => unit.app === app));
  const units = apps.flatMap((app) => unitsOf(app.name));
  const relations = Object.values(world.relations)
    .filter((relation) => relation.sides.some((side) => apps.some((app) => app.name === side.app)));
  const time = new Date(world.now).toISOString().replace(".000Z", "Z");
  const tables = [
    [["Model", "Version", "Timestamp"], [model, world.jujuVersion, time]],
    [
      ["App", "Version", "Status", "Scale", "Charm", "Rev", "Message"],
      ...apps.map((app) => {
        const own = unitsOf(app.name);
        const status = app.status.status === "unknown" ? worst(own.map(workload)) : app.status;
        const rev = String(app.charmRevision);
        return [app.name, app.version, status.status, String(own.length), app.charm.name, rev, status.message];
      }),
    ],
    [
      ["Unit", "Workload", "Agent", "Machine", "Address", "Ports", "Message"],
      ...units.map((unit) => {
        const { status, message } = workload(unit);
        const name = unit.name + (world.applications[unit.app]?.leader === unit.name ? "*" : "");
        const agent = unit.agentStatus.status === "error" ? "idle" : unit.agentStatus.status;
        return [name, status, agent, unit.machine, unit.address, ports(unit), message];
      }),
    ],
    [
      ["Provider", "Requirer", "Interface", "Type", "Members"],
      ...relations.map((relation) => relationRow(world, relation)),
    ],
  ];
  return tables.filter((rows) => rows.length > 1).map(table).join("\n");
}

/** An agent in error shows as the workload's status, as Juju does it. */
function workload(unit: UnitState): StatusInfo {
  return unit.agentStatus.status === "error" ? unit.agentStatus : unit.status;
}

const SEVERITY = ["error", "blocked", "waiting", "maintenance", "terminated", "unknown", "active"];

function worst(statuses: readonly StatusInfo[]): { status: string; message: string } {
  const rank = (status: StatusInfo) => SEVERITY.indexOf(status.status);
  const [first] = [...statuses].sort((a, b) => rank(a) - rank(b));
  return first ?? { status: "unknown", message: "" };
}

function ports(unit: UnitState): string {
  return [...new Set(unit.ports.map(([, range]) => range))].sort().join(",");
}

function relationRow(world: WorldState, relation: RelationState): string[] {
  const [provider, requirer = provider] = [...relation.sides]
    .sort((a, b) => a.endpoint.role < b.endpoint.role ? -1 : 1)
    .map((side) => `${side.app}:${side.endpoint.name}`);
  const models = new Set(relation.sides.map((side) => world.applications[side.app]?.model));
  const type = relation.sides.length === 1 ? "peer" : models.size > 1 ? "cross-model" : "regular";
  const name = relation.sides[0]?.endpoint.interface ?? "";
  return [provider ?? "", requirer ?? "", name, type, String(relation.members.length)];
}

function sorted<T extends { name: string }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}
