/**
 * A small world and one session in it, for tests of the dispatcher: application `site` with three units is related to
 * `proxy` with two, and has a peer relation.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "../../hooks/charm/metadata.ts";
import { type CommitPlan, makeWrites, planCommit } from "../../hooks/commit.ts";
import type { Binding } from "../../hooks/definition.ts";
import { runPlan } from "../../hooks/dispatch.ts";
import type { HookEvent, RelationEvent, RelationPhase } from "../../hooks/event.ts";
import { hookCommands } from "../../hooks/juju/commands.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { Logger } from "../../hooks/log.ts";
import { planHook } from "../../hooks/plan.ts";
import { Redactor } from "../../hooks/redact.ts";
import { Session } from "../../hooks/session.ts";
import { agentStore } from "../../hooks/state/agent_store.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";
import { commit, discard } from "../model/commit.ts";
import { createHookRun, type HookRun } from "../model/hook_run.ts";
import { type InProcessTransport, inProcessTransport } from "../model/in_process.ts";
import type { ApplicationState, UnitState as ModelUnit, WorldState } from "../model/state.ts";

export const SITE: Endpoint = { name: "site", role: "provides", interface: "http", scope: "global" };
export const RING: Endpoint = { name: "ring", role: "peers", interface: "ring", scope: "global" };
const UPSTREAM: Endpoint = { name: "upstream", role: "requires", interface: "http", scope: "global" };

function charm(name: string, endpoints: readonly Endpoint[]): CharmMetadata {
  return {
    name,
    summary: "",
    subordinate: false,
    endpoints,
    storages: [],
    containers: [],
    config: { title: { name: "title", type: "string", default: "x", description: "" } },
    actions: {},
  };
}

const idle = { status: "unknown", message: "", since: 0 };

function application(name: string, endpoints: readonly Endpoint[]): ApplicationState {
  return {
    name,
    life: "alive",
    charm: charm(name, endpoints),
    charmSource: "",
    charmRevision: 0,
    config: { title: "x" },
    leader: `${name}/0`,
    leaderSettings: {},
    status: { ...idle },
    version: "",
    nextUnit: 3,
    model: "default",
  };
}

function unit(name: string, address: string): ModelUnit {
  return {
    name,
    app: name.split("/")[0] ?? "",
    life: "alive",
    machine: "0",
    address,
    networks: {},
    status: { ...idle },
    agentStatus: { ...idle },
    state: {},
    ports: [],
    storage: [],
    workloadVersion: "",
  };
}

/** Relation 1 is `site:site proxy:upstream`, relation 2 the ring of `site`. */
export function smallWorld(): WorldState {
  const names = ["site/0", "site/1", "site/2", "proxy/0", "proxy/1"];
  const bags = Object.fromEntries(names.map((name, index) => [name, { "ingress-address": `10.0.0.${index + 1}` }]));
  return {
    now: 0,
    models: { default: { name: "default", uuid: "f47ac10b-58cc-4372-a567-0e02b2c3d479" } },
    jujuVersion: "3.6.8",
    applications: { site: application("site", [SITE, RING]), proxy: application("proxy", [UPSTREAM]) },
    units: Object.fromEntries(names.map((name, index) => [name, unit(name, `10.0.0.${index + 1}`)])),
    relations: {
      1: {
        id: 1,
        life: "alive",
        sides: [{ app: "site", endpoint: SITE }, { app: "proxy", endpoint: UPSTREAM }],
        appBags: { site: {}, proxy: {} },
        unitBags: bags,
        members: [...names],
        versions: {},
      },
      2: {
        id: 2,
        life: "alive",
        sides: [{ app: "site", endpoint: RING }],
        appBags: { site: {} },
        unitBags: { "site/0": {}, "site/1": {}, "site/2": {} },
        members: names.slice(0, 3),
        versions: {},
      },
    },
    secrets: {},
    actions: {},
    nextRelation: 3,
    nextAction: 1,
    nextSecret: 1,
  };
}

/** A relation event of `site/0`. */
export function relationEvent(phase: RelationPhase, overrides: Partial<RelationEvent> = {}): RelationEvent {
  const endpoint = overrides.endpoint ?? SITE;
  const remote = endpoint === SITE ? "proxy" : "site";
  const remoteUnit = phase === "created" || phase === "broken" ? {} : { remoteUnit: `${remote}/1` };
  return {
    kind: "relation",
    name: `${endpoint.name}-relation-${phase}`,
    phase,
    endpoint,
    relationId: endpoint === SITE ? 1 : 2,
    remoteApp: remote,
    ...remoteUnit,
    ...overrides,
  };
}

/** The update-status event. */
export const UPDATE_STATUS: HookEvent = { kind: "lifecycle", name: "update-status", hook: "update-status" };

/** What a hook did. */
export interface HookResult {
  readonly session: Session;
  readonly plan: CommitPlan;
  readonly calls: InProcessTransport["calls"];
  readonly run: HookRun;
  readonly log: string[];
}

/**
 * Runs one hook of `site/0` in the world, as the executable does after routing, and commits it.
 *
 * @param now milliseconds since 1970
 * @throws whatever a handler throws; then nothing is committed
 */
export async function runHook(
  world: WorldState,
  event: HookEvent,
  bindings: readonly Binding[],
  now = 1_000,
  unitName = "site/0",
): Promise<HookResult> {
  const run = createHookRun(world, {
    unit: unitName,
    kind: event.kind === "relation" ? `relation-${event.phase}` : event.name,
    contextId: `${unitName}-${event.name}-1`,
    ...(event.kind === "relation"
      ? { relationId: event.relationId, remoteUnit: event.remoteUnit ?? "", remoteApp: event.remoteApp }
      : {}),
  });
  const transport = inProcessTransport(run);
  const commands = hookCommands(transport);
  const log: string[] = [];
  const redactor = new Redactor();
  const metadata = world.applications[unitName.split("/")[0] ?? ""]?.charm;
  if (!metadata) throw new Error(`${unitName} has no application`);
  try {
    const backend = agentStore(commands);
    const state = new UnitState(await backend.load());
    const session = new Session({
      environment: readJujuEnvironment({ JUJU_UNIT_NAME: unitName, JUJU_CHARM_DIR: "/" }),
      charm: metadata,
      commands,
      state,
      log: new Logger({
        send: (level, message) => Promise.resolve(void log.push(`${level} ${message}`)),
        printDebug: (line) => void log.push(`DEBUG ${line}`),
      }, redactor),
      redactor,
      now: () => now,
    });
    await runPlan(session, event, planHook(event, bindings, state.deferred, now));
    const plan = await planCommit(session, backend);
    await makeWrites(plan, () => session.log.flush());
    await session.log.flush();
    const result = commit(run);
    if (!result.ok) throw new Error(result.error);
    return { session, plan, calls: transport.calls, run, log };
  } catch (error) {
    discard(run);
    throw error;
  }
}
