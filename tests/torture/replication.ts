/**
 * Interface `async_replication` in a charm with simulated servers: both sides, their upkeep and what units say to each
 * other are the real ones; this charm has passwords, a cluster, and makes new passwords when it is told to.
 *
 * @module
 */
import type { PortSource, ReplicationCharm } from "../../interfaces/async_replication/charm_side.ts";
import { ClusterSetBusyError, type ClusterSetServer } from "../../interfaces/async_replication/cluster_server.ts";
import { USERS } from "../../interfaces/async_replication/credentials.ts";
import { PEER_APP } from "../../interfaces/async_replication/keys.ts";
import { PeerData } from "../../interfaces/async_replication/peer_data.ts";
import { asyncReplicationPrimary } from "../../interfaces/async_replication/primary.ts";
import { asyncReplicationReplica } from "../../interfaces/async_replication/replica.ts";
import { reportStanding } from "../../interfaces/async_replication/standing.ts";
import { TEXT } from "../../interfaces/async_replication/texts.ts";
import { withUpkeep } from "../../interfaces/async_replication/upkeep.ts";
import {
  followsPasswords,
  holdOf,
  takeOffHold,
  tellPlace,
} from "../../interfaces/mysql_innodb_cluster/server/set_keys.ts";
import {
  type BagData,
  type Context,
  defineInterface,
  done,
  type InterfaceDefinition,
  type Outcome,
  type Relation,
  type SecretContent,
} from "../../mod.ts";
import {
  begin,
  change,
  clusterOf,
  clusterOfApp,
  dataOf,
  dissolve,
  groupOf,
  join,
  MODE,
  retire,
  setPasswords,
} from "./clusters.ts";
import { NAME, peersOf, serverOf } from "./replication_server.ts";
import { SERVER_NEEDS } from "./servers.ts";
import { knownSecret, makeSecret } from "./shared_secret.ts";

const GENERATION = "torture-generation";
/** A cluster that is in no set. */
const ALONE = { name: "", set: "" };

const source: PortSource = {
  needs: SERVER_NEEDS,
  open(ctx) {
    const server = serverOf(ctx);
    return { server, charm: charmOf(ctx, server), [Symbol.asyncDispose]: () => Promise.resolve() };
  },
};

/** The definitions of the charm. */
export const simulatedReplication: readonly InterfaceDefinition[] = [
  defineInterface({
    name: "simulated_cluster",
    role: "peers",
    needs: SERVER_NEEDS,
    lifecycle: {
      async stop(ctx) {
        await change(ctx, (all) => retire(all, ctx.unit));
        return done;
      },
    },
    when: [{ name: "keep the cluster running", notIn: ["install", "stop", "remove"], run: keepRunning }],
  }),
  withUpkeep(asyncReplicationPrimary(source), source),
  withUpkeep(asyncReplicationReplica(source), source),
];

/** Every unit's server is in the application's cluster, but for those that replication keeps out of it. */
async function keepRunning(ctx: Context): Promise<Outcome> {
  const peers = await peersOf(ctx);
  if (!peers) return done;
  const secret = await knownSecret(ctx, peers);
  if (!secret) {
    // A cluster with passwords that nobody knows would be lost: they are made one hook earlier.
    if (await ctx.isLeader()) await makeSecret(ctx, peers, newPasswords());
    return done;
  }
  const app = await peers.app();
  if (await ctx.isLeader() && !app[PEER_APP.clusterName]) peers.localApp.set({ [PEER_APP.clusterName]: NAME });
  if (holdOf(app, await peers.local.get()) !== "held") {
    if (!clusterOf(ctx.unit)) await enterCluster(ctx, app, secret.content);
    await tellPlace({ ctx, peers }, groupOf(ctx.unit));
  }
  await rotate(ctx, peers, secret.uri);
  await tell(ctx, peers, secret.uri);
  return done;
}

/** The first cluster is the leader's; nobody makes another one instead. */
async function enterCluster(ctx: Context, app: BagData, users: SecretContent): Promise<void> {
  if (clusterOfApp(ctx.application)) return await change(ctx, (all) => join(all, ctx.unit));
  if (app[PEER_APP.clusterSetName] || !await ctx.isLeader()) return;
  await change(ctx, (all) => begin(all, ctx.unit, { ...ALONE, mode: "open", data: { users } }));
}

/** New passwords are made where they come from, on the units' servers first. */
async function rotate(ctx: Context, peers: Relation, uri: string): Promise<void> {
  const wanted = `${(await ctx.config()).number("generation") ?? 0}`;
  const mayChange = await ctx.isLeader() && clusterOf(ctx.unit)?.mode === "open" && !await followsPasswords(ctx);
  if (!mayChange || ((await peers.app())[GENERATION] ?? "0") === wanted) return;
  const passwords = newPasswords();
  await change(ctx, (all) => setPasswords(all, ctx.unit, passwords));
  ctx.secrets.set(uri, passwords);
  peers.localApp.set({ [GENERATION]: wanted });
}

/** What is to be seen of the unit's server, and which of the charm's passwords are its users'. */
async function tell(ctx: Context, peers: Relation, uri: string): Promise<void> {
  const { mode = "out", units = [], set = "" } = clusterOf(ctx.unit) ?? {};
  const { users = {} } = dataOf(ctx.unit) ?? {};
  const own = Object.entries(await ctx.secrets.get(uri, "refresh"));
  const knows = own.filter(([key, password]) => users[key] === password).map(([key]) => key);
  peers.local.set({ [MODE]: mode });
  ctx.storedAs("torture:seen").set({ mode, units, set, knows });
  if (mode === "out") ctx.status.set("waiting", "for the cluster");
  else ctx.status.set("active", `${mode}, ${units.length} members`);
}

function newPasswords(): Record<string, string> {
  return Object.fromEntries(USERS.map(({ key }) => [key, crypto.randomUUID()]));
}

function charmOf(ctx: Context, server: ClusterSetServer): ReplicationCharm {
  const secret = async () => {
    const peers = await peersOf(ctx);
    return peers && await knownSecret(ctx, peers);
  };
  const charm: ReplicationCharm = {
    peers: () => peersOf(ctx),
    credentials: async () => (await secret())?.content,
    async setSecret(key, password) {
      const { uri, content } = await secret() ?? {};
      if (uri !== undefined) ctx.secrets.set(uri, { ...content, [key]: password });
    },
    createCluster: () => makeCluster(ctx),
    async updateStatus() {
      const side = ctx.endpoint?.role === "requires" ? "replica" : "primary";
      await reportStanding({ ctx, server, charm, peer: new PeerData(ctx, await peersOf(ctx)) }, side);
    },
    unitAddress: () => ctx.address("private"),
    activeStatusMessage: () => Promise.resolve(""),
    randomHex: () => "0badc0de0badc0de0badc0de0badc0de",
  };
  return charm;
}

/** One that returns to its set takes no writes. */
async function makeCluster(ctx: Context): Promise<void> {
  const peers = await peersOf(ctx);
  const present = clusterOfApp(ctx.application);
  if (!clusterOf(ctx.unit)) {
    if (present?.mode === "open") throw new ClusterSetBusyError(TEXT.othersRun(present.units));
    const mode = await followsPasswords(ctx) ? "closed" : "open";
    const data = dataOf(ctx.unit) ?? { users: {} };
    await change(ctx, (all) => begin(dissolve(all, ctx.application), ctx.unit, { ...ALONE, mode, data }));
  }
  if (peers) takeOffHold(peers, groupOf(ctx.unit));
}
