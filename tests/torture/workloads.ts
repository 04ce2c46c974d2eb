/**
 * What charms do with the interfaces' objects: everything in every hook, so that each hook leaves what is right for what
 * it has seen.
 *
 * @module
 */
import { etcdPeers } from "../../interfaces/etcd/peers.ts";
import { etcdProvider } from "../../interfaces/etcd/provides.ts";
import { etcdClient } from "../../interfaces/etcd/requires.ts";
import { magpiePeers } from "../../interfaces/magpie/peers.ts";
import { mysqlInnodbCluster } from "../../interfaces/mysql_innodb_cluster/peers.ts";
import { rollingLock } from "../../interfaces/rolling_op/peers.ts";
import { type Context, done, type Outcome, type Relation } from "../../mod.ts";
import { knownSecret, makeSecret } from "./shared_secret.ts";

/** Where a charm keeps what its interfaces told it. */
const SEEN = "torture:seen";
const GENERATION = "torture:generation";

/** Does the charm's work, as far as it has the endpoints for it. */
export async function work(ctx: Context): Promise<Outcome> {
  const has = (name: string, role: string) =>
    ctx.charm.endpoints.some((each) => each.interface === name && each.role === role);
  if (has("etcd", "peers")) await serveEtcd(ctx);
  if (has("etcd", "requires")) await useEtcd(ctx);
  if (has("mysql-innodb-cluster", "peers")) await formCluster(ctx);
  if (has("magpie", "peers")) await checkNetwork(ctx);
  if (has("rolling_op", "peers")) await restartInTurn(ctx);
  return done;
}

async function serveEtcd(ctx: Context): Promise<void> {
  const [relation] = await ctx.relations("cluster");
  const address = relation && (await ctx.network(relation)).ingressAddress;
  if (!relation || address === undefined) return;
  const peers = etcdPeers(ctx);
  await peers.setDbIngressAddress(address);
  peers.dismiss();
  const addresses = [address, ...await peers.getDbIngressAddresses()].sort();
  const provider = etcdProvider(ctx);
  await provider.setConnectionString(addresses.map((each) => `https://${each}:2379`).join(","), "3.4.23");
  const key = await sharedPassword(ctx, relation);
  if (key !== undefined) await provider.setClientCredentials(key, "a certificate", "an authority");
  ctx.status.set("active", `${addresses.length} members`);
}

async function useEtcd(ctx: Context): Promise<void> {
  const etcd = etcdClient(ctx);
  const { clientCert, clientCa } = await etcd.getClientCredentials();
  const seen = { at: await etcd.getConnectionString(), version: await etcd.getVersion(), clientCert, clientCa };
  ctx.storedAs(SEEN).set(seen);
  const flags = ["connected", "available", "tls.available"].filter((flag) => ctx.flags.has(`db.${flag}`));
  ctx.status.set(flags.length === 3 ? "active" : "waiting", flags.join(" "));
}

async function formCluster(ctx: Context): Promise<void> {
  const [relation] = await ctx.relations("cluster");
  const password = relation && await sharedPassword(ctx, relation);
  if (password === undefined) return ctx.status.set("waiting", "for the password");
  const cluster = mysqlInnodbCluster(ctx);
  await cluster.setClusterConnectionInfo(undefined, "clusteruser", password);
  await cluster.setUnitConfigureReady();
  if (await cluster.available()) await cluster.setUnitClustered();
  const units = await cluster.allJoinedUnits();
  ctx.storedAs(SEEN).set(units.map(({ unit, connection }) => `${unit} ${connection?.address ?? "?"}`));
  ctx.status.set(
    "active",
    ["connected", "available", "clustered"].filter((flag) => ctx.flags.has(`cluster.${flag}`)).join(" "),
  );
}

async function checkNetwork(ctx: Context): Promise<void> {
  const [relation] = await ctx.relations("magpie");
  const address = relation && (await ctx.network(relation)).ingressAddress;
  if (address === undefined) return;
  const peers = magpiePeers(ctx);
  await peers.advertiseAddresses([{ address }]);
  await peers.setIperfServerReady();
  await peers.setIperfChecked();
  peers.dismissDeparted();
  const nodes = await peers.getNodes();
  const servers = await peers.checkReadyIperfServers();
  ctx.storedAs(SEEN).set(nodes.map(({ unit, address: at, problem }) => `${unit} ${at ?? problem}`));
  ctx.status.set("active", `${nodes.length} nodes, ${servers.length} servers`);
}

/** A new generation restarts the units one after the other. */
async function restartInTurn(ctx: Context): Promise<void> {
  const lock = await rollingLock(ctx);
  const wanted = (await ctx.config()).number("generation") ?? 0;
  const running = ctx.storedAs(GENERATION).get(0, Number);
  if (!lock) return;
  if (running === wanted) {
    if (await lock.isWanted()) lock.release();
  } else if (await lock.isHeld()) {
    ctx.storedAs(GENERATION).set(wanted);
    lock.release();
  } else await lock.acquire();
}

/** A password that the leader makes up. */
async function sharedPassword(ctx: Context, relation: Relation): Promise<string | undefined> {
  const known = await knownSecret(ctx, relation);
  if (known || !await ctx.isLeader()) return known?.content.password;
  return (await makeSecret(ctx, relation, { password: crypto.randomUUID() })).password;
}
