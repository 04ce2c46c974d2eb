/**
 * The world of the simulated Juju: plain data, what a controller's database holds.
 * Commits replace values; nothing in here runs.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "../../hooks/charm/metadata.ts";

/** Key and value strings of one databag. */
export type Bag = Record<string, string>;

/** A status with its message. */
export interface StatusInfo {
  status: string;
  message: string;
  data?: Record<string, unknown>;
  /** Milliseconds of the model's clock. */
  since: number;
}

/** One endpoint's address data as network-get shows it. */
export interface NetworkInfo {
  "bind-addresses": {
    "mac-address"?: string;
    "interface-name"?: string;
    addresses: { hostname?: string; value: string; cidr?: string }[];
  }[];
  "egress-subnets"?: string[];
  "ingress-addresses"?: string[];
}

/** A deployed application. */
export interface ApplicationState {
  name: string;
  /** Life: dying applications remove their units and relations. */
  life: "alive" | "dying" | "dead";
  charm: CharmMetadata;
  /** Directory with the charm's files that new units copy. */
  charmSource: string;
  charmRevision: number;
  config: Record<string, string | number | boolean | null>;
  leader: string | null;
  leaderSettings: Bag;
  status: StatusInfo;
  version: string;
  nextUnit: number;
  /** Name of the model that the application is in. Relations between models are cross-model ones. */
  model: string;
  /** Resources by name: the path that resource-get prints, or why it cannot be downloaded. */
  resources?: Record<string, { path: string } | { error: string }>;
}

/** A storage instance of one unit. */
export interface StorageState {
  /** Such as `data/0`. */
  id: string;
  kind: "filesystem" | "block";
  location: string;
}

/** A unit. */
export interface UnitState {
  name: string;
  app: string;
  life: "alive" | "dying" | "dead";
  machine: string;
  /** The unit's address, in every binding unless `networks` says otherwise. */
  address: string;
  networks: Record<string, NetworkInfo>;
  status: StatusInfo;
  agentStatus: StatusInfo;
  /** What state-set stored. */
  state: Bag;
  /** Ports as `[endpoint, "80/tcp"]`; endpoint `""` means all. */
  ports: [string, string][];
  storage: StorageState[];
  workloadVersion: string;
  /** What `unit-get public-address` prints; the address when absent. */
  publicAddress?: string;
  /** What goal-state prints; computed from the model when absent. */
  goalState?: GoalState;
  /** Payloads by `class/id` (Juju to 3.6). */
  payloads?: Record<string, { type: string; status: string; labels: string[] }>;
}

/** Units and relations that the model is on its way to. */
export interface GoalState {
  units: Record<string, GoalStatus>;
  relations: Record<string, Record<string, GoalStatus>>;
}

/** One line of goal-state. */
export interface GoalStatus {
  status: string;
  /** As printed: `2006-01-02 15:04:05Z`; empty is left out. */
  since: string;
}

/** One side of a relation. */
export interface RelationSide {
  app: string;
  endpoint: Endpoint;
}

/** A relation: one side for peers, two otherwise. */
export interface RelationState {
  id: number;
  life: "alive" | "dying" | "dead";
  sides: RelationSide[];
  /** Application databags by application name. */
  appBags: Record<string, Bag>;
  /** Unit databags by unit name; those of units that left stay until the relation is gone. */
  unitBags: Record<string, Bag>;
  /** Units that are in the relation's scope now. */
  members: string[];
  /** Committed versions by unit or application name: what `relation-changed` is about. */
  versions: Record<string, number>;
  /** Juju's own key, such as `wordpress:db mysql:server`; computed from the sides when absent. */
  key?: string;
}

/** One revision of a secret. */
export interface SecretRevision {
  revision: number;
  /** Values are base64, as Juju keeps them. */
  content: Record<string, string>;
  expiry?: string;
}

/** A secret. */
export interface SecretState {
  /** 20 characters, no scheme. */
  id: string;
  /** Application or unit name. */
  owner: string;
  label: string;
  description: string;
  rotation: string;
  /** Model time in milliseconds at which `secret-rotate` is due; absent when the secret does not rotate. */
  nextRotate?: number;
  revisions: SecretRevision[];
  /** What each grantee (application or unit) may read and through which relation. */
  grants: { grantee: string; relationId: number; scope?: string }[];
  /** Revision that each consuming unit tracks, and its own label. */
  consumers: Record<string, { revision: number; label: string }>;
}

/** An action that was asked for. */
export interface ActionTask {
  id: string;
  unit: string;
  name: string;
  params: Record<string, unknown>;
  status: "pending" | "running" | "completed" | "failed" | "aborted";
  message: string;
  results: Record<string, unknown>;
  log: string[];
}

/** Everything. */
export interface WorldState {
  /** Model clock in milliseconds. */
  now: number;
  models: Record<string, { name: string; uuid: string; type?: "iaas" | "caas" }>;
  /** Such as `3.6.8`: decides which commands exist. */
  jujuVersion: string;
  applications: Record<string, ApplicationState>;
  units: Record<string, UnitState>;
  relations: Record<number, RelationState>;
  secrets: Record<string, SecretState>;
  actions: Record<string, ActionTask>;
  nextRelation: number;
  nextAction: number;
  nextSecret: number;
  /** What credential-get prints; without it the command fails. */
  cloudSpec?: Record<string, unknown>;
}
