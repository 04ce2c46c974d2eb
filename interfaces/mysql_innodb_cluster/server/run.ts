/**
 * Looks after a server that runs: its users, its place in the cluster, and on the leader the cluster itself.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import { setPassword, setRecoveryCredentials } from "../../clients/mysql/accounts.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { endCreation, stopMember } from "../../clients/mysql/group.ts";
import { addressText, type Group, type Member, readGroup } from "../../clients/mysql/members.ts";
import { type Address, plainVersion, readServer, readSettings, startInProgress } from "../../clients/mysql/status.ts";
import { readUntil } from "../../clients/mysql/wait.ts";
import { decideMove, type Move, type Sight } from "./decide.ts";
import { handOver } from "./hand_over.ts";
import { readMemory, remember } from "./memory.ts";
import { applyPasswords, bringIn, create, evict, prepare } from "./moves.ts";
import { ensureRunning, isCurrent, openOwn, settingsOf } from "./mysqld.ts";
import { unitNumber } from "./place.ts";
import { forgetChannel, tellChannel, yieldToPromoted } from "./set_access.ts";
import { followGroup, tellPlace } from "./set_keys.ts";
import { askAll, bestView, survey } from "./survey.ts";
import { stopIfStuck } from "./stuck.ts";
import { tellMembers } from "./tell.ts";
import { TEXT } from "./texts.ts";
import { onlineOf, openAt, type Result, sameAddress, waiting, type Ward } from "./ward.ts";

/** Milliseconds of a hook after which no further change is begun, and that a change may wait for the server. */
const BUDGET_MS = 8000;
/** Milliseconds until all members know what one of them does. */
const HEAR_MS = 3000;

/** Looks, decides and acts until there is nothing left to do, or the hook has taken long enough. */
export async function run(given: Ward): Promise<Result> {
  const { ctx } = given;
  await using own = await openOwn(given.place);
  const ward = await followGroup(given, own);
  await keepUsers(ward, own);
  const end = Date.now() + BUDGET_MS;
  const tried: string[] = [];
  const obstacles: Result[] = [];
  let sight = await survey(ward, own);
  if (sight.state === "RECOVERING" && await stopIfStuck(ctx, ward.place, own)) sight = await survey(ward, own);
  let move = decideMove(sight, tried);
  while (move.kind !== "say" && Date.now() < end) {
    const obstacle = await attempt(ward, own, sight, move);
    if (obstacle) obstacles.push(obstacle);
    if (move.kind === "create" && obstacle) break;
    tried.push(nameOf(move, ctx.unit));
    sight = await survey(ward, own);
    move = decideMove(sight, tried);
  }
  const { view } = sight;
  if (sight.state === "ONLINE") {
    remember(ctx, { wasMember: true });
    // The hook that made the cluster may have been killed before it did so itself.
    await endCreation(own);
  }
  if (sight.state === "ONLINE" && view) await tellPlace(ward, view);
  if (sight.isLeader && view?.quorum) await tellMembers(ward, view, {}, sight.state === "ONLINE" ? own : undefined);
  if (sight.state === "ONLINE" && view?.writable) await keepPasswords(ward, own);
  if (sight.state === "ONLINE" && view?.quorum) {
    if (isPrimary(view)) await yieldToPromoted(ward, own);
    else await forgetChannel(ward, own, view, { hasJoined: tried.includes(ctx.unit) });
  }
  ctx.setWorkloadVersion(plainVersion((await readServer(own)).version));
  const [obstacle] = obstacles;
  if (obstacle) return obstacle;
  if (move.kind !== "say") return waiting(TEXT.joining(nameOf(move, ctx.unit)));
  const { place, credentials: { authority } } = ward;
  if (move.level !== "active" || !view || await isCurrent(ctx, place, authority.certificate)) return move;
  return await takeTurn(ward, own, view);
}

function isPrimary({ primary, self }: Group): boolean {
  return primary !== undefined && primary.uuid === self?.uuid;
}

function nameOf(move: Exclude<Move, { kind: "say" }>, unit: string): string {
  if (move.kind === "add") return move.unit;
  return move.kind === "evict" ? addressText(move.address) : unit;
}

/** What fails with one server does not keep the others waiting. */
async function attempt(
  ward: Ward,
  own: Mysql,
  sight: Sight,
  move: Exclude<Move, { kind: "say" }>,
): Promise<Result | undefined> {
  try {
    return await act(ward, own, sight, move);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ward.ctx.log.warning(error.message);
    return waiting(TEXT.cannotJoin(nameOf(move, ward.ctx.unit), error.message));
  }
}

async function act(
  ward: Ward,
  own: Mysql,
  { view }: Sight,
  move: Exclude<Move, { kind: "say" }>,
): Promise<Result | undefined> {
  const patience = { patienceMs: BUDGET_MS };
  if (move.kind === "create") {
    // A hook that was killed may have left a cluster of which no databag tells.
    const found = bestView(await askAll(ward, ward.others));
    return found ? await bringOwnIn(ward, found) : await create(ward, own);
  }
  if (move.kind === "evict") return void await evict(ward, move.address);
  if (!view) return undefined;
  if (move.kind === "rejoin") return await bringOwnIn(ward, view);
  await using joiner = await openAt(ward, move.address, BUDGET_MS);
  const obstacle = await bringIn(ward, joiner, move.address, view, patience);
  // The new member knows of it before the others do, and what is told afterwards is what the own server knows.
  if (!obstacle) await readUntil(() => readGroup(own), ({ members }) => isOnline(members, move.address), HEAR_MS);
  return obstacle;
}

function isOnline(members: readonly Member[], address: Address): boolean {
  return onlineOf(members).some((member) => sameAddress(member, address));
}

/** Over a connection of its own: a start that is not waited for to its end uses it up. */
async function bringOwnIn(ward: Ward, view: Group): Promise<Result | undefined> {
  await using own = await openOwn(ward.place);
  return await bringIn(ward, own, ward.place, view, { patienceMs: BUDGET_MS });
}

/** The cluster's users before the server is in a group; then they come from the group, and this server's own knowledge. */
async function keepUsers({ ctx, credentials }: Ward, own: Mysql): Promise<void> {
  const { prepared } = readMemory(ctx);
  const isTold = prepared === credentials.version;
  const settings = await readSettings(own, ["group_replication_group_name", "super_read_only"]);
  const isPlaced = (settings.get("group_replication_group_name") ?? "") !== "";
  if (!isPlaced && settings.get("super_read_only") !== "ON") {
    // Always: a hook that made a new data directory may have been killed before that was noted.
    await prepare(own, credentials);
    const { cluster, recovery } = credentials;
    if (prepared && !isTold) {
      for (const each of [cluster, recovery]) await setPassword(own, each, { replicate: false });
    }
  } else if (!isTold) {
    const { self } = await readGroup(own);
    if (self?.state === "RECOVERING" || await startInProgress(own)) return;
    await setRecoveryCredentials(own, credentials.recovery);
    await tellChannel(ctx, own, credentials);
  }
  remember(ctx, { prepared: credentials.version });
}

/** The primary's unit gives the users new passwords: those that the record has. */
async function keepPasswords(ward: Ward, own: Mysql): Promise<void> {
  const { ctx, credentials: { version } } = ward;
  if (readMemory(ctx).applied === version) return;
  if (await applyPasswords(ward, own)) ctx.log.info("the cluster's users have new passwords");
  remember(ctx, { applied: version });
}

/** New options need a restart: units go by number, one after the other, while all members are well. */
async function takeTurn(ward: Ward, own: Mysql, view: Group): Promise<Result> {
  const { ctx, place, record, others, service, credentials } = ward;
  const members = others.filter(({ unit }) => !record.removed.includes(unit));
  const wanted = settingsOf(place);
  const before = members.filter(({ unit }) => unitNumber(unit) < unitNumber(ctx.unit));
  // Units of other charms do not say with which options they run.
  const isTurn = before.every(({ settings }) => settings === "" || settings === wanted);
  const isWell = view.members.every(({ state }) => state === "ONLINE") && view.online === members.length + 1;
  if (!isTurn || !isWell) return waiting(TEXT.turn);
  ctx.log.info("restarting MySQL with the new settings");
  await handOver(ctx, own);
  await stopMember(own);
  await service.manager.stop(service.spec);
  if (await ensureRunning(ctx, place, service, credentials) !== "up") return waiting(TEXT.starting);
  await using again = await openOwn(place);
  const { view: after } = await survey(ward, again);
  const obstacle = after && await bringIn(ward, again, place, after, { patienceMs: BUDGET_MS });
  return obstacle ?? waiting(TEXT.joining(ctx.unit));
}
