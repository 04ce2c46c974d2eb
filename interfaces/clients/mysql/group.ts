/**
 * Changes of a group's members, one mutation each: look, decide, change, verify. Safe to repeat. Groups have a single
 * primary and talk over MySQL's own connections.
 *
 * @module
 */
import { ClientTimeoutError, InputError, NoQuorumError } from "../errors.ts";
import type { Mysql } from "./connection.ts";
import { GroupRefusedError, NotDoneError } from "./errors.ts";
import { checkedAddress } from "./instance.ts";
import { addressText, type Group, readGroup } from "./members.ts";
import { name, sql } from "./quoting.ts";
import { type Address, readSettings, startInProgress } from "./status.ts";
import { readUntil } from "./wait.ts";

/** How long a call may wait. */
export interface Patience {
  /** Milliseconds. */
  readonly patienceMs?: number;
}

/** `running`: the server goes on by itself; look again later. */
export type StartResult = "online" | "running";

/** START GROUP_REPLICATION takes up to 61 s before it fails. */
const START_MS = 120_000;
const STOP_MS = 120_000;
const FORCE_MS = 120_000;
const SWITCH_SECONDS = 30;
const SETTLE_MS = 15_000;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const OWN_CHANNELS = ["group_replication_recovery", "group_replication_applier"] as const;
const OWN_SETTINGS = [
  "group_replication_group_name",
  "group_replication_group_seeds",
  "group_replication_local_address",
] as const;
/** The group runs already. */
const RUNNING = 3093;

/**
 * Starts a new group with this server as its first member. The caller has made sure that no other member runs one: two
 * groups of the same data would go apart.
 *
 * @param options.readOnly whether the primary is not to take writes, as in a replica cluster
 * @throws {GroupRefusedError} when the server cannot start
 */
export async function createGroup(
  db: Mysql,
  { patienceMs = START_MS, readOnly = false }: Patience & { readonly readOnly?: boolean } = {},
): Promise<void> {
  const before = await readGroup(db);
  try {
    if (!isMember(before)) {
      await stopBroken(db, before);
      await db.run("allow a new group", sql`SET GLOBAL group_replication_bootstrap_group = ON`);
      await start(db, patienceMs);
    }
  } finally {
    // A start with this left on would make a second group. Over a lost connection it stays on: every other start of this
    // module begins with it.
    await forbidNewGroup(db).catch(() => undefined);
  }
  const isDone = (group: Group) => group.self?.state === "ONLINE" && (readOnly || settled(group));
  const after = await readUntil(() => readGroup(db), isDone, SETTLE_MS);
  if (!isDone(after)) throw new NotDoneError(`MySQL at ${db.endpoint} did not become a primary; read its error log`);
}

/**
 * Takes back the leave to make a new group that a cut off {@linkcode createGroup} may have left with a member: with it a
 * member that was expelled would make another group of the same data when it comes back by itself.
 *
 * @returns whether it was there
 */
export async function endCreation(db: Mysql): Promise<boolean> {
  const settings = await readSettings(db, ["group_replication_bootstrap_group"]);
  if (settings.get("group_replication_bootstrap_group") !== "ON") return false;
  await forbidNewGroup(db);
  return true;
}

/**
 * Lets a configured server join the group that its seeds are in, or come back to it.
 *
 * @param options.patienceMs how long to wait for it to be online
 * @returns `running` when that is over: the connection may be closed then
 * @throws {GroupRefusedError} when the group does not take it: errant transactions, a wrong recovery user, nobody there
 */
export async function startMember(db: Mysql, { patienceMs = START_MS }: Patience = {}): Promise<StartResult> {
  const end = Date.now() + patienceMs;
  const before = await readGroup(db);
  if (before.self?.state === "ONLINE") return "online";
  if (before.self?.state !== "RECOVERING") {
    if (await startInProgress(db)) return "running";
    await stopBroken(db, before);
    await forbidNewGroup(db);
    try {
      await start(db, patienceMs);
    } catch (error) {
      if (error instanceof ClientTimeoutError) return "running";
      throw error;
    }
  }
  const after = await readUntil(
    () => readGroup(db),
    ({ self }) => self?.state !== "RECOVERING",
    Math.max(0, end - Date.now()),
  );
  if (after.self?.state === "ONLINE") return "online";
  if (after.self?.state === "RECOVERING") return "running";
  throw new NotDoneError(`MySQL at ${db.endpoint} left its group while it got its data; read its error log`);
}

/** Stops taking part in the group, for a restart or a rejoin. The server is read-only afterwards and remembers its group. */
export async function stopMember(db: Mysql): Promise<void> {
  const before = await readGroup(db);
  if (before.self === undefined || before.self.state === "OFFLINE") return;
  await db.run("stop group replication", sql`STOP GROUP_REPLICATION`, { timeoutMs: STOP_MS });
  const { self } = await readGroup(db);
  if (self && self.state !== "OFFLINE") {
    throw new NotDoneError(`MySQL at ${db.endpoint} is still ${self.state} in its group; read its error log`);
  }
}

/**
 * Leaves the group for good: the server forgets it and stays read-only, with its data. Called on the server that leaves;
 * of one that is dead there is nothing to do, the others expel it.
 */
export async function leaveGroup(db: Mysql): Promise<void> {
  const settings = await readSettings(db, ["group_replication_start_on_boot"]);
  if (settings.has("group_replication_start_on_boot")) {
    await db.run("keep the server out of its group", sql`SET PERSIST group_replication_start_on_boot = OFF`);
    // For the next start only: a primary that did not get to leave after all takes writes as before.
    await db.run("keep the server read-only", sql`SET PERSIST_ONLY super_read_only = ON`);
  }
  // First: a stop takes seconds and goes on when whoever asked for it is gone. One that is found stopped then has left.
  for (const setting of OWN_SETTINGS) {
    await db.run("forget the group", sql`RESET PERSIST IF EXISTS ${name(setting)}`);
  }
  await stopMember(db);
  for (const channel of OWN_CHANNELS) {
    const known =
      sql`SELECT 1 FROM performance_schema.replication_connection_configuration WHERE CHANNEL_NAME = ${channel}`;
    if ((await db.query("look for a channel", known)).length === 0) continue;
    await db.run("forget a channel", sql`RESET REPLICA ALL FOR CHANNEL ${channel}`);
  }
}

/**
 * Ends a group: all members leave it, the primary last, so that no election follows.
 *
 * @param members connections to all members that can be reached
 */
export async function dissolveGroup(members: readonly Mysql[]): Promise<void> {
  const groups = await Promise.all(members.map(async (db) => ({ db, group: await readGroup(db) })));
  const primary = groups.find(({ group }) => group.self?.role === "primary");
  await leaveTogether(primary?.db, groups.filter((each) => each !== primary).map(({ db }) => db));
}

/**
 * All members leave their group. A server is out of it at once and then takes seconds to stop: the primary goes as soon as
 * it sees no other any more.
 *
 * @param primary absent when no primary can be reached
 */
export async function leaveTogether(primary: Mysql | undefined, secondaries: readonly Mysql[]): Promise<void> {
  let isOver = false;
  const leaving = Promise.all(secondaries.map(leaveGroup)).finally(() => isOver = true);
  // Told below, when the primary need not be looked at any more.
  leaving.catch(() => undefined);
  if (primary) {
    await readUntil(() => readGroup(primary), ({ members }) => isOver || members.length <= 1, STOP_MS);
    if (isOver) await leaving;
    await leaveGroup(primary);
  }
  await leaving;
}

/**
 * Makes a member the primary. Any member can be asked.
 *
 * @throws {InputError} when it is no online member
 * @throws {NoQuorumError}
 */
export async function setPrimary(db: Mysql, uuid: string): Promise<void> {
  if (!UUID.test(uuid)) throw new InputError("a member is named by its server UUID; correct it");
  const before = await readGroup(db);
  if (!before.quorum) throw noQuorum(db);
  const target = before.members.find((member) => member.uuid === uuid);
  if (target?.state !== "ONLINE") throw new InputError("the server to be primary is no online member; choose another");
  if (target.role === "primary") return;
  const statement = sql`SELECT group_replication_set_as_primary(${uuid}, ${SWITCH_SECONDS})`;
  await db.run("change the primary", statement, { timeoutMs: (SWITCH_SECONDS + 10) * 1000 });
  const after = await readUntil(() => readGroup(db), ({ primary }) => primary?.uuid === uuid, SETTLE_MS);
  if (after.primary?.uuid !== uuid) throw new NotDoneError("the primary did not change; look at the cluster's status");
}

/**
 * Makes a group of the members that are left when most were lost. Those that are left out must be dead, or two groups go
 * apart. Takes about 35 s.
 *
 * @param survivors the members to go on with, the server that is asked among them
 */
export async function forceQuorum(db: Mysql, survivors: readonly Address[]): Promise<void> {
  const before = await readGroup(db);
  if (!before.self || !isMember(before)) {
    throw new InputError(`MySQL at ${db.endpoint} is in no group: ask one that is, or start the cluster again`);
  }
  const listed = new Set(before.members.filter(({ state }) => state !== "UNREACHABLE").map(addressText));
  const wanted = survivors.map(checkedAddress);
  if (!wanted.includes(addressText(before.self))) {
    throw new InputError(`${addressText(before.self)} is not among the members to go on with; ask one of those`);
  }
  const gone = wanted.filter((address) => !listed.has(address));
  if (gone.length > 0) throw new InputError(`${gone.join(", ")} cannot be reached by the group; leave it out`);
  if (!before.quorum) {
    const statement = sql`SET GLOBAL group_replication_force_members = ${wanted.join(",")}`;
    await db.run("go on with the members that are left", statement, { timeoutMs: FORCE_MS });
  }
  // Left set, no member could be started here again; done also when an earlier call was cut off.
  await db.run("take members as they come", sql`SET GLOBAL group_replication_force_members = ''`);
  const { quorum } = await readUntil(() => readGroup(db), (group) => group.quorum, SETTLE_MS);
  if (!quorum) throw noQuorum(db);
}

function isMember({ self }: Group): boolean {
  return self?.state === "ONLINE" || self?.state === "RECOVERING";
}

/** The primary is somebody else, or this server and open for writes. */
function settled({ primary, self, writable }: Group): boolean {
  return writable || (primary !== undefined && primary.uuid !== self?.uuid);
}

/** In state ERROR a member runs enough to refuse a start. */
async function stopBroken(db: Mysql, { self }: Group): Promise<void> {
  if (self?.state === "ERROR") await stopMember(db);
}

async function forbidNewGroup(db: Mysql): Promise<void> {
  await db.run("forbid a new group", sql`SET GLOBAL group_replication_bootstrap_group = OFF`);
}

async function start(db: Mysql, patienceMs: number): Promise<void> {
  try {
    await db.run("start group replication", sql`START GROUP_REPLICATION`, { timeoutMs: patienceMs });
  } catch (error) {
    if (error instanceof GroupRefusedError && error.number === RUNNING) return;
    throw error;
  }
}

function noQuorum(db: Mysql): NoQuorumError {
  return new NoQuorumError(
    `MySQL at ${db.endpoint} cannot reach most of its group: bring the others back, or force a quorum without them`,
  );
}
