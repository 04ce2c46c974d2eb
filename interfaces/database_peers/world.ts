/**
 * What the flowcharts read and change, as one port: the real one talks to Juju, Patroni and the machine, the one of
 * `--explain` only looks, and that of the tests is a table.
 *
 * @module
 */
import type { ClusterView, InstanceStatus } from "../clients/patroni/values.ts";
import type { ApplicationBag } from "./bags.ts";
import type { Substrate } from "./names.ts";

/** A unit of the application in the peer relation. */
export interface Peer {
  readonly unit: string;
  /** Its name in Patroni. */
  readonly member: string;
  /** As the list of members has it; absent when the unit has published none that can be used. */
  readonly address?: string;
}

/** A status as the unit shows it. */
export type StatusLevel = "maintenance" | "blocked" | "waiting" | "active";

/** What became of the configuration. */
export type Applied =
  | { readonly kind: "unchanged" | "changed" | "started" }
  /** An operator has to do something. */
  | { readonly kind: "blocked"; readonly why: string }
  /** Something failed that may pass. */
  | { readonly kind: "failed"; readonly why: string };

/** Juju's part. */
export interface JujuSide {
  isLeader(): Promise<boolean>;
  /** @throws {ContractError} when the databag breaks the contract */
  application(): Promise<ApplicationBag>;
  /** This unit. */
  self(): Promise<Peer>;
  /** The other units in the relation, by number; the one that departs is not among them. */
  others(): Promise<readonly Peer[]>;
  /** The address that a departed unit had. */
  addressOf(unit: string): Promise<string | undefined>;
  plannedUnits(): Promise<number>;
  setMembers(members: readonly string[]): void;
  setInitialised(): void;
  /** Marks whether this unit's member runs as it should: set once it does, taken away before a restart. */
  markRunning(on: boolean): Promise<void>;
  /** Whether it did when it was last looked at. */
  isMarkedRunning(): Promise<boolean>;
  setStatus(level: StatusLevel, text: string): void;
  /** Tells every client where to read. */
  publishReadOnly(endpoints: string): Promise<void>;
  /** Whether this unit's databag says that its REST API speaks https. */
  isTlsMarked(): Promise<boolean>;
  markTls(on: boolean): void;
  /** Asks for the rolling lock; false when a request is pending already. */
  requestRestart(): Promise<boolean>;
}

/** Patroni's part: one short probe each, remembered for the rest of the hook unless it says so. */
export interface PatroniSide {
  /** Who is in the cluster, by any member that answers; undefined when none does. @param fresh asks again */
  cluster(fresh?: boolean): Promise<ClusterView | undefined>;
  /** Each listed member's own word, by address; undefined for those that do not answer. */
  health(address: string): Promise<InstanceStatus | undefined>;
  /** Sets how many replicas have each write; false when Patroni does not take it. */
  setSynchronous(planned: number): Promise<boolean>;
  /** Waits until this unit leads, or another member does. @param ms milliseconds at most */
  waitForPrimary(ms: number): Promise<boolean>;
}

/** The machine's, or the pod's, part. */
export interface MachineSide {
  /** Renders the configuration, sees to it that Patroni runs on a machine, and has it read what changed. */
  applyConfig(): Promise<Applied>;
  /** Makes Patroni read its files again. */
  reload(): Promise<void>;
  /** Whether key, certificate and authority are all there. */
  isTlsWanted(): Promise<boolean>;
  /** What the local server says; undefined when it does not answer. */
  isTlsOn(): Promise<boolean | undefined>;
  /** @returns why it failed, or undefined */
  labelPod(member: string): Promise<string | undefined>;
  /** Deletes a member's entry in etcd; nothing where the store is another. */
  forgetMember(member: string): Promise<void>;
  /** False when the partner could not be removed; true where the store is not Raft. */
  removeRaftPartner(address: string): Promise<boolean>;
}

/** Everything that a node of the flowcharts may touch. */
export interface World {
  readonly application: string;
  readonly substrate: Substrate;
  /** Where PostgreSQL listens. */
  readonly port: number;
  /** What Patroni knew longer ago says nothing of now: a lease and a round, in milliseconds. */
  readonly staleAfterMs: number;
  /** Since when the handler has been waiting; milliseconds since 1970. */
  readonly since: number;
  readonly juju: JujuSide;
  readonly patroni: PatroniSide;
  readonly machine: MachineSide;
  /** Told what a node of the flowchart answered, or did. */
  note(node: string, answer: string): void;
}
