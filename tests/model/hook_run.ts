/**
 * One run of a hook, an action or juju-exec: its context, its caches and the buffer of what it asked for.
 * Nothing of the buffer is in the model before {@link ./commit.ts}. Source: contract sections 3, 6, 7.
 *
 * @module
 */
import type { Bag, StatusInfo, WorldState } from "./state.ts";
import { type AgentMemory, applicationOf, type RelationView, viewRelation } from "./commands/relation_view.ts";

export type { AgentMemory, RelationView };

/** What a hook is started with. */
export interface HookRunOptions {
  /** Unit that runs it. */
  readonly unit: string;
  /** Kind of the hook without its prefix, such as `config-changed` or `relation-departed`; `action`; `juju-exec`. */
  readonly kind: string;
  readonly contextId: string;
  readonly relationId?: number | null;
  readonly remoteUnit?: string | null;
  readonly remoteApp?: string | null;
  readonly departingUnit?: string | null;
  readonly storageId?: string | null;
  /** Id of the action task. */
  readonly actionId?: string | null;
  /** The unit agent's memory between hooks; a new one when absent. */
  readonly memory?: AgentMemory;
}

/** Metadata that secret-add and secret-set may give. */
export interface SecretMetadata {
  label?: string;
  description?: string;
  rotation?: string;
  /** RFC 3339 in UTC. */
  expiry?: string;
}

/** A secret that does not exist before the commit. Content is base64. */
export interface PendingSecretAdd extends SecretMetadata {
  readonly id: string;
  readonly owner: string;
  content: Record<string, string>;
}

/** New metadata or content of a secret. */
export interface PendingSecretSet extends SecretMetadata {
  readonly id: string;
  content?: Record<string, string>;
}

/** A grant or revocation. Without a unit it is about the whole application. */
export interface PendingAccess {
  readonly id: string;
  readonly application?: string;
  readonly unit?: string;
  readonly relationId?: number;
  readonly relationKey?: string;
}

/** A port change: endpoint (`""` is all) and range such as `80/tcp`. */
export interface PendingPort {
  readonly endpoint: string;
  readonly range: string;
}

/** A line of the unit's log. */
export interface LogLine {
  readonly level: string;
  readonly module: string;
  readonly message: string;
}

/** Something that took effect while the hook ran and stays even when the hook fails. */
export interface ImmediateEffect {
  readonly command: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** One run. Commands read and change it; the commit empties it. */
export interface HookRun {
  readonly world: WorldState;
  readonly unit: string;
  readonly app: string;
  readonly kind: string;
  readonly contextId: string;
  readonly relationId: number | null;
  readonly remoteUnit: string | null;
  readonly remoteApp: string | null;
  readonly departingUnit: string | null;
  readonly storageId: string | null;
  readonly actionId: string | null;
  /** Relations that the unit knew when the hook started. */
  readonly relations: ReadonlyMap<number, RelationView>;
  /** Read once, on first use. */
  readonly cache: {
    config?: Record<string, string | number | boolean | null>;
    state?: Bag;
    leaderSettings?: Bag;
    unitStatus?: StatusInfo;
  };
  /** Once the unit was told that it is not the leader, it stays so for the rest of the hook. */
  leaderRefused: boolean;
  readonly stateWrites: Map<string, string | null>;
  readonly portsOpened: PendingPort[];
  readonly portsClosed: PendingPort[];
  /** Counts by storage name, one per storage-add. */
  readonly storageAdds: { name: string; count: number }[];
  readonly secretAdds: Map<string, PendingSecretAdd>;
  readonly secretSets: Map<string, PendingSecretSet>;
  /** Secrets to remove: given revisions, or all. */
  readonly secretRemoves: Map<string, number[] | "all">;
  readonly secretGrants: PendingAccess[];
  readonly secretRevokes: PendingAccess[];
  /** Own secrets with pending content that a `--refresh` moves on at the commit. */
  readonly secretTrackLatest: Set<string>;
  readonly log: LogLine[];
  readonly immediate: ImmediateEffect[];
  /** Whether status-set was used: after `start` Juju would set `unknown` otherwise. */
  statusWasSet: boolean;
  reboot: "none" | "after-hook" | "now";
  /** Results and failure of an action; delivered whatever its exit status. */
  readonly action: { results: Record<string, unknown>; failed: boolean; message: string };
}

/**
 * Starts a run: membership, ports and relations are as they are now.
 *
 * @param world the model
 * @param options unit and event
 * @throws {RangeError} the unit, its application, relation, storage or action does not exist
 */
export function createHookRun(world: WorldState, options: HookRunOptions): HookRun {
  const { unit, kind } = options;
  const app = applicationOf(unit);
  if (!world.units[unit]) throw new RangeError(`unit ${unit} is not in the model: add it first`);
  if (!world.applications[app]) throw new RangeError(`application ${app} is not in the model: deploy it first`);
  const relationId = options.relationId ?? null;
  const memory = options.memory ?? { remoteBags: new Map() };
  const relations = new Map<number, RelationView>();
  for (const relation of Object.values(world.relations)) {
    const isOwn = relation.id === relationId;
    const remoteUnit = isOwn ? options.remoteUnit || undefined : undefined;
    const leaves = kind === "relation-departed" ? remoteUnit : undefined;
    const view = viewRelation(world, unit, relation, memory, {
      enters: kind.startsWith("relation-") && leaves === undefined ? remoteUnit : undefined,
      leaves,
      empty: isOwn && kind === "relation-broken",
    });
    if (view) relations.set(relation.id, view);
  }
  if (relationId !== null && !relations.has(relationId)) {
    throw new RangeError(`${unit} has no relation ${relationId}: relate its application first`);
  }
  if (options.storageId && !world.units[unit]?.storage.some((item) => item.id === options.storageId)) {
    throw new RangeError(`${unit} has no storage ${options.storageId}: attach it first`);
  }
  if (options.actionId && !world.actions[options.actionId]) {
    throw new RangeError(`action ${options.actionId} is not in the model: enqueue it first`);
  }
  return {
    world,
    unit,
    app,
    kind,
    contextId: options.contextId,
    relationId,
    remoteUnit: options.remoteUnit || null,
    remoteApp: options.remoteApp || null,
    departingUnit: options.departingUnit || null,
    storageId: options.storageId || null,
    actionId: options.actionId || null,
    relations,
    cache: {},
    leaderRefused: false,
    stateWrites: new Map(),
    portsOpened: [],
    portsClosed: [],
    storageAdds: [],
    secretAdds: new Map(),
    secretSets: new Map(),
    secretRemoves: new Map(),
    secretGrants: [],
    secretRevokes: [],
    secretTrackLatest: new Set(),
    log: [],
    immediate: [],
    statusWasSet: false,
    reboot: "none",
    action: { results: {}, failed: false, message: "" },
  };
}

/**
 * Whether the unit leads its application. A false answer is final for this run (contract 3.3).
 *
 * @param run the run
 */
export function isLeader(run: HookRun): boolean {
  if (run.leaderRefused) return false;
  const leads = run.world.applications[run.app]?.leader === run.unit;
  run.leaderRefused = !leads;
  return leads;
}

/**
 * Juju's release line as `major * 100 + minor`; used to decide which commands exist.
 *
 * @param world the model
 */
export function jujuLine(world: WorldState): number {
  const [major = "3", minor = "0"] = world.jujuVersion.split(".");
  return Number.parseInt(major) * 100 + Number.parseInt(minor);
}
