/**
 * How the members are: status, health, version, alarms.
 *
 * @module
 */
import { ClientError, NotPermittedError, RefusedError } from "../errors.ts";
import type { JsonObject } from "../http/json.ts";
import type { Connection } from "./connection.ts";
import { checkId, child, count, encodeKey, idOf, int64, list, text, texts } from "./values.ts";

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
  /** Whether it answers reads of the whole cluster's data: a member with an alarm does, and is not healthy. */
  readonly serves: boolean;
  /** Why it is not healthy; empty when it is. */
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
const STATUS = "/v3/maintenance/status";

/** State and upkeep over a connection. */
export function createMaintenance(connection: Connection): Maintenance {
  const health = async (endpoint: string): Promise<MemberHealth> => {
    let reason = "it has no leader or an alarm";
    try {
      const healthy = text(await connection.ask(endpoint, "/health"), "health") === "true";
      if (healthy) return { endpoint, healthy, serves: true, reason: "" };
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // A member that does not think itself healthy answers with HTTP 503; others do not answer at all.
      if (!(error instanceof RefusedError)) return { endpoint, healthy: false, serves: false, reason: error.message };
      reason = error.message;
    }
    const serves = await hasAlarm(endpoint) && await reads(endpoint);
    return { endpoint, healthy: false, serves, reason: serves ? "it has an alarm" : reason };
  };
  const hasAlarm = async (endpoint: string): Promise<boolean> => {
    try {
      return texts(await connection.ask(endpoint, STATUS, {}), "errors").some((error) => /alarm/i.test(error));
    } catch (error) {
      if (error instanceof ClientError) return false;
      throw error;
    }
  };
  /** A read that is not serializable needs the quorum. */
  const reads = async (endpoint: string): Promise<boolean> => {
    try {
      await connection.ask(endpoint, "/v3/kv/range", { key: encodeKey("health"), keys_only: true });
      return true;
    } catch (error) {
      // The key may be out of bounds for us, but whoever says so has asked the quorum.
      if (error instanceof NotPermittedError) return true;
      if (error instanceof ClientError) return false;
      throw error;
    }
  };
  const readAlarms = (reply: JsonObject): Alarm[] =>
    list(reply, "alarms").map((alarm) => ({ memberId: idOf(alarm, "memberID"), alarm: text(alarm, "alarm") }));
  const alarms = async (): Promise<Alarm[]> =>
    readAlarms(await connection.call(ALARM, { action: "GET" }, { repeatable: true }));

  return {
    async status(endpoint) {
      const reply = await connection.ask(endpoint, STATUS, {});
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
