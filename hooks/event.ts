/**
 * Every hook and action that Juju can start, as one typed union.
 *
 * @module
 */
import type { Endpoint } from "./charm/metadata.ts";

/** Lifecycle hooks, leadership and legacy ones included: those that belong to no relation, storage, secret or container. */
export const LIFECYCLE_HOOKS = [
  "install",
  "start",
  "config-changed",
  "upgrade-charm",
  "update-status",
  "stop",
  "remove",
  "leader-elected",
  "leader-deposed",
  "leader-settings-changed",
  "collect-metrics",
  "meter-status-changed",
  "pre-series-upgrade",
  "post-series-upgrade",
] as const;

/** Name of a lifecycle hook. */
export type LifecycleHook = typeof LIFECYCLE_HOOKS[number];

/** What happened to a relation. */
export type RelationPhase = "created" | "joined" | "changed" | "departed" | "broken";

/** What happened to a storage. */
export type StoragePhase = "attached" | "detaching";

/** What happened to a secret. */
export type SecretPhase = "changed" | "expired" | "remove" | "rotate";

/** What happened to a container. */
export type PebblePhase = "ready" | "custom-notice" | "check-failed" | "check-recovered";

interface Named {
  /** Whole hook name, as in `JUJU_HOOK_NAME`. */
  readonly name: string;
}

/** A hook that carries nothing but its name. */
export interface LifecycleEvent extends Named {
  readonly kind: "lifecycle";
  readonly hook: LifecycleHook;
  /** New base or series; only in pre-series-upgrade. */
  readonly targetBase?: string;
}

/** A hook of one relation. */
export interface RelationEvent extends Named {
  readonly kind: "relation";
  readonly phase: RelationPhase;
  readonly endpoint: Endpoint;
  /** Number of the relation: 7 of `db:7`. */
  readonly relationId: number;
  /** Undefined in created, broken, and in changed for the application bag. */
  readonly remoteUnit?: string;
  readonly remoteApp: string;
  /** Only in departed: the remote unit, or the own unit when it is the one that goes. */
  readonly departingUnit?: string;
}

/** A hook of one storage instance. */
export interface StorageEvent extends Named {
  readonly kind: "storage";
  readonly phase: StoragePhase;
  readonly storage: string;
  /** Such as `data/0`; undefined when not provisioned yet. */
  readonly storageId?: string;
  readonly location?: string;
  readonly storageKind?: string;
}

/** A hook of one secret. */
export interface SecretEvent extends Named {
  readonly kind: "secret";
  readonly phase: SecretPhase;
  /** URI as Juju gave it. Never parse it. */
  readonly secretId: string;
  readonly label?: string;
  /** Only in expired and remove. */
  readonly revision?: number;
}

/** A hook of one workload container (Pebble). */
export interface WorkloadEvent extends Named {
  readonly kind: "workload";
  readonly phase: PebblePhase;
  readonly container: string;
  readonly noticeId?: string;
  readonly noticeType?: string;
  readonly noticeKey?: string;
  readonly checkName?: string;
}

/** `juju run UNIT ACTION`. */
export interface ActionEvent extends Named {
  readonly kind: "action";
  /** Id of the operation, such as `42`. */
  readonly actionId: string;
}

/** Whatever Juju starts. */
export type Event = LifecycleEvent | RelationEvent | StorageEvent | SecretEvent | WorkloadEvent | ActionEvent;

/** Every event that is a hook. */
export type HookEvent = Exclude<Event, ActionEvent>;
