/**
 * What the units tell each other: the record of the cluster in the application's peer databag, written by the leader, and
 * each unit's report in its own, which is the interface's databag and a few keys more.
 *
 * @module
 */
import type { BagData, Relation } from "../../../hooks/relation.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { encodeJson, isYes, json, text } from "../../databag.ts";
import type { Connection, JoinedUnit } from "../peers.ts";

/** Which cluster there is. It is committed before any server starts, so there is never a second one. */
export interface ClusterRecord {
  /** UUID of the group, and name of the cluster for Router. */
  readonly groupName: string;
  readonly clusterName: string;
  /** The only unit that may make the cluster. */
  readonly first: string;
  /** Certificate that signs those of the servers. */
  readonly authority: string;
  /** Version of the passwords. */
  readonly passwords: number;
  /** Where the passwords are; undefined where Juju has no secrets, then they are in the databag. */
  readonly secret?: string | undefined;
  /** Units that the leader has seen in the cluster. */
  readonly clustered: readonly string[];
  /** Units that somebody took out of it: nobody adds them again before somebody says so. */
  readonly removed: readonly string[];
}

/** What another unit says about its server. */
export interface PeerReport {
  readonly unit: string;
  /** Present when the unit has said how to connect. */
  readonly address: Address | undefined;
  readonly connection: Connection | undefined;
  /** Its certificate is signed by the application's authority. */
  readonly isVerified: boolean;
  readonly configured: boolean;
  readonly clustered: boolean;
  /** Fingerprint of the options with which its server runs; empty when it did not say. */
  readonly settings: string;
}

/** Keys that only units of this charm have, beside those of the interface. Absent: the port is 3306. */
export const PORT_KEY = "cluster-port";
const VERIFIED_KEY = "cluster-tls";
const SETTINGS_KEY = "server-settings";
/** Key of the passwords in the application's databag, where Juju has no secrets. */
export const PASSWORDS_KEY = "passwords";

const DEFAULT_PORT = 3306;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const UNIT = /^[a-z][a-z0-9-]*\/\d{1,9}$/;
/** What a cluster may be called. */
export const CLUSTER_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/;
const MAX_UNITS = 100;

/** The record; undefined before the leader has written it. */
export function readRecord(bag: BagData): ClusterRecord | undefined {
  const [groupName = "", clusterName = ""] = [text(bag, "group-name"), text(bag, "cluster-name")];
  const [first = "", authority = ""] = [text(bag, "first-unit"), text(bag, "cluster-ca")];
  const passwords = whole(text(bag, "passwords-version"));
  if (!UUID.test(groupName) || !CLUSTER_NAME.test(clusterName) || !UNIT.test(first)) return undefined;
  if (authority === "" || passwords === 0) return undefined;
  const units = (key: string) =>
    (text(bag, key) ?? "").split(",").filter((unit) => UNIT.test(unit)).slice(0, MAX_UNITS);
  return {
    groupName,
    clusterName,
    first,
    authority,
    passwords,
    secret: text(bag, "passwords-secret"),
    clustered: units("clustered-units"),
    removed: units("removed-units"),
  };
}

/** The record for the databag. */
export function writeRecord(record: ClusterRecord): BagData {
  return {
    "group-name": record.groupName,
    "cluster-name": record.clusterName,
    "first-unit": record.first,
    "cluster-ca": record.authority,
    "passwords-version": `${record.passwords}`,
    "passwords-secret": record.secret ?? "",
    "clustered-units": record.clustered.join(","),
    "removed-units": record.removed.join(","),
  };
}

/** The reports of the other units, by number. */
export async function readReports(peers: Relation, joined: readonly JoinedUnit[]): Promise<PeerReport[]> {
  return await Promise.all(joined.map(async (each) => readReport(each, await peers.unit(each.unit))));
}

/** A unit's report out of what the interface decoded and the keys beside it. */
export function readReport({ unit, connection, received }: JoinedUnit, bag: BagData): PeerReport {
  const port = json(bag, PORT_KEY) ?? DEFAULT_PORT;
  const fits = typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535;
  const settings = json(bag, SETTINGS_KEY);
  return {
    unit,
    address: connection && fits ? { host: connection.address, port } : undefined,
    connection,
    isVerified: isYes(bag, VERIFIED_KEY),
    configured: received.unitConfigureReady === true,
    clustered: received.unitClustered === true,
    settings: typeof settings === "string" ? settings : "",
  };
}

/** What this unit says beside the interface's keys. */
export function ownKeys(port: number, settings: string): BagData {
  return {
    [PORT_KEY]: port === DEFAULT_PORT ? "" : `${port}`,
    [VERIFIED_KEY]: encodeJson(true),
    [SETTINGS_KEY]: encodeJson(settings),
  };
}

function whole(value: string | undefined): number {
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : 0;
}
