/**
 * Servers of two clusters that answer by a script, for what is decided before anything is changed.
 *
 * @module
 */
import { assert } from "@std/assert";
import { UnreachableError } from "../../interfaces/clients/errors.ts";
import type { SetAccess } from "../../interfaces/clients/mysql/cluster_set/access.ts";
import type { Mysql, Row } from "../../interfaces/clients/mysql/connection.ts";
import { Sql } from "../../interfaces/clients/mysql/quoting.ts";

/** Group names, each also the UUID of its cluster's only server. */
export const GROUPS = {
  a: "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
  b: "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
} as const;
type Name = keyof typeof GROUPS;
const PORTS: Readonly<Record<Name, number>> = { a: 1, b: 2 };

/** What a server is and knows. */
export interface Script {
  readonly view: number;
  /** The primary cluster, as the server's record has it. */
  readonly primary: Name;
  readonly invalidated?: Name;
  /** A cluster that its record no longer has. */
  readonly removed?: Name;
  /** Whether it runs in its group, and whether clients may write there. */
  readonly runs?: boolean;
  readonly open?: boolean;
  /** Whether administrators may write where clients may not. */
  readonly unlocked?: boolean;
  readonly hasChannel?: boolean;
  /** What has arrived there that is not executed: transactions such as `1-9`. Its applier stops at once, with an error. */
  readonly stuck?: string;
  /** Its applier goes on all the same. */
  readonly applies?: boolean;
  /** Whether its channel asks the source's members just now. */
  readonly asks?: boolean;
  /** Who holds the set's lock there. */
  readonly holder?: string;
  /** Connections to it fail. */
  readonly fails?: Error;
}

/** Both servers, and what was done to them. */
export interface Scripted {
  readonly access: SetAccess;
  readonly connect: (name: Name) => Mysql;
  /** Changes, such as `b: unlock the server`. */
  readonly changes: readonly string[];
  /** Statements that changed something. */
  readonly statements: readonly string[];
  /** Statements that waited for transactions. */
  readonly waits: readonly string[];
  /** Attempts to connect, such as `b 2000`: to whom and with how many milliseconds. */
  readonly attempts: readonly string[];
}

/** Servers that answer as they are told. @param before called with what is asked for, such as `b: unlock the server` */
export function scripted(
  scripts: Readonly<Record<Name, Script>>,
  before: (operation: string) => void = () => undefined,
): Scripted {
  const changes: string[] = [];
  const statements: string[] = [];
  const waits: string[] = [];
  const attempts: string[] = [];
  const connect = (name: Name): Mysql => ({
    endpoint: `127.0.0.1:${PORTS[name]}`,
    query: (operation, statement) => {
      before(`${name}: ${operation}`);
      if (operation === "wait for transactions") waits.push(Sql.textOf(statement));
      return Promise.resolve(answer(name, scripts[name], operation));
    },
    run: (operation, statement) => {
      before(`${name}: ${operation}`);
      changes.push(`${name}: ${operation}`);
      statements.push(Sql.textOf(statement));
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  const access: SetAccess = {
    connect: ({ port }, timeoutMs) => {
      const name = port === PORTS.a ? "a" : "b";
      attempts.push(`${name} ${timeoutMs}`);
      const { fails } = scripts[name];
      return fails ? Promise.reject(fails) : Promise.resolve(connect(name));
    },
    replication: { user: "recovery", password: "" },
    holder: "test/0",
  };
  return { access, connect, changes, statements, waits, attempts };
}

/** No server answers at an address. */
export function unreachable(endpoint: string): UnreachableError {
  return new UnreachableError([{ endpoint, reason: "no answer" }]);
}

function answer(name: Name, script: Script, operation: string): Row[] {
  const { view, primary, invalidated, runs = true, open = false, unlocked = open, hasChannel = false, holder } = script;
  const { removed, stuck = "", applies = false, asks = false } = script;
  const names = (Object.keys(GROUPS) as Name[]).filter((each) => each !== removed);
  const members = names.map((each) => ({
    cluster_id: each,
    cluster_name: each,
    group_name: GROUPS[each],
    clusterset_id: "set",
    mysql_server_uuid: GROUPS[each],
    instance_name: `${each}0`,
    address: `127.0.0.1:${PORTS[each]}`,
  }));
  const rows: Readonly<Record<string, () => Row[]>> = {
    "look for the metadata of the cluster": () => [{ 1: 1 }],
    "read the clusters and their members": () => members,
    "read the cluster set": () =>
      members.map((member) => ({
        ...member,
        own_group: GROUPS[name],
        domain_name: "set",
        view_id: view,
        member_role: member.cluster_id === primary ? "PRIMARY" : "REPLICA",
        invalidated: member.cluster_id === invalidated ? 1 : 0,
      })),
    "read the server's settings": () => [{ name: "group_replication_group_name", value: GROUPS[name] }],
    "read the group's members": () => [{
      id: GROUPS[name],
      host: "127.0.0.1",
      port: PORTS[name],
      state: runs ? "ONLINE" : "OFFLINE",
      role: runs ? "PRIMARY" : "",
      version: "9.7.4",
      self: GROUPS[name],
      read_only: open ? 0 : 1,
    }],
    "read who may write": () => [{
      super_read_only: unlocked ? 0 : 1,
      read_only: open ? 0 : 1,
      opening: open ? 1 : 0,
    }],
    "look who changes the cluster set": () => holder === undefined ? [] : [{ holder }],
    "lock the cluster set": () => [{ got: 1 }],
    "look whether the cluster set is locked": () => [{ mine: 1 }],
    "read the channels": () =>
      hasChannel
        ? [{
          name: "clusterset_replication",
          host: "127.0.0.1",
          port: 1,
          user: "recovery",
          receiver: stuck === "" ? "OFF" : "ON",
          applier: applies ? "ON" : "OFF",
          received: stuck === "" ? "" : `${GROUPS.a}:${stuck}`,
          receiver_error: 0,
          applier_error: stuck === "" || applies ? 0 : 1062,
        }]
        : [],
    "read the channel's options": () => [{ failover: 1 }],
    "read the channel's sources": () => [],
    "let new primaries open": () => [],
    "keep new primaries closed": () => [],
    "read the executed transactions": () => [{ executed: "", purged: "" }],
    "look whether the connection is still there": () => [{ 1: 1 }],
    "look whether the channel asks the source's members": () => asks ? [{ state: "Connecting to source" }] : [],
    "wait for transactions": () => [{ late: stuck === "" ? 0 : 1 }],
    "look for the channel": () => [{ number: hasChannel ? 1 : 0 }],
  };
  const row = rows[operation];
  assert(row, `the script has no answer to: ${operation}`);
  return row();
}
