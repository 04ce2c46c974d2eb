/**
 * How the members are: status, health, version, alarms.
 *
 * @module
 */
import { ClientError } from "../errors.ts";
import type { JsonObject } from "../http/json.ts";
import type { Connection } from "./connection.ts";
import { checkId, child, count, idOf, int64, list, text, texts } from "./values.ts";

/** How one member sees itself and the cluster. */
export interface MemberStatus {
  readonly endpoint: string;
  /** Of the server, such as `3.4.23`. */
  readonly version: string;
  /** The member's own id. */
  readonly memberId: string;
  /** Id of the leader; `"0"` when the member knows none. */
  readonly leader: string;
  readonly raftTerm: bigint;
  readonly raftIndex: bigint;
  /** Bytes of the data file. */
  readonly dbSizeBytes: number;
  /** What is wrong, in etcd's words. */
  readonly errors: readonly string[];
}

/** Whether one member serves requests. */
export interface MemberHealth {
  readonly endpoint: string;
  readonly healthy: boolean;
  /** Why not; empty when it is healthy. */
  readonly reason: string;
}

/** Versions of one member. */
export interface Version {
  /** Of the server, such as `3.4.23`. */
  readonly server: string;
  /** The one that all members understand, such as `3.4.0`. */
  readonly cluster: string;
}

/** An alarm that a member has raised, such as `NOSPACE`. */
export interface Alarm {
  readonly memberId: string;
  readonly alarm: string;
}

/** State and upkeep of a cluster. */
export interface Maintenance {
  /** Asks one endpoint; needs no user, and works without quorum. */
  status(endpoint: string): Promise<MemberStatus>;
  /** Asks every endpoint, all at once; never throws for a member that does not serve. */
  health(): Promise<readonly MemberHealth[]>;
  /** The first version that an endpoint tells. */
  version(): Promise<Version>;
  alarms(): Promise<readonly Alarm[]>;
  /** Takes back alarms; without an alarm all of them. */
  disarm(alarm?: Alarm): Promise<void>;
  /** Gives unused space of one member back to the disk; the member serves nothing meanwhile. */
  defragment(endpoint: string): Promise<void>;
  /** Lets another member lead. @param endpoint of the member that leads */
  moveLeader(endpoint: string, memberId: string): Promise<void>;
}

const ALARM = "/v3/maintenance/alarm";

/** State and upkeep over a connection. */
export function createMaintenance(connection: Connection): Maintenance {
  const health = async (endpoint: string): Promise<MemberHealth> => {
    try {
      const reply = await connection.ask(endpoint, "/health");
      const healthy = text(reply, "health") === "true";
      return { endpoint, healthy, reason: healthy ? "" : "it has no leader or an alarm" };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      return { endpoint, healthy: false, reason: error.message };
    }
  };
  const readAlarms = (reply: JsonObject): Alarm[] =>
    list(reply, "alarms").map((alarm) => ({ memberId: idOf(alarm, "memberID"), alarm: text(alarm, "alarm") }));
  const alarms = async (): Promise<Alarm[]> =>
    readAlarms(await connection.call(ALARM, { action: "GET" }, { repeatable: true }));

  return {
    async status(endpoint) {
      const reply = await connection.ask(endpoint, "/v3/maintenance/status", {});
      return {
        endpoint,
        version: text(reply, "version"),
        memberId: idOf(child(reply, "header"), "member_id"),
        leader: idOf(reply, "leader"),
        raftTerm: int64(reply, "raftTerm"),
        raftIndex: int64(reply, "raftIndex"),
        dbSizeBytes: count(reply, "dbSize"),
        errors: texts(reply, "errors"),
      };
    },
    health: () => Promise.all(connection.endpoints.map(health)),
    async version() {
      let last: unknown;
      for (const endpoint of connection.endpoints) {
        try {
          const reply = await connection.ask(endpoint, "/version");
          return { server: text(reply, "etcdserver"), cluster: text(reply, "etcdcluster") };
        } catch (error) {
          last = error;
        }
      }
      throw last;
    },
    alarms,
    async disarm(alarm) {
      for (const one of alarm ? [alarm] : await alarms()) {
        const body = { action: "DEACTIVATE", memberID: checkId(one.memberId), alarm: one.alarm };
        await connection.call(ALARM, body, { repeatable: true });
      }
    },
    async defragment(endpoint) {
      await connection.ask(endpoint, "/v3/maintenance/defragment", {});
    },
    async moveLeader(endpoint, memberId) {
      await connection.ask(endpoint, "/v3/maintenance/transfer-leadership", { targetID: checkId(memberId) });
    },
  };
}
