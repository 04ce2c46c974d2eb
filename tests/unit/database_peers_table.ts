/**
 * A world that is a table: what each node of the flowcharts reads is written down, and what it does is recorded.
 *
 * @module
 */
import type { ClusterMember, ClusterView, InstanceStatus } from "../../interfaces/clients/patroni/values.ts";
import { readApplicationBag } from "../../interfaces/database_peers/bags.ts";
import type { Applied, Peer, World } from "../../interfaces/database_peers/world.ts";

/** What is the case. */
export interface Table {
  substrate: "machine" | "kubernetes";
  initialised: boolean;
  leader: boolean;
  /** The raw list of the databag. */
  members: string;
  /** Numbers of the other units in the relation; unit n has the address 10.0.0.n. This unit is number 0. */
  others: number[];
  /** What Patroni says, one answer for each time that it is asked; the last one stays. Undefined: unreachable. */
  cluster: (ClusterView | undefined)[];
  /** States by address; those that are absent do not answer. */
  health: Record<string, InstanceStatus["state"]>;
  /** Who leads, by address, as the members themselves say. */
  primary: string;
  stalenessMs: number;
  applied: Applied;
  tlsWanted: boolean;
  tlsMarked: boolean;
  tlsOn: boolean | undefined;
  restartPending: boolean;
  labels: string | undefined;
  synchronous: boolean;
  raftRemoved: boolean;
  planned: number;
}

/** What was done, in order. */
export interface Recorded {
  readonly world: World;
  readonly done: string[];
  /** Nodes of the flowchart, in the order in which they were visited. */
  readonly nodes: string[];
}

/** The address of a unit. */
export const addressOf = (number: number): string => `10.0.0.${number}`;

/** A list of members as the databag has it. */
export const listOf = (...numbers: number[]): string => JSON.stringify(numbers.map(addressOf));

/** Patroni's list: one unit leads, -1 is nobody; the others replicate. */
export function clusterOf(
  states: Readonly<Record<number, ClusterMember["state"]>>,
  leader = 0,
): ClusterView {
  const members = Object.entries(states).map(([number, state]): ClusterMember => ({
    name: `pg-${number}`,
    role: Number(number) === leader ? "leader" : "replica",
    state,
    host: addressOf(Number(number)),
    port: 5432,
    pendingRestart: false,
  }));
  return { members, paused: false, scheduledSwitchover: false };
}

/** A settled cluster of three units, seen from unit 0, which leads in Juju's and in Patroni's terms. */
export const SETTLED: Table = {
  substrate: "machine",
  initialised: true,
  leader: true,
  members: listOf(0, 1, 2),
  others: [1, 2],
  cluster: [clusterOf({ 0: "running", 1: "running", 2: "streaming" })],
  health: { [addressOf(0)]: "running", [addressOf(1)]: "running", [addressOf(2)]: "running" },
  primary: addressOf(0),
  stalenessMs: 0,
  applied: { kind: "unchanged" },
  tlsWanted: false,
  tlsMarked: false,
  tlsOn: false,
  restartPending: false,
  labels: undefined,
  synchronous: true,
  raftRemoved: true,
  planned: 3,
};

/** A world of a table. */
export function worldOf(changes: Partial<Table>): Recorded {
  const table: Table = { ...SETTLED, ...changes };
  const done: string[] = [];
  const nodes: string[] = [];
  const key = table.substrate === "kubernetes" ? "endpoints" : "members_ips";
  const answers = [...table.cluster];
  const bag: Record<string, string> = {
    [key]: table.members,
    ...table.initialised ? { cluster_initialised: "True" } : {},
  };
  let view: ClusterView | undefined;
  let asked = false;
  let marked = table.tlsMarked;
  let pending = table.restartPending;
  const did = <T>(what: string, answer: T): Promise<T> => {
    done.push(what);
    return Promise.resolve(answer);
  };
  const peer = (number: number): Peer => ({
    unit: `pg/${number}`,
    member: `pg-${number}`,
    ...number < 100 ? { address: addressOf(number) } : {},
  });
  const world: World = {
    application: "pg",
    substrate: table.substrate,
    port: 5432,
    staleAfterMs: 40_000,
    since: 0,
    note: (node, answer) => void nodes.push(`${node} ${answer}`),
    juju: {
      isLeader: () => Promise.resolve(table.leader),
      application: () => Promise.resolve().then(() => readApplicationBag(bag, table.substrate)),
      self: () => Promise.resolve(peer(0)),
      others: () => Promise.resolve(table.others.map(peer)),
      addressOf: (unit) => Promise.resolve(addressOf(Number(unit.split("/")[1]))),
      plannedUnits: () => Promise.resolve(table.planned),
      setMembers(members) {
        bag[key] = JSON.stringify(members);
        done.push(`list ${members.join(",")}`);
      },
      setInitialised: () => void done.push("initialised"),
      markRunning: () => Promise.resolve(),
      isMarkedRunning: () => Promise.resolve(true),
      setStatus: (level, text) => void done.push(`status ${level}${text === "" ? "" : `: ${text}`}`),
      publishReadOnly: (endpoints) => did(`read-only ${endpoints}`, undefined),
      isTlsMarked: () => Promise.resolve(marked),
      markTls(on) {
        marked = on;
        done.push(`mark tls ${on}`);
      },
      requestRestart() {
        const isNew = !pending;
        pending = true;
        done.push(isNew ? "ask for restart" : "restart is asked for");
        return Promise.resolve(isNew);
      },
    },
    patroni: {
      cluster(fresh = false) {
        if (fresh || !asked) view = answers.length > 1 ? answers.shift() : answers[0];
        asked = true;
        return Promise.resolve(view);
      },
      health(address) {
        const state = table.health[address];
        const running = state === "running" || state === "streaming";
        const role = address === table.primary ? "primary" : "replica";
        const status: InstanceStatus = {
          ...{ running, state: state ?? "unknown", role, syncStandby: false, pendingRestart: false, paused: false },
          ...{ failsafeActive: false, replication: [], stalenessMs: table.stalenessMs },
        };
        return Promise.resolve(state === undefined ? undefined : status);
      },
      setSynchronous: (planned) => did(`synchronous for ${planned}`, table.synchronous),
      waitForPrimary: () => Promise.resolve(view?.members.some(({ role }) => role === "leader") ?? false),
    },
    machine: {
      applyConfig: () => did("config", table.applied),
      reload: () => did("reload", undefined),
      isTlsWanted: () => Promise.resolve(table.tlsWanted),
      isTlsOn: () => Promise.resolve(table.tlsOn),
      labelPod: (member) => did(`label ${member}`, table.labels),
      forgetMember: (member) => did(`forget ${member}`, undefined),
      removeRaftPartner: (address) => did(`raft ${address}`, table.raftRemoved),
    },
  };
  return { world, done, nodes };
}
