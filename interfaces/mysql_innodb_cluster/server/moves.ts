/**
 * Changes of the cluster that a unit makes, each of which looks first: prepare, create, bring in, evict, record.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import { checkPassword, ensureAccount, setPassword, setRecoveryCredentials } from "../../clients/mysql/accounts.ts";
import { cloneFrom, joinMethod, readClone } from "../../clients/mysql/clone.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { GtidSet } from "../../clients/mysql/gtid.ts";
import { createGroup, leaveGroup, startMember, stopMember } from "../../clients/mysql/group.ts";
import { checkInstance, configureInstance, ensurePlugins } from "../../clients/mysql/instance.ts";
import { type Group, readGroup } from "../../clients/mysql/members.ts";
import { type Address, readServer, startInProgress } from "../../clients/mysql/status.ts";
import { readUntil } from "../../clients/mysql/wait.ts";
import { handOver } from "./hand_over.ts";
import { takePasswords } from "./offline_users.ts";
import type { Users } from "./passwords.ts";
import { prepareMember } from "./set_access.ts";
import { readHold } from "./set_keys.ts";
import { TEXT } from "./texts.ts";
import {
  allAddresses,
  blocking,
  onlineOf,
  openAt,
  placeAt,
  type Result,
  sameAddress,
  unitAt,
  waiting,
  type Ward,
} from "./ward.ts";

/** How a server gets the data that it lacks; `auto` never deletes transactions that the cluster does not have. */
export type Method = "auto" | "incremental" | "clone";

/** How {@linkcode bringIn} goes about it. */
export interface BringInOptions {
  /** Milliseconds to wait for the server to be online. */
  readonly patienceMs: number;
  readonly method?: Method;
}

/** Milliseconds for connecting and for statements that change another unit's server. */
const WORK_MS = 20_000;
/** The same for a server that may be gone. */
const EVICT_MS = 5000;
const CATCH_UP_MS = 3000;
const LEAST_MS = 500;
const POLL_MS = 300;

/** Users, plugins: what a server needs before it is in a group, and of which the group must not hear. */
export async function prepare(db: Mysql, { cluster, recovery }: Users): Promise<void> {
  await ensurePlugins(db);
  for (const account of [cluster, recovery]) await ensureAccount(db, account, { replicate: false });
}

/** Gives a prepared server its place in the group. */
export async function configure(ward: Ward, db: Mysql, address: Address): Promise<void> {
  const { record: { groupName }, credentials: { recovery } } = ward;
  await configureInstance(db, { ...address, groupName, seeds: allAddresses(ward) });
  await setRecoveryCredentials(db, recovery);
}

/** Makes the cluster with the own server as its only member. */
export async function create(ward: Ward, own: Mysql): Promise<Result | undefined> {
  const problems = await checkInstance(own, ward.place);
  if (problems.length > 0) return blocking(TEXT.cannotJoin(ward.ctx.unit, problems.join("; ")));
  ward.ctx.log.info("creating the cluster");
  await configure(ward, own, ward.place);
  await createGroup(own);
  return undefined;
}

/**
 * Brings a server into the group, or back: gets it the data that it lacks, and starts it.
 *
 * @param db connection to that server
 * @param seen the group as a member sees it
 * @returns what to wait for; undefined when the server is online
 */
export async function bringIn(
  ward: Ward,
  db: Mysql,
  address: Address,
  seen: Group,
  { patienceMs, method = "auto" }: BringInOptions,
): Promise<Result | undefined> {
  const end = Date.now() + patienceMs;
  const unit = unitAt(ward, address);
  const { self } = await readGroup(db);
  if (self?.state === "ONLINE" && seen.members.some(({ uuid }) => uuid === self.uuid)) return undefined;
  const problems = await checkInstance(db, address);
  if (problems.length > 0) return blocking(TEXT.cannotJoin(unit, problems.join("; ")));
  if ((await readClone(db)).state === "running") return waiting(TEXT.copying(unit));
  // A start that is under way must not be disturbed: it takes its time to come to an end.
  if (self?.state === "RECOVERING" || await startInProgress(db)) {
    const isOurs = (await readServer(db)).groupName === ward.record.groupName;
    if (isOurs) return await start(db, unit, patienceMs);
    // The group that it is to join has another name since: it ends without success, and must not be given again.
    if (await readUntil(() => startInProgress(db), (isBusy) => !isBusy, patienceMs)) return waiting(TEXT.joining(unit));
    await stopMember(db);
  }
  if (self?.state === "ERROR") await stopMember(db);
  const view = await whenExpelled(ward, db, seen, patienceMs);
  if (!view) return waiting(TEXT.takenForAlive(unit));
  if (!await isRecoveryUserKnown(ward, view)) return blocking(TEXT.recoveryPassword(unit));
  const mayGo = await mayBeReplaced(ward, unit);
  // Nobody gets transactions any more that were given up.
  const chosen = method === "auto" ? await chooseMethod(ward, db, view, mayGo ? 0 : CATCH_UP_MS) : method;
  const way = chosen === "errant" && mayGo ? "clone" : chosen;
  if (way === "errant") return blocking(TEXT.errant(unit));
  // Anybody's server may be at a unit's address: one that does not fit has not been changed until here.
  if (!sameAddress(address, ward.place)) await prepare(db, ward.credentials);
  if (way === "clone") return await clone(ward, db, unit, view, Math.max(LEAST_MS, end - Date.now()));
  await takePasswords(ward, db, address);
  await configure(ward, db, address);
  await prepareMember(ward, db, view);
  ward.ctx.log.info(`${unit} joins the cluster`);
  return await start(db, unit, Math.max(LEAST_MS, end - Date.now()));
}

/**
 * Waits until the group has expelled the member that the server was before it died. Its members take whatever tries to join
 * from that address for the member: it would stay among them, and when it was the primary, no other one be chosen.
 *
 * @returns the group as a member sees it then; undefined when it takes longer
 */
async function whenExpelled(ward: Ward, db: Mysql, seen: Group, patienceMs: number): Promise<Group | undefined> {
  const { uuid } = await readServer(db);
  const isListed = ({ members }: Group) => members.some((member) => member.uuid === uuid);
  const [other] = onlineOf(seen.members).filter((member) => member.uuid !== uuid);
  if (!isListed(seen) || !other) return seen;
  await using member = await openAt(ward, other, WORK_MS);
  const view = await readUntil(() => readGroup(member), (group) => !isListed(group), patienceMs);
  return isListed(view) ? undefined : view;
}

/** Takes the server of a unit that departed out of the group. */
export async function evict(ward: Ward, address: Address): Promise<void> {
  const unit = unitAt(ward, address);
  try {
    await using db = await openAt(ward, address, EVICT_MS);
    ward.ctx.log.info(`removing ${unit}, which departed, from the cluster`);
    await handOver(ward.ctx, db);
    await leaveGroup(db);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    // The group expels a server that is dead.
    ward.ctx.log.warning(`removing ${unit} from the cluster: ${error.message}`);
  }
}

/** Gives the cluster's users the passwords of the record; only the primary takes that. @returns whether any was another */
export async function applyPasswords({ place, credentials }: Ward, db: Mysql): Promise<boolean> {
  let changed = false;
  for (const { user, host, password } of [credentials.cluster, credentials.recovery]) {
    const at = { host: place.host, port: place.port, tls: { ca: credentials.authority.certificate } };
    if (await checkPassword({ at, user, password })) continue;
    await setPassword(db, { user, host, password });
    changed = true;
  }
  return changed;
}

async function start(db: Mysql, unit: string, patienceMs: number): Promise<Result | undefined> {
  const end = Date.now() + patienceMs;
  // One that somebody else began may take a minute to find that there is nobody, and joins a group that comes meanwhile.
  await readUntil(() => startInProgress(db), (isBusy) => !isBusy, patienceMs);
  const state = await startMember(db, { patienceMs: Math.max(LEAST_MS, end - Date.now()) });
  return state === "online" ? undefined : waiting(TEXT.joining(unit));
}

/** Asked first: with another password a start takes a minute to fail, and does not say why. */
async function isRecoveryUserKnown(ward: Ward, { primary }: Group): Promise<boolean> {
  if (!primary) return true;
  const { user, password } = ward.credentials.recovery;
  return await checkPassword({ at: placeAt(ward, primary), user, password });
}

async function chooseMethod(
  ward: Ward,
  db: Mysql,
  view: Group,
  patienceMs: number,
): Promise<"incremental" | "clone" | "errant"> {
  const { gtidExecuted: joiner, uuid } = await readServer(db);
  const donors = onlineOf(view.members).filter((member) => member.uuid !== uuid);
  // Members may have received a transaction of a former primary and not have executed it yet.
  for (const end = Date.now() + patienceMs;; await new Promise((resolve) => setTimeout(resolve, POLL_MS))) {
    const facts = await Promise.all(donors.map(async (member) => {
      await using donor = await openAt(ward, member, WORK_MS);
      const { gtidExecuted, gtidPurged } = await readServer(donor);
      return { executed: GtidSet.parse(gtidExecuted), purged: gtidPurged };
    }));
    const group = facts.reduce((all, { executed }) => all.union(executed), GtidSet.EMPTY);
    const { method } = joinMethod({ joiner, group: `${group}`, purged: facts.map(({ purged }) => purged) });
    if (method !== "refused") return method;
    if (Date.now() >= end) return "errant";
  }
}

/** Whether the own server's transactions were given up when its cluster became a replica of another. */
async function mayBeReplaced({ ctx, peers }: Ward, unit: string): Promise<boolean> {
  return unit === ctx.unit && await readHold(ctx, peers) === "given up";
}

/** Replaces the server's data by a member's; the next look goes on with a server that has it. */
async function clone(
  ward: Ward,
  db: Mysql,
  unit: string,
  view: Group,
  patienceMs: number,
): Promise<Result> {
  const { credentials: { recovery: { user, password } } } = ward;
  const donors = onlineOf(view.members);
  const donor = donors.find(({ role }) => role === "secondary") ?? donors[0];
  if (!donor) return blocking(TEXT.noPrimary);
  ward.ctx.log.info(`${unit} gets a copy of the data of ${unitAt(ward, donor)}`);
  await stopMember(db);
  await cloneFrom(db, { host: donor.host, port: donor.port, user, password }, { patienceMs });
  return waiting(TEXT.copying(unit));
}
