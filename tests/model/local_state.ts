/**
 * What one unit agent remembers between operations: which part of the model it has already told its charm about.
 * Source: juju/juju internal/worker/uniter, operation and relation state.
 *
 * @module
 */

/** Hook kinds that belong to no endpoint, storage, secret or container. */
export type PlainHook =
  | "install"
  | "start"
  | "config-changed"
  | "upgrade-charm"
  | "update-status"
  | "stop"
  | "remove"
  | "leader-elected"
  | "leader-settings-changed";

/** One hook that an agent runs. */
export type Hook =
  | {
    readonly kind: PlainHook;
    readonly name: string; /** What the unit has seen when it succeeded. */
    readonly seen: string;
  }
  | RelationHook
  | {
    readonly kind: "storage-attached" | "storage-detaching";
    readonly name: string;
    readonly storageId: string;
  }
  | {
    readonly kind: "secret-changed" | "secret-rotate" | "secret-expired" | "secret-remove";
    readonly name: string;
    readonly secretId: string;
    readonly label: string;
    readonly revision: number;
  }
  | ({ readonly kind: WorkloadKind; readonly name: string } & WorkloadDetail);

/** One hook of a relation. */
export interface RelationHook {
  readonly kind: "relation-created" | "relation-joined" | "relation-changed" | "relation-departed" | "relation-broken";
  readonly name: string;
  readonly relationId: number;
  /** Empty in created, broken and in changed for the application bag. */
  readonly remoteUnit: string;
  readonly remoteApp: string;
  /** Only in departed. */
  readonly departingUnit?: string;
  /** Version of the unit's or application's bag that the charm learns about. */
  readonly version: number;
}

/** Kinds of container hooks. */
export type WorkloadKind = "pebble-ready" | "pebble-custom-notice" | "pebble-check-failed" | "pebble-check-recovered";

/** What a container hook is about. */
export interface WorkloadDetail {
  readonly container: string;
  readonly noticeId?: string;
  readonly noticeType?: string;
  readonly noticeKey?: string;
  readonly checkName?: string;
}

/** A relation as the unit knows it. */
export interface LocalRelation {
  /** Remote units that the charm was told about, with the version of their bag. */
  members: Record<string, number>;
  /** Version of application bags that the charm was told about. */
  appVersions: Record<string, number>;
  /** Unit whose `relation-joined` ran and whose `relation-changed` comes next. */
  changedPending: string;
  /** `relation-broken` ran: the unit is out of the relation. */
  broken: boolean;
}

/** Commands that juju-exec was asked to run. */
export interface ExecRequest {
  readonly id: number;
  readonly script: string;
  readonly relationId: number | null;
  readonly remoteUnit: string;
}

/** An agent's memory. The resolver reads it, commits of operations change it. */
export interface LocalState {
  installed: boolean;
  started: boolean;
  removed: boolean;
  leader: boolean;
  /** Whether the charm ever set a status. */
  statusSet: boolean;
  /** Configuration and address of the last `config-changed`; empty before the first. */
  configSeen: string;
  charmRevision: number;
  /** Leader settings of the last `leader-settings-changed`, as canonical JSON. */
  leaderSettingsSeen: string;
  /** Number of the last `update-status` that was asked for and done. */
  updateStatusSeen: number;
  updateStatusWanted: number;
  relations: Record<number, LocalRelation>;
  storageAttached: string[];
  storageDetached: string[];
  /** Latest revision that the unit was told about, by secret. */
  secretChanged: Record<string, number>;
  /** Revisions, as `id/revision`, for which `secret-remove` or `secret-expired` ran. */
  secretRemoved: string[];
  secretExpired: string[];
  /** Container events that wait, in order. */
  workload: Extract<Hook, { container: string }>[];
  exec: ExecRequest[];
  /** Comes next, before anything else of the lifecycle. */
  queued: Hook | null;
  /** Failed and waits for its retry. */
  failed: Hook | null;
  /** The failed hook may run again now. */
  retry: boolean;
  /** How often the queued or failed hook ended badly so far, and how often since the operator resolved it. */
  attempts: number;
  attemptsSinceResolved: number;
}

/**
 * The memory of an agent that just started: install comes first.
 *
 * @param charmRevision revision of the charm's files that the unit has
 */
export function newLocalState(charmRevision: number): LocalState {
  return {
    installed: false,
    started: false,
    removed: false,
    leader: false,
    statusSet: false,
    configSeen: "",
    charmRevision,
    leaderSettingsSeen: "{}",
    updateStatusSeen: 0,
    updateStatusWanted: 0,
    relations: {},
    storageAttached: [],
    storageDetached: [],
    secretChanged: {},
    secretRemoved: [],
    secretExpired: [],
    workload: [],
    exec: [],
    queued: null,
    failed: null,
    retry: false,
    attempts: 0,
    attemptsSinceResolved: 0,
  };
}

/**
 * A hook that carries nothing but its name.
 *
 * @param kind its name
 * @param seen what the unit has seen when the hook succeeded
 */
export function plainHook(kind: PlainHook, seen = ""): Hook {
  return { kind, name: kind, seen };
}

/**
 * Changes the agent's memory after a hook succeeded or was skipped.
 * Source: juju/juju internal/worker/uniter/operation/runhook.go, Commit.
 *
 * @param local the memory
 * @param hook the hook that is done
 */
export function commitHook(local: LocalState, hook: Hook): void {
  local.queued = null;
  local.failed = null;
  local.retry = false;
  local.attempts = 0;
  local.attemptsSinceResolved = 0;
  switch (hook.kind) {
    case "install":
      local.installed = true;
      return;
    case "config-changed":
      local.configSeen = hook.seen;
      if (!local.started) local.queued = plainHook("start");
      return;
    case "start":
      local.started = true;
      return;
    case "upgrade-charm":
      local.queued = plainHook("config-changed");
      return;
    case "stop":
      local.started = false;
      return;
    case "remove":
      local.removed = true;
      return;
    case "leader-settings-changed":
      local.leaderSettingsSeen = hook.seen;
      return;
    case "update-status":
      local.updateStatusSeen = Number(hook.seen);
      return;
    case "leader-elected":
      return;
    case "storage-attached":
      local.storageAttached.push(hook.storageId);
      return;
    case "storage-detaching":
      local.storageDetached.push(hook.storageId);
      return;
    case "secret-changed":
      local.secretChanged[hook.secretId] = hook.revision;
      return;
    case "secret-remove":
      local.secretRemoved.push(`${hook.secretId}/${hook.revision}`);
      return;
    case "secret-expired":
      local.secretExpired.push(`${hook.secretId}/${hook.revision}`);
      return;
    case "secret-rotate":
      return;
    case "pebble-ready":
    case "pebble-custom-notice":
    case "pebble-check-failed":
    case "pebble-check-recovered":
      local.workload.shift();
      return;
    default:
      commitRelationHook(local, hook);
  }
}

function commitRelationHook(local: LocalState, hook: RelationHook): void {
  const relation = local.relations[hook.relationId] ??= {
    members: {},
    appVersions: {},
    changedPending: "",
    broken: false,
  };
  if (hook.kind === "relation-joined") {
    relation.members[hook.remoteUnit] = hook.version;
    relation.changedPending = hook.remoteUnit;
  } else if (hook.kind === "relation-changed" && hook.remoteUnit === "") {
    relation.appVersions[hook.remoteApp] = hook.version;
  } else if (hook.kind === "relation-changed") {
    relation.members[hook.remoteUnit] = hook.version;
    relation.changedPending = "";
  } else if (hook.kind === "relation-departed") {
    delete relation.members[hook.remoteUnit];
  } else if (hook.kind === "relation-broken") {
    relation.broken = true;
  }
}
