/**
 * Events of one unit in asynchronous replication, for tests: written down and run as the steps of a trace are.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { done } from "../../hooks/outcome.ts";
import { USERS } from "../../interfaces/async_replication/credentials.ts";
import { type Replication, withPorts } from "../../interfaces/async_replication/replication.ts";
import type { EventBag, EventRelation, EventState, EventStep } from "../conformance/trace_events_format.ts";
import { type EventOutcome, runEventStep } from "../conformance/trace_events_run.ts";
import { EventScript } from "../conformance/trace_events_script.ts";
import { eventWorld } from "../conformance/trace_events_world.ts";
import { runHook } from "../conformance/trace_step.ts";
import { createHookRun } from "../model/hook_run.ts";

/** What differs from a leader of a healthy primary cluster of three units. */
export interface Given extends Partial<Omit<EventState, "peer">> {
  readonly relationId?: number;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly mysql?: Readonly<Record<string, unknown>>;
  /** Added to the peer databags; `""` takes a key away. */
  readonly app?: EventBag;
  readonly unitBag?: EventBag;
}

const MYSQL = {
  is_cluster_replica: false,
  get_member_state: ["online", "primary"],
  get_mysql_version: "9.7.4",
  get_cluster_endpoints: ["10.0.0.10:3306", "10.0.0.11:3306,10.0.0.12:3306", ""],
  get_replica_cluster_status: "ok",
  get_cluster_node_count: 3,
  is_cluster_writes_fenced: false,
  is_cluster_in_cluster_set: true,
  is_instance_in_cluster: false,
  get_non_system_databases: [],
  get_cluster_set_name: "set-a",
};

/** What a primary offers. */
export const OFFER = {
  "secret-id": "secret:shared",
  "cluster-name": "cluster-p",
  "mysql-version": "9.7.4",
  "cluster-set-name": "set-p",
};
/** What a replica answers. */
export const ANSWER = { "cluster-name": "cluster-b", endpoint: "10.9.0.1", "node-label": "db2-0" };

/** Passwords of all users, which differ by the prefix. */
export function passwords(prefix: string): Record<string, string> {
  return Object.fromEntries(USERS.map(({ key }) => [key, `${prefix}-${key}`]));
}

/** The application's own passwords, as they are kept. */
export const OWN = {
  id: "secret:own",
  label: "database-peers.mysql.app",
  owner: "app",
  content: passwords("own"),
};
/** The primary side's secret. */
export const SHARED = { id: "secret:shared", label: null, owner: null, content: passwords("remote") };

/** A relation of the unit. */
export function relation(
  endpoint: "async-primary" | "async-replica",
  local: EventBag,
  remote: EventBag,
  id = 7,
  app = "other",
): EventRelation {
  return { id, endpoint, remote_app: app, local_app_data: local, remote_app_data: remote, remote_units: [0] };
}

/** Runs one event. */
export async function runEvent(name: string, given: Given = {}): Promise<EventOutcome> {
  return await runEventStep(stepOf(name, given));
}

/**
 * Runs code of the charm in an update-status hook, as the module of an endpoint.
 *
 * @returns the unit's and the application's status after it
 */
export async function inModule(
  endpoint: "async-primary" | "async-replica",
  given: Given,
  use: (at: Replication) => Promise<void>,
): Promise<readonly [unit: readonly string[], application: readonly string[]]> {
  const step = stepOf("update-status", given);
  const { world, charm } = eventWorld(step, 1_000);
  const script = new EventScript(step);
  const source = { needs: [], open: (ctx: Context) => script.ports(ctx) };
  const run = async (ctx: Context) => {
    await withPorts(source, ctx, use);
    return done;
  };
  const declared = charm.endpoints.find(({ name }) => name === endpoint);
  const binding = { source: endpoint, endpoint: declared, definition: { when: [{ name: "use", run }] } };
  const { unit } = step.state;
  const hook = createHookRun(world, { unit, kind: "update-status", contextId: "1" });
  const event = { kind: "lifecycle", name: "update-status", hook: "update-status" } as const;
  await runHook({ world, charm, interfaces: [] }, unit, hook, event, binding);
  const shown = [world.units[unit]?.status, world.applications.mysql?.status];
  const [unitStatus = [], application = []] = shown.map((each) => [each?.status ?? "", each?.message ?? ""]);
  return [unitStatus, application];
}

function stepOf(name: string, given: Given): EventStep {
  const { relationId, params, mysql, app, unitBag, ...state } = given;
  return {
    event: {
      name,
      ...(relationId === undefined ? {} : { relation_id: relationId }),
      ...(params === undefined ? {} : { params }),
    },
    state: {
      unit: "mysql/0",
      leader: true,
      planned_units: 3,
      relations: [],
      secrets: [OWN],
      unit_status: ["unknown", ""],
      app_status: ["unknown", ""],
      unit_address: "10.0.0.10",
      active_status_message: "Primary",
      uuid4_hex: "0badc0de0badc0de0badc0de0badc0de",
      ...state,
      peer: {
        id: 1,
        app: present({
          "cluster-name": "cluster-a",
          "cluster-set-domain-name": "set-a",
          "units-added-to-cluster": "3",
          ...app,
        }),
        unit: present({
          "unit-initialized": "True",
          "member-state": "online",
          "member-role": "primary",
          ...unitBag,
        }),
      },
    },
    mysql: { ...MYSQL, ...mysql },
    expect: { calls: [] },
  };
}

function present(bag: EventBag): EventBag {
  return Object.fromEntries(Object.entries(bag).filter(([, value]) => value !== ""));
}

/** Names of the calls that change something. */
export function changes({ calls }: EventOutcome): string[] {
  const changing = /^(create|remove|promote|fence|unfence|rejoin|dissolve|update_user|set_)/;
  return calls.map(({ method = "" }) => method).filter((method) => changing.test(method));
}
