/**
 * The back-end and the charm of an event step: answers are scripted, calls are recorded in the original's words.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Ports, ReplicationCharm } from "../../interfaces/async_replication/charm_side.ts";
import {
  ClusterSetBusyError,
  ClusterSetError,
  type ClusterSetServer,
} from "../../interfaces/async_replication/cluster_server.ts";
import type { EventCall, EventState, EventStep } from "./trace_events_format.ts";
import type { Json } from "./trace_format.ts";

/** The errors that the original's actions catch, each around the one call that raises it. */
const CAUGHT = ["MySQLPromoteClusterToPrimaryError", "MySQLFencingWritesError", "MySQLRejoinClusterError"];
const PEER_ENDPOINT = "database-peers";

/** A scripted error that the original catches nowhere. */
class ScriptedError extends Error {}

/** What one step is scripted to answer, and what was asked. */
export class EventScript {
  readonly calls: EventCall[] = [];
  readonly #mysql: Json;
  readonly #state: EventState;
  readonly #isEnd: boolean;
  readonly #asked = new Map<string, number>();
  readonly #passwords: Record<string, string> = {};

  constructor({ event, mysql, state }: EventStep) {
    this.#isEnd = event.name.endsWith("-relation-broken");
    this.#mysql = mysql;
    this.#state = state;
  }

  /** The ports of a handler run. */
  ports(ctx: Context): Ports {
    return { server: this.server(), charm: this.#charm(ctx), [Symbol.asyncDispose]: () => Promise.resolve() };
  }

  /** Time that passes between two hooks, where the original sleeps. */
  sleep(seconds: number): void {
    this.calls.push({ target: "sleep", seconds });
  }

  /** @param isRecorded false: it answers, and nobody is told */
  server(isRecorded = true): ClusterSetServer {
    const ask = async (method: string, args: readonly unknown[] = [], kwargs: object = {}): Promise<unknown> => {
      const given = Object.fromEntries(Object.entries(kwargs).map(([key, value]) => [snakeCase(key), value]));
      if (isRecorded) this.calls.push({ target: "mysql", method, args, kwargs: given });
      return await this.#answer(method);
    };
    const change = async (method: string, args: readonly unknown[] = [], kwargs: object = {}): Promise<void> =>
      void await ask(method, args, kwargs);
    const optional = async <T>(value: Promise<unknown>): Promise<T | undefined> => (await value as T) ?? undefined;
    return {
      isClusterReplica: () => optional(ask("is_cluster_replica")),
      async getMemberState() {
        const [state = "", role = ""] = await ask("get_member_state") as string[];
        return { state, role };
      },
      getMysqlVersion: () => optional(ask("get_mysql_version")),
      async getClusterEndpoints(options) {
        const lists = await ask("get_cluster_endpoints", [], options) as string[];
        const [readWrite = [], readOnly = [], offline = []] = lists.map((each) => each.split(",").filter(Boolean));
        return { readWrite, readOnly, offline };
      },
      getReplicaClusterStatus: (cluster) => optional(ask("get_replica_cluster_status", [cluster])),
      getClusterNodeCount: async (options) => await ask("get_cluster_node_count", [], options) as number,
      getClusterSetName: () => optional(ask("get_cluster_set_name")),
      getNonSystemDatabases: async () => await ask("get_non_system_databases") as string[],
      isClusterInClusterSet: (cluster) => optional(ask("is_cluster_in_cluster_set", [cluster])),
      isClusterWritesFenced: () => optional(ask("is_cluster_writes_fenced")),
      isInstanceInCluster: async (label) => Boolean(await ask("is_instance_in_cluster", [label])),
      createReplicaCluster: (endpoint, cluster, options) =>
        change("create_replica_cluster", [endpoint, cluster], options),
      removeReplicaCluster: async (cluster, options) => {
        return await ask("remove_replica_cluster", [cluster], options) !== false;
      },
      promoteClusterToPrimary: (cluster, force) => change("promote_cluster_to_primary", [cluster, force]),
      promoteUnitToPrimary: (force) => change("promote_unit_to_primary", [force]),
      fenceWrites: () => change("fence_writes"),
      unfenceWrites: () => change("unfence_writes"),
      rejoinCluster: (cluster) => change("rejoin_cluster", [cluster]),
      dissolveCluster: () => change("dissolve_cluster"),
      // The original has no such methods: no trace scripts them. Where a relation ends, it takes a server that is in no
      // cluster for one whose cluster was dissolved.
      hasLeft: () => Promise.resolve(Boolean(this.#mysql.has_left ?? this.#mysql.was_dissolved ?? this.#isEnd)),
      haveOthersLeft: () => Promise.resolve(this.#mysql.others_left === true),
      isNobodyIn: () => Promise.resolve(Boolean(this.#mysql.nobody_in ?? this.#mysql.was_dissolved ?? this.#isEnd)),
      wasRemoved: () => Promise.resolve(this.#mysql.was_removed === true),
      updateUserPassword: (user, password, options) => change("update_user_password", [user, password], options),
    };
  }

  #charm(ctx: Context): ReplicationCharm {
    const note = (method: string, args: readonly unknown[] = []) => {
      this.calls.push({ target: "charm", method, args });
      return Promise.resolve();
    };
    return {
      peers: async () => (await ctx.relations(PEER_ENDPOINT))[0],
      credentials: () => Promise.resolve(this.#credentials()),
      setSecret: (key, password) => {
        this.#passwords[key] = password;
        return note("set_secret", ["app", key, password]);
      },
      createCluster: () => note("create_cluster"),
      updateStatus: () => note("update_status"),
      unitAddress: () => Promise.resolve(this.#state.unit_address),
      activeStatusMessage: () => Promise.resolve(this.#state.active_status_message),
      randomHex: () => this.#state.uuid4_hex,
    };
  }

  /** The application's own secret, with what `set_secret` put there. Who has answered has synced before. */
  #credentials(): Readonly<Record<string, string>> | undefined {
    const { secrets, relations, unit } = this.#state;
    const own = secrets.find(({ label }) => label === `${PEER_ENDPOINT}.${unit.split("/")[0]}.app`);
    const hasAnswered = relations.some((each) => each.endpoint === "async-replica" && each.local_app_data.endpoint);
    const kept = own ?? (hasAnswered ? secrets.find(({ owner }) => owner === null) : undefined);
    return kept || Object.keys(this.#passwords).length > 0 ? { ...kept?.content, ...this.#passwords } : undefined;
  }

  #answer(method: string): unknown {
    const scripted = this.#mysql[method];
    const number = this.#asked.get(method) ?? 0;
    this.#asked.set(method, number + 1);
    const sequence = isObject(scripted) && Array.isArray(scripted.$seq) ? scripted.$seq : [scripted];
    const value: unknown = sequence[Math.min(number, sequence.length - 1)];
    if (!isObject(value) || typeof value.$raise !== "string") return value;
    if (value.$raise === ClusterSetBusyError.name) throw new ClusterSetBusyError("scripted");
    throw CAUGHT.includes(value.$raise) ? new ClusterSetError("scripted") : new ScriptedError(value.$raise);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
