/**
 * What is measured.
 *
 * @module
 */
import type { Hook } from "../model/local_state.ts";
import type { WorldState } from "../model/state.ts";
import type { HookCost, HookJob, Laboratory } from "./laboratory.ts";
import { CHECK, MAGPIE, magpieWorld } from "./magpie.ts";
import type { Peer } from "./peers.ts";
import { FLOOR, OURS, slowly } from "./rows.ts";
import { benchWorld, changedHook, ETCD_OFFER, METADATA } from "./world.ts";

/** One line of the table before it is measured. */
export interface Case {
  readonly group: string;
  readonly program: string;
  readonly run: () => Promise<HookCost>;
  /** Bytes; undefined for what is no hook. */
  readonly memory?: () => Promise<number>;
  /** How often it is run in each round. */
  readonly times: number;
}

/**
 * How often a round runs what differs from the floor by a few milliseconds only, the floor included: a ratio close to 1
 * says nothing when a single run varies by a tenth.
 */
const TIMES_CLOSE = 4;

/** A hook that all programs run, in its model. */
interface Work {
  readonly group: string;
  readonly world: WorldState;
  readonly hook: Hook;
}

/** How a program runs a hook. */
interface Contestant {
  readonly program: string;
  readonly charm: string;
  readonly start: (hook: string) => readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether its hook commands are processes. */
  readonly byProcesses: boolean;
}

/** How many remote databags are read. */
const SIZES = [2, 10, 100] as const;

const UPDATE_STATUS: Hook = { kind: "update-status", name: "update-status", seen: "1" };

/** The hooks of the table. */
function works(): Work[] {
  const changed = SIZES.map((size) => {
    const world = benchWorld(size);
    return { group: `changed-${size}`, world, hook: changedHook(world) };
  });
  return [{ group: UPDATE_STATUS.name, world: benchWorld(2), hook: UPDATE_STATUS }, ...changed];
}

function contestants(peers: readonly Peer[]): Contestant[] {
  const own = (hook: string) => [`hooks/${hook}`] as const;
  const env = { CHARMLET_HOOK_COMMANDS: "process" };
  return [
    { program: OURS, charm: "bench", start: own, byProcesses: false },
    { program: `${OURS} by processes`, charm: "bench", start: own, env, byProcesses: true },
    ...peers.map(({ name, start }) => ({ program: name, charm: name, start, byProcesses: true })),
  ];
}

/** Deploys all charms of the cases. */
export async function deployAll(laboratory: Laboratory, peers: readonly Peer[]): Promise<void> {
  await laboratory.deploy("bench", "bench", { text: METADATA });
  await laboratory.deploy("charmlet", "charmlet", { text: METADATA });
  await laboratory.deploy("etcd", "charmlet", { text: METADATA.replace("interface: bench", "interface: etcd") });
  await laboratory.deploy("magpie", "charmlet", { directory: MAGPIE });
  const [world, isChange] = [benchWorld(2), true];
  const hook = changedHook(world);
  for (const peer of peers) {
    await laboratory.deployPeer(peer);
    // It has joined its relation before anything else happens there.
    await laboratory.runHook({ charm: peer.name, start: peer.start(hook.name), world, hook, isChange });
  }
}

/**
 * Lists the cases.
 *
 * @param withSlow whether hook commands as processes are measured at their slow speed, too
 */
export async function casesOf(laboratory: Laboratory, peers: readonly Peer[], withSlow: boolean): Promise<Case[]> {
  const compared = works().flatMap(({ group, world, hook }) =>
    contestants(peers).flatMap(({ program, charm, start, env = {}, byProcesses }) => {
      const job = { charm, start: start(hook.name), world, hook, env, isChange: "relationId" in hook };
      const bare = hookCase(laboratory, group, program, { ...job, tools: "bare" }, program === OURS ? TIMES_CLOSE : 1);
      if (!byProcesses || !withSlow) return [bare];
      return [bare, hookCase(laboratory, group, slowly(program), { ...job, tools: "slow" }, 1)];
    })
  );
  const small = benchWorld(2);
  const timed = (program: string, run: () => Promise<number>, times = 1): Case => ({
    group: FLOOR,
    program,
    run: async () => ({ ms: await run(), agentMs: 0, commands: [] }),
    times,
  });
  return [
    timed("hello world", async () => (await laboratory.runProgram("hello")).ms, TIMES_CLOSE),
    timed("hook command", () => laboratory.runTool(small, "bare")),
    ...(withSlow ? [timed(slowly("hook command"), () => laboratory.runTool(small, "slow"))] : []),
    ...compared,
    ...await productCases(laboratory),
  ];
}

/** Hooks of the product's own charms. */
async function productCases(laboratory: Laboratory): Promise<Case[]> {
  const start = (hook: Hook) => [`hooks/${hook.name}`] as const;
  const offered = benchWorld(3, ETCD_OFFER);
  const changed = changedHook(offered);
  const magpie = async (program: string, peers: number, icmp: boolean): Promise<Case> => {
    const world = await magpieWorld(peers, icmp);
    const job = { charm: "magpie", start: start(CHECK), world, hook: CHECK };
    return hookCase(laboratory, "magpie", program, job, icmp ? 1 : TIMES_CLOSE);
  };
  return [
    hookCase(laboratory, UPDATE_STATUS.name, "whole product", {
      charm: "charmlet",
      start: start(UPDATE_STATUS),
      world: benchWorld(2),
      hook: UPDATE_STATUS,
    }, TIMES_CLOSE),
    hookCase(laboratory, "etcd client", "changed-3", {
      charm: "etcd",
      start: start(changed),
      world: offered,
      hook: changed,
    }, TIMES_CLOSE),
    await magpie("nothing to check", 50, false),
    await magpie("ICMP of 1 peer", 1, true),
    await magpie("ICMP of 50 peers", 50, true),
  ];
}

function hookCase(laboratory: Laboratory, group: string, program: string, job: HookJob, times: number): Case {
  return { group, program, run: () => laboratory.runHook(job), memory: () => laboratory.memoryOf(job), times };
}
