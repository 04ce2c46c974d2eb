/**
 * Interface `postgresql_peers` with a simulated Patroni: the flowcharts, the bootstrap and the passwords are the real ones,
 * servers start at once, and the member with the lowest number leads.
 *
 * @module
 */
import type { ClusterMember, InstanceStatus } from "../../interfaces/clients/patroni/values.ts";
import { startFirstMember } from "../../interfaces/database_peers/bootstrap.ts";
import { peersChanged } from "../../interfaces/database_peers/changed.ts";
import { peersDeparted } from "../../interfaces/database_peers/departed.ts";
import { jujuSide } from "../../interfaces/database_peers/juju_side.ts";
import { memberOf } from "../../interfaces/database_peers/names.ts";
import { hasClusterInitialised } from "../../interfaces/database_peers/nodes/has_cluster_initialised.ts";
import { isPartOfCluster } from "../../interfaces/database_peers/nodes/is_part_of_cluster.ts";
import { removeDepartingUnits } from "../../interfaces/database_peers/nodes/remove_departing_units.ts";
import { updateConfig } from "../../interfaces/database_peers/nodes/update_config.ts";
import { ensurePasswords } from "../../interfaces/database_peers/passwords.ts";
import { TEXTS } from "../../interfaces/database_peers/texts.ts";
import type { World } from "../../interfaces/database_peers/world.ts";
import { type Context, defineInterface, done, type Outcome, type Relation } from "../../mod.ts";
import { readServers, SERVER_NEEDS, writeServers } from "./servers.ts";

const PORT = 5432;
/** Hooks of units that are not set up yet, or are being taken down. */
const QUIET: readonly string[] = ["install", "leader-elected", "stop", "remove"];

/** Addresses of the running members, by name. */
type Members = Record<string, string>;

/** The interface's definition. */
export const simulatedPatroni = defineInterface({
  name: "postgresql_peers",
  role: "peers",
  needs: SERVER_NEEDS,
  on: {
    changed: (ctx, relation) => peersChanged(worldOf(ctx, relation)),
    departed: (ctx, relation) => peersDeparted(worldOf(ctx, relation), ctx.event.departingUnit),
  },
  lifecycle: {
    async leaderElected(ctx) {
      const [relation] = await ctx.relations();
      if (!relation || !await ctx.isLeader()) return done;
      const world = worldOf(ctx, relation);
      const { initialised } = await world.juju.application();
      await ensurePasswords(ctx, relation, initialised);
      return initialised ? await catchUp(world) : done;
    },
    async updateStatus(ctx) {
      const [relation] = await ctx.relations();
      const world = relation && worldOf(ctx, relation);
      return world && await hasClusterInitialised(world) ? await catchUp(world) : done;
    },
    stop(ctx) {
      const { [memberOf(ctx.unit)]: _, ...others } = membersOf(ctx);
      writeServers(ctx.application, others);
      return done;
    },
  },
  when: [{ name: "keep the member running", run: keepRunning }],
});

async function catchUp(world: World): Promise<Outcome> {
  if (await world.juju.isLeader()) await removeDepartingUnits(world, true);
  return await peersChanged(world);
}

async function keepRunning(ctx: Context): Promise<Outcome> {
  const [relation] = await ctx.relations();
  if (!relation || QUIET.includes(ctx.event.name)) return done;
  const world = worldOf(ctx, relation);
  const { initialised } = await world.juju.application();
  const leads = await ctx.isLeader();
  // Passwords first commit, then make a cluster.
  if (leads && await ensurePasswords(ctx, relation, initialised)) return done;
  if (!initialised) {
    if (leads) return await startFirstMember(world);
    world.juju.setStatus("waiting", TEXTS.notInitialised(world.since));
  } else if (await isPartOfCluster(world)) await updateConfig(world);
  else world.juju.setStatus("waiting", TEXTS.notListed);
  return done;
}

function membersOf(ctx: Context): Members {
  return readServers<Members>(ctx.application, {});
}

function worldOf(ctx: Context, relation: Relation): World {
  const juju = jujuSide(ctx, relation, "machine");
  const members = () => Object.entries(membersOf(ctx)).sort(([a], [b]) => a < b ? -1 : 1);
  return {
    application: ctx.application,
    substrate: "machine",
    port: PORT,
    staleAfterMs: 40_000,
    since: ctx.deferral?.firstSeen ?? ctx.now(),
    juju,
    note: (node, answer) => ctx.log.debug(`${node} ${answer}`),
    patroni: {
      cluster: () => Promise.resolve(members().length === 0 ? undefined : viewOf(members())),
      health: (address) => Promise.resolve(statusOf(members().findIndex(([, host]) => host === address))),
      setSynchronous: () => Promise.resolve(true),
      waitForPrimary: () => Promise.resolve(members().length > 0),
    },
    machine: {
      async applyConfig() {
        const { member, address = "" } = await juju.self();
        const known = membersOf(ctx);
        if (known[member] === address) return { kind: "unchanged" };
        writeServers(ctx.application, { ...known, [member]: address });
        return { kind: "started" };
      },
      forgetMember: (member) => {
        const { [member]: _, ...others } = membersOf(ctx);
        return Promise.resolve(writeServers(ctx.application, others));
      },
      reload: () => Promise.resolve(),
      isTlsWanted: () => Promise.resolve(false),
      isTlsOn: () => Promise.resolve(false),
      labelPod: () => Promise.resolve(undefined),
      removeRaftPartner: () => Promise.resolve(true),
    },
  };
}

function viewOf(members: readonly (readonly [name: string, host: string])[]) {
  const list = members.map(([name, host], index): ClusterMember => ({
    name,
    host,
    port: PORT,
    role: index === 0 ? "leader" : "replica",
    state: index === 0 ? "running" : "streaming",
    pendingRestart: false,
  }));
  return { members: list, paused: false, scheduledSwitchover: false };
}

function statusOf(index: number): InstanceStatus | undefined {
  if (index < 0) return undefined;
  const role = index === 0 ? "primary" : "replica";
  return {
    running: true,
    state: "running",
    role,
    syncStandby: false,
    pendingRestart: false,
    paused: false,
    failsafeActive: false,
    replication: [],
  };
}
