/**
 * Databags of the other side and of peers, fed to the interfaces' relations; no server is behind them.
 *
 * @module
 */
import fc from "fast-check";
import type { Context } from "../../hooks/context.ts";
import type { InterfaceDefinition } from "../../hooks/definition.ts";
import { done } from "../../hooks/outcome.ts";
import type { Role } from "../../hooks/charm/metadata.ts";
import { rollingLock, rollingOpPeers } from "../../interfaces/rolling_op/peers.ts";
import { RELATIONS } from "../conformance/relation_definitions.ts";
import { adapterFor } from "../conformance/trace_adapters.ts";
import type { TraceCase, TraceFile, TraceStep } from "../conformance/trace_format.ts";
import { runHook } from "../conformance/trace_step.ts";
import { beginStep, charmOf, eventOf, traceWorld } from "../conformance/trace_world.ts";
import { discard } from "../model/commit.ts";
import type { WorldState } from "../model/state.ts";
import {
  type Attempt,
  attempt,
  Breach,
  checkLine,
  checkSecret,
  type Surface,
  surface,
  type Verdict,
} from "./surface.ts";
import { worst } from "./surface.ts";
import { bags, damagedTexts, texts } from "./values.ts";

type Bag = Readonly<Record<string, string>>;

/** One side of an interface under attack. */
interface Side {
  readonly interface: string;
  readonly role: Role;
  /** File of traces that values are taken from. */
  readonly traces?: string;
  /** Keys of the databags, with values where no trace has any. */
  readonly keys?: Readonly<Record<string, readonly string[]>>;
  readonly secretKeys?: readonly string[];
}

const SIDES: readonly Side[] = [
  { interface: "etcd", role: "provides", traces: "etcd" },
  { interface: "etcd", role: "requires", traces: "etcd", secretKeys: ["client_key", "client_cert", "client_ca"] },
  { interface: "etcd", role: "peers", traces: "etcd" },
  { interface: "magpie", role: "peers", traces: "magpie" },
  { interface: "magpie2", role: "peers", traces: "magpie" },
  {
    interface: "mysql-innodb-cluster",
    role: "peers",
    traces: "mysql-innodb-cluster",
    secretKeys: ["cluster-password"],
  },
  {
    interface: "rolling_op",
    role: "peers",
    keys: { state: ["acquire", "release"], "app/0": ["granted", "idle"], "app/1": ["granted", "idle"] },
  },
];

interface Hook {
  readonly name: string;
  readonly unit: number;
}

interface Life {
  readonly leader: boolean;
  readonly network: string;
  readonly units: readonly Bag[];
  readonly own: Bag;
  readonly app: Bag;
  readonly hooks: readonly Hook[];
  /** Arguments of the interface's methods: networks and addresses come from options. */
  readonly argument: string;
}

const ENDPOINT = "ep";
const RELATION = `${ENDPOINT}:7`;
const UNIT = "app/0";
const RELATION_HOOKS = ["created", "joined", "changed", "departed", "broken"].map((phase) =>
  `${ENDPOINT}-relation-${phase}`
);
const HOOKS = [
  ...RELATION_HOOKS,
  ...RELATION_HOOKS,
  "upgrade-charm",
  "update-status",
  "leader-elected",
  "config-changed",
];

/** Values of each key in a file of traces. */
export function recordedBags(name: string): Record<string, string[]> {
  const url = new URL(`../conformance/data/traces/${name}.json`, import.meta.url);
  const file: TraceFile = JSON.parse(Deno.readTextFileSync(url));
  const found = new Map<string, Set<string>>();
  const note = (bag: Bag) => {
    for (const [key, value] of Object.entries(bag)) found.set(key, (found.get(key) ?? new Set()).add(value));
  };
  if (file.kind === "hook-sequences") {
    const steps = file.cases.flatMap((each) => each.steps);
    for (const { model } of steps) {
      for (const { data } of Object.values(model.relations)) Object.values(data).forEach(note);
    }
  } else {
    const states = file.cases.flatMap((each) => each.steps).map(({ state }) => state);
    for (const { relations, peer } of states) {
      for (const { local_app_data, remote_app_data } of relations) [local_app_data, remote_app_data].forEach(note);
      if (peer) [peer.app, peer.unit].forEach(note);
    }
  }
  return Object.fromEntries([...found].map(([key, values]) => [key, [...values]]));
}

function lives({ traces, keys = {}, secretKeys }: Side): fc.Arbitrary<Life> {
  const bag = bags({ ...(traces === undefined ? {} : recordedBags(traces)), ...keys }, secretKeys);
  const address = fc.constantFrom("10.0.0.1", "2001:db8::1", "");
  return fc.record({
    leader: fc.boolean(),
    network: fc.oneof({ weight: 5, arbitrary: address }, texts()),
    units: fc.array(bag, { minLength: 1, maxLength: 4 }),
    own: bag,
    app: bag,
    hooks: fc.array(fc.record({ name: fc.constantFrom(...HOOKS), unit: fc.nat(3) }), { minLength: 1, maxLength: 4 }),
    argument: fc.oneof(fc.constantFrom("10.0.0.0/8", "", "10.0.0.9"), damagedTexts(fc.constant("10.0.0.0/8")), texts()),
  });
}

async function live(side: Side, life: Life, scratch: string): Promise<Verdict> {
  const base: TraceCase = {
    id: "fuzz",
    charm: { name: "app", relations: { [side.role]: { [ENDPOINT]: { interface: side.interface } } } },
    unit: UNIT,
    leader: life.leader,
    config: {},
    network: life.network === "" ? {} : { [ENDPOINT]: life.network },
    private_address: "10.9.9.9",
    host_interfaces: { eth0: ["10.0.0.1"] },
    steps: [],
  };
  const world = traceWorld(base);
  const results: Attempt<unknown>[] = [];
  for (const hook of life.hooks) results.push(await runOne(side, life, base, world, hook, scratch));
  return worst(results);
}

async function runOne(
  side: Side,
  life: Life,
  base: TraceCase,
  world: WorldState,
  { name, unit }: Hook,
  scratch: string,
): Promise<Attempt<unknown>> {
  const app = side.role === "peers" ? "app" : "other";
  const first = side.role === "peers" ? 1 : 0;
  const names = life.units.map((_bag, index) => `${app}/${index + first}`);
  const remote = names[unit % names.length] ?? "";
  const isUnitHook = /-(joined|changed|departed)$/.test(name);
  const members = /-departed$/.test(name) ? names.filter((each) => each !== remote) : names;
  const data = Object.fromEntries([...names.entries()].map(([index, each]) => [each, life.units[index] ?? {}]));
  const step: TraceStep = {
    hook: name,
    env: { JUJU_RELATION_ID: RELATION, JUJU_REMOTE_UNIT: isUnitHook ? remote : "", JUJU_REMOTE_APP: app },
    model: { relations: { [RELATION]: { endpoint: ENDPOINT, app, members, data: { ...data, [UNIT]: life.own } } } },
    expect: { exit: 0, flags: [], databag: {} },
  };
  const charm = charmOf(base);
  const event = eventOf(step, charm);
  const run = beginStep(world, base, step, event);
  const relation = world.relations[7];
  if (relation) relation.appBags[app] = { ...life.app };
  const before = JSON.stringify(world);
  const when = [{
    name: "fuzz",
    async run(ctx: Context) {
      await callEverything(side, ctx, base, scratch, life.argument);
      return done;
    },
  }];
  const interfaces: readonly InterfaceDefinition[] = [...RELATIONS, rollingOpPeers];
  const result = await attempt(() =>
    runHook({ world, charm, interfaces }, UNIT, run, event, { source: "", endpoint: undefined, definition: { when } })
  );
  if (result.verdict === "refused") {
    discard(run);
    if (JSON.stringify(world) !== before) throw new Breach(`${name} failed and has changed the model`);
  }
  for (const { message } of run.log) checkLine("a line of the log", message);
  const { status, state } = world.units[UNIT] ?? {};
  checkSecret("the status", status?.message ?? "");
  checkSecret("the stored state", JSON.stringify(state));
  return result;
}

/** Calls each method of the interface, those that write too. */
async function callEverything(
  side: Side,
  ctx: Context,
  base: TraceCase,
  scratch: string,
  argument: string,
): Promise<void> {
  if (side.interface === "rolling_op") {
    const lock = await rollingLock(ctx);
    await attempt(() => lock?.isHeld());
    await attempt(() => lock?.acquire());
  }
  for (const [name, method] of Object.entries(adapterFor(side.interface, side.role) ?? {})) {
    // Keys and certificates come from our own units, so they are no attack, and would be in the databags.
    if (name === "set_client_credentials") continue;
    const args = name === "save_client_credentials"
      ? ["key", "cert", "ca"].map((file) => `${scratch}/${file}`)
      : [argument, argument, "x".repeat(8)];
    for (const flag of ["joined", "departed", "departing"]) {
      await attempt(() => method({ ctx, endpoint: ENDPOINT, flag, context: base }, args));
    }
  }
}

function sideSurface(side: Side): Surface {
  const name = `databags: ${side.interface} ${side.role}`;
  return surface(name, () => lives(side), async (life) => {
    const scratch = await Deno.makeTempDir();
    try {
      return await live(side, life, scratch);
    } finally {
      await Deno.remove(scratch, { recursive: true });
    }
  });
}

/** The surfaces. */
export const DATABAG_SURFACES: readonly Surface[] = SIDES.map(sideSurface);
