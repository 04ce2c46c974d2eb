/**
 * The channel by which a replica cluster follows the primary cluster, with MySQL's own failover between the members of
 * that one.
 *
 * @module
 */
import type { Mysql } from "../connection.ts";
import { NotDoneError } from "../errors.ts";
import { REPLICATION_CHANNEL } from "../fencing.ts";
import { GtidSet } from "../gtid.ts";
import { checkedAddress } from "../instance.ts";
import { type Sql, sql } from "../quoting.ts";
import { flagIn, numberIn, textIn } from "../rows.ts";
import { type Address, type Channel, readChannels } from "../status.ts";
import { readUntil } from "../wait.ts";
import { ClusterSetRefusedError } from "./errors.ts";
import { awaitSet, executedSet } from "./modes.ts";

/** Whom a replica cluster follows. */
export interface ChannelSource extends Address {
  /** Group replication's name of the cluster. */
  readonly groupName: string;
  readonly user: string;
  readonly password: string;
}

/** The channel as one server has it. */
export interface ChannelFacts extends Channel {
  /** Names of the clusters whose members it may follow. */
  readonly sources: readonly string[];
  readonly failover: boolean;
}

/** Weights of a cluster's primary and of its secondaries, as MySQL's manual has them. */
const PRIMARY_WEIGHT = 80;
const SECONDARY_WEIGHT = 60;
const STOP_MS = 60_000;
/** Where the first attempt to reach the source fails, there is one more after 3 s. */
const START_MS = 5000;
const REST_MS = 1000;
/** Milliseconds between two looks at what takes some 10 of them. */
const SHORT_MS = 20;
/** State of the thread that asks the source's members for changes, between two times. */
const RESTING = "Wait before trying to fetch next membership changes from source";

/** A cluster to follow. @param replication the user to follow it with; whatever else is known of it is left out */
export function channelSource(
  { host, port }: Address,
  groupName: string,
  { user, password }: Pick<ChannelSource, "user" | "password">,
): ChannelSource {
  return { host, port, groupName, user, password };
}

/** How the channel does; undefined when the server has none. */
export async function findChannel(db: Mysql): Promise<Channel | undefined> {
  return (await readChannels(db)).find(({ name }) => name === REPLICATION_CHANNEL);
}

/** The same, and whom it may follow. */
export async function readChannel(db: Mysql): Promise<ChannelFacts | undefined> {
  const channel = await findChannel(db);
  if (!channel) return undefined;
  return { ...channel, sources: await readSources(db), failover: await readFailover(db) };
}

/** Whether the channel chooses between members of its source by itself. */
async function readFailover(db: Mysql): Promise<boolean> {
  const [option] = await db.query(
    "read the channel's options",
    sql`SELECT SOURCE_CONNECTION_AUTO_FAILOVER AS failover
      FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = ${REPLICATION_CHANNEL}`,
  );
  return option !== undefined && flagIn(option, "failover");
}

/** Whether a primary follows a cluster as it has to. */
export async function isFollowing(db: Mysql, groupName: string): Promise<boolean> {
  const channel = await readChannel(db);
  return channel !== undefined && channel.failover && channel.sources.length === 1 &&
    channel.sources[0] === groupName && channel.receiver === "ON" && channel.applier === "ON";
}

async function readSources(db: Mysql): Promise<string[]> {
  const rows = await db.query(
    "read the channel's sources",
    sql`SELECT MANAGED_NAME AS name FROM performance_schema.replication_asynchronous_connection_failover_managed
      WHERE CHANNEL_NAME = ${REPLICATION_CHANNEL} ORDER BY 1`,
  );
  return rows.map((row) => textIn(row, "name"));
}

/**
 * Makes the channel, or points it to another source. It must not run.
 *
 * @param options.failover true on the primary only: secondaries refuse to be told, and get it from there
 */
export async function ensureChannel(
  db: Mysql,
  source: ChannelSource,
  { failover }: { readonly failover: boolean },
): Promise<void> {
  checkedAddress(source);
  const options: Sql = failover ? sql`, SOURCE_CONNECTION_AUTO_FAILOVER = 1` : sql``;
  await db.run(
    "set up the channel to the primary cluster",
    sql`CHANGE REPLICATION SOURCE TO SOURCE_HOST = ${source.host}, SOURCE_PORT = ${source.port},
      SOURCE_USER = ${source.user}, SOURCE_PASSWORD = ${source.password}, SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1,
      GET_SOURCE_PUBLIC_KEY = 1, SOURCE_CONNECT_RETRY = 3, SOURCE_RETRY_COUNT = 3, SOURCE_HEARTBEAT_PERIOD = 5,
      REQUIRE_ROW_FORMAT = 1, GTID_ONLY = 1${options} FOR CHANNEL ${REPLICATION_CHANNEL}`,
  );
}

/** Lets the channel follow the members of one cluster, and of no other. */
export async function addSources(db: Mysql, source: ChannelSource): Promise<void> {
  const now = await readSources(db);
  for (const old of now.filter((name) => name !== source.groupName)) await deleteSource(db, old);
  if (now.includes(source.groupName)) return;
  await db.query(
    "name the primary cluster's members",
    sql`SELECT asynchronous_connection_failover_add_managed(${REPLICATION_CHANNEL}, 'GroupReplication',
      ${source.groupName}, ${source.host}, ${source.port}, '', ${PRIMARY_WEIGHT}, ${SECONDARY_WEIGHT})`,
  );
}

/**
 * Starts the channel. Whether it reaches its source shows only later.
 *
 * @throws {NotDoneError} when it does not run
 */
export async function startChannel(db: Mysql): Promise<Channel> {
  const before = await findChannel(db);
  if (before && before.receiver !== "OFF" && before.applier === "ON") return before;
  await db.run("start the channel", sql`START REPLICA FOR CHANNEL ${REPLICATION_CHANNEL}`);
  const after = await findChannel(db);
  if (after && after.applier === "ON") return after;
  throw new NotDoneError(`the channel at ${db.endpoint} does not run; read its error log`);
}

/** Starts the channel where there is one. @returns whether it has reached its source, and executes what it gets */
export async function follows(db: Mysql): Promise<boolean> {
  if (!await hasChannel(db)) return false;
  const isConnected = (channel: Channel | undefined) => channel?.receiver === "ON";
  const started = await startChannel(db);
  const channel = isConnected(started)
    ? started
    : await readUntil(() => findChannel(db), isConnected, START_MS, SHORT_MS);
  return isConnected(channel) && channel?.applier === "ON";
}

/**
 * Waits until the channel can be stopped at once. Every 5 s, and for some milliseconds, MySQL asks the source's members for
 * changes: a stop that comes meanwhile waits for the next time.
 */
export async function awaitRest(db: Mysql): Promise<void> {
  await readUntil(() => isAsking(db), (asks) => !asks, REST_MS, SHORT_MS);
}

/** Whether the channel asks the source's members just now. */
export async function isAsking(db: Mysql): Promise<boolean> {
  const rows = await db.query(
    "look whether the channel asks the source's members",
    sql`SELECT PROCESSLIST_STATE AS state FROM performance_schema.threads WHERE NAME = 'thread/sql/replica_monitor'`,
  );
  return rows.some((row) => textIn(row, "state") !== RESTING);
}

/**
 * Stops the channel. A receiver that is reconnecting takes seconds.
 *
 * @param options.drain whether everything that has arrived is executed first: else it is lost with the channel
 * @throws {ClusterSetRefusedError} when that takes too long
 */
export async function stopChannel(
  db: Mysql,
  { drain, patienceMs }: { readonly drain: boolean; readonly patienceMs: number },
): Promise<void> {
  const before = await findChannel(db);
  if (!before) return;
  if (before.receiver !== "OFF") {
    await awaitRest(db);
    const statement = sql`STOP REPLICA IO_THREAD FOR CHANNEL ${REPLICATION_CHANNEL}`;
    await db.run("stop receiving", statement, { timeoutMs: STOP_MS });
  }
  if (drain) await executeReceived(db, patienceMs);
  else if (before.receiver === "OFF" && before.applier === "OFF") return;
  await db.run("stop the channel", sql`STOP REPLICA FOR CHANNEL ${REPLICATION_CHANNEL}`, { timeoutMs: STOP_MS });
}

async function executeReceived(db: Mysql, patienceMs: number): Promise<void> {
  const { receivedSet = "", applier } = await findChannel(db) ?? {};
  if (GtidSet.parse(await executedSet(db)).contains(GtidSet.parse(receivedSet))) return;
  if (applier !== "ON") {
    await db.run("execute what arrived", sql`START REPLICA SQL_THREAD FOR CHANNEL ${REPLICATION_CHANNEL}`);
  }
  await awaitReplicated(db, receivedSet, patienceMs);
}

/**
 * Waits until the channel has brought transactions and they are executed. One whose applier has an error is not waited
 * for.
 *
 * @throws {ClusterSetRefusedError} when that is so, or it takes too long
 */
export async function awaitReplicated(db: Mysql, set: string, patienceMs: number): Promise<void> {
  await awaitSet(db, set, patienceMs, async () => {
    const channel = await findChannel(db);
    if (channel?.applier === "ON") return;
    const error = channel?.errorNumber ? ` (error ${channel.errorNumber})` : "";
    throw new ClusterSetRefusedError(
      `MySQL at ${db.endpoint} cannot execute what it receives${error}: read its error log, and start its channel again`,
    );
  });
}

/** Gives the channel another password, on any member. */
export async function setChannelPassword(
  db: Mysql,
  { user, password }: Pick<ChannelSource, "user" | "password">,
): Promise<void> {
  const channel = await findChannel(db);
  if (!channel) return;
  const receives = channel.receiver !== "OFF";
  if (receives) {
    const stop = sql`STOP REPLICA IO_THREAD FOR CHANNEL ${REPLICATION_CHANNEL}`;
    await db.run("stop receiving", stop, { timeoutMs: STOP_MS });
  }
  await db.run(
    "change the channel's password",
    sql`CHANGE REPLICATION SOURCE TO SOURCE_USER = ${user}, SOURCE_PASSWORD = ${password}
      FOR CHANNEL ${REPLICATION_CHANNEL}`,
  );
  // With its applier alone, a channel was stopped by an earlier call that was cut short.
  const runs = receives || channel.applier === "ON";
  if (runs) await db.run("receive again", sql`START REPLICA IO_THREAD FOR CHANNEL ${REPLICATION_CHANNEL}`);
}

/** Lets the channel follow one server only; the secondaries of the group hear of it. */
export async function endFailover(db: Mysql): Promise<void> {
  if (!await readFailover(db)) return;
  await db.run(
    "end the channel's failover",
    sql`CHANGE REPLICATION SOURCE TO SOURCE_CONNECTION_AUTO_FAILOVER = 0 FOR CHANNEL ${REPLICATION_CHANNEL}`,
  );
}

/** Forgets whom the channel may follow. */
export async function forgetSources(db: Mysql): Promise<void> {
  for (const name of await readSources(db)) await deleteSource(db, name);
}

/** Stops the channel and forgets whom it followed; secondaries hear of it from their primary. */
export async function endFollowing(db: Mysql): Promise<void> {
  await stopChannel(db, { drain: false, patienceMs: 0 });
  await endFailover(db);
  await forgetSources(db);
}

/** Forgets the channel. It must not run. */
export async function dropChannel(db: Mysql): Promise<void> {
  if (!await hasChannel(db)) return;
  await db.run("forget the channel", sql`RESET REPLICA ALL FOR CHANNEL ${REPLICATION_CHANNEL}`);
}

/** Whether the server has the channel. */
export async function hasChannel(db: Mysql): Promise<boolean> {
  const [row] = await db.query(
    "look for the channel",
    sql`SELECT COUNT(*) AS number FROM performance_schema.replication_connection_configuration
      WHERE CHANNEL_NAME = ${REPLICATION_CHANNEL}`,
  );
  return numberIn(row, "number") > 0;
}

async function deleteSource(db: Mysql, name: string): Promise<void> {
  await db.query(
    "forget a cluster's members",
    sql`SELECT asynchronous_connection_failover_delete_managed(${REPLICATION_CHANNEL}, ${name})`,
  );
}
