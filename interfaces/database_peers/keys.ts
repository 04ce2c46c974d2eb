/**
 * Keys of the databags. Source: the contract of Charmed PostgreSQL, as its operators read and write it.
 *
 * @module
 */
import type { Substrate } from "./names.ts";

/** Keys of the application's databag; the leader writes them. */
export const APP = {
  /** Presence is what counts. */
  initialised: "cluster_initialised",
  /** URI of the secret that replaces the keys of passwords; a unit's databag has the key too. */
  secret: "internal-secret",
} as const;

/** Which units are part of the cluster: a JSON list of addresses, or on Kubernetes of names. */
export function membersKey(substrate: Substrate): "members_ips" | "endpoints" {
  return substrate === "kubernetes" ? "endpoints" : "members_ips";
}

/** Keys of a unit's databag. */
export const UNIT = {
  /** The address that Juju tells the peers. */
  address: "private-address",
  /** `enabled`: this unit's REST API speaks https. */
  tls: "tls",
  /** There from a restart's success to the next restart. */
  restarted: "postgresql_restarted",
} as const;

/** What the leader keeps for all units: in the application's secret, else under these keys. */
export const APP_VALUES = [
  "operator-password",
  "replication-password",
  "rewind-password",
  "patroni-password",
  "raft-password",
  "ca-certificate",
  "ca-key",
] as const;

/** What a unit keeps for itself: in its own secret, else under these keys. */
export const UNIT_VALUES = ["key", "cert", "ca"] as const;

/** A secret's keys have three characters at least. */
export const SECRET_FIELD: Readonly<Record<string, string>> = { ca: "cauth" };
