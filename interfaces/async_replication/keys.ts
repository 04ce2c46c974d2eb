/**
 * Names of the interface, of its databag keys and of those in the peer relation, and what values may look like.
 *
 * The keys are the original's: a Python charm on the other side, or earlier in this application, understands them.
 *
 * @module
 */
import type { BagData } from "../../hooks/relation.ts";
import { isHost, type OnReject, quote, text } from "../databag.ts";

/** The interface's name, and the older one. */
export const INTERFACE = "async_replication";
/** Other names of the interface. */
export const ALIASES = ["mysql_async"] as const;
/** All names of the interface. */
export const NAMES: readonly string[] = [INTERFACE, ...ALIASES];

/** Keys in the application databag of the primary side. */
export const OFFER = {
  secretId: "secret-id",
  clusterName: "cluster-name",
  version: "mysql-version",
  clusterSetName: "cluster-set-name",
  replicaState: "replica-state",
  isReplica: "is-replica",
} as const;

/** Keys in the application databag of the replica side. */
export const ANSWER = {
  clusterName: "cluster-name",
  endpoint: "endpoint",
  nodeLabel: "node-label",
  userDataFound: "user-data-found",
} as const;

/** Keys in the application databag of the peer relation. */
export const PEER_APP = {
  clusterName: "cluster-name",
  clusterSetName: "cluster-set-domain-name",
  unitsAdded: "units-added-to-cluster",
  removed: "removed-from-cluster-set",
  rejoinSecondaries: "rejoin-secondaries",
  /** Ours: the id of the shared secret, which the original finds by a label. */
  secretId: "async-secret-id",
  /** Ours: the cluster set that this cluster has answered to; what it has since then is that set's. */
  answeredTo: "async-answered-to",
} as const;

/** Keys in the unit databag of the peer relation. */
export const PEER_UNIT = {
  initialized: "unit-initialized",
  memberState: "member-state",
  memberRole: "member-role",
  unitStatus: "unit-status",
} as const;

/** What a unit says that takes the data of its cluster in place of its own, as soon as there is one again. */
export const RELEASED = { [PEER_UNIT.initialized]: "", [PEER_UNIT.memberState]: "waiting" } as const;

/** Whether the cluster was made anew only to become a replica of its set again. @param app the peers' databag */
export function isPassing(app: BagData): boolean {
  return app[PEER_APP.rejoinSecondaries] === "true";
}

/** The value of `replica-state` once the primary side has made the replica cluster. */
export const INITIALIZED = "initialized";

/** Longest name of a cluster or cluster set, in characters. Source: MySQL AdminAPI, createCluster. */
export const MAX_NAME = 63;
const NAME = /^[A-Za-z_][A-Za-z0-9._-]*$/;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const VERSION = /^[0-9][A-Za-z0-9.+~_-]*$/;
/** Only what a hook command could take for an option, or not take at all, is kept out: the id is never parsed. */
const SECRET_ID = /^[A-Za-z0-9][A-Za-z0-9:/._-]*$/;

/** What the primary side offers; undefined where it sent nothing that can be used. */
export interface Offer {
  readonly secretId: string | undefined;
  readonly clusterName: string | undefined;
  readonly version: string | undefined;
  readonly clusterSetName: string | undefined;
  /** The replica cluster has been made. */
  readonly initialized: boolean;
}

/** What the replica side answers; undefined where it sent nothing that can be used. */
export interface Answer {
  readonly clusterName: string | undefined;
  readonly endpoint: string | undefined;
  readonly nodeLabel: string | undefined;
}

/** Whether a text can be the name of a cluster or cluster set. */
export function isName(value: string): boolean {
  return value.length <= MAX_NAME && NAME.test(value);
}

/** Reads what the primary side has sent. */
export function readOffer(bag: BagData, onReject: OnReject = () => {}): Offer {
  return {
    secretId: checked(bag, OFFER.secretId, (value) => value.length <= 255 && SECRET_ID.test(value), onReject),
    clusterName: checked(bag, OFFER.clusterName, isName, onReject),
    version: checked(bag, OFFER.version, (value) => value.length <= 63 && VERSION.test(value), onReject),
    clusterSetName: checked(bag, OFFER.clusterSetName, isName, onReject),
    initialized: bag[OFFER.replicaState] === INITIALIZED,
  };
}

/** Reads what the replica side has sent. */
export function readAnswer(bag: BagData, onReject: OnReject = () => {}): Answer {
  return {
    clusterName: checked(bag, ANSWER.clusterName, isName, onReject),
    endpoint: checked(bag, ANSWER.endpoint, isEndpoint, onReject),
    nodeLabel: checked(bag, ANSWER.nodeLabel, (value) => value.length <= 255 && LABEL.test(value), onReject),
  };
}

/** A host or IP address, with or without a port. Names in Kubernetes end with a dot. */
function isEndpoint(value: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(value) ?? [];
  const host = bracketed ?? plain ?? value;
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  return isHost(host.replace(/\.$/, ""));
}

function checked(
  bag: BagData,
  key: string,
  isValid: (value: string) => boolean,
  onReject: OnReject,
): string | undefined {
  const value = text(bag, key, onReject);
  if (value === undefined || isValid(value)) return value;
  onReject(`${key} ${quote(value)} is not valid; it counts as not set`);
  return undefined;
}
