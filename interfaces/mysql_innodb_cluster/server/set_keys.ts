/**
 * What the units tell each other where their cluster can be part of a cluster set. The keys are those of the charm that
 * MySQL's users know; the handlers of replication between clusters read and change them.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { ClientError } from "../../clients/errors.ts";
import type { BagData, Relation } from "../../../hooks/relation.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { type Group, readGroup } from "../../clients/mysql/members.ts";
import { readServer } from "../../clients/mysql/status.ts";
import { NAMES, PEER_APP, PEER_UNIT } from "../../async_replication/keys.ts";
import { CLUSTER_NAME, writeRecord } from "./record.ts";
import { TEXT } from "./texts.ts";
import { openPeer, type Ward } from "./ward.ts";

const { clusterSetName: SET_NAME, unitsAdded: UNITS_ADDED } = PEER_APP;
const { initialized: INITIALIZED, memberState: MEMBER_STATE, memberRole: MEMBER_ROLE } = PEER_UNIT;

/**
 * Whether the unit may look after its place in the cluster. `held`: the cluster has been dissolved, and it is not for
 * the unit to start it again. `given up`: what the unit's server has may be replaced by the cluster's data.
 */
export type Hold = "free" | "held" | "given up";

/** Whether the charm can replicate between clusters. */
export function isReplicated(ctx: Context): boolean {
  return ctx.charm.endpoints.some((endpoint) => NAMES.includes(endpoint.interface));
}

/** Whether the cluster's passwords come from another cluster, whose replica it is. */
export async function followsPasswords(ctx: Context): Promise<boolean> {
  const endpoints = ctx.charm.endpoints.filter((each) => each.role === "requires" && NAMES.includes(each.interface));
  const relations = await Promise.all(endpoints.map(({ name }) => ctx.relations(name)));
  return relations.flat().length > 0;
}

/** Reads from the databags whether the unit is held. */
export async function readHold(ctx: Context, peers: Relation): Promise<Hold> {
  return isReplicated(ctx) ? holdOf(await peers.app(), await peers.local.get()) : "free";
}

/**
 * What the databags say about the unit.
 *
 * @param app the application's
 * @param unit the unit's own
 */
export function holdOf(app: BagData, unit: BagData): Hold {
  if (!app[SET_NAME]) return "free";
  if (!(Number(app[UNITS_ADDED]) > 0)) return "held";
  return unit[MEMBER_STATE] === "waiting" && unit[INITIALIZED] !== "True" ? "given up" : "free";
}

/**
 * A cluster that another one has made its replica has a new group: every unit goes by its name, and the leader keeps that.
 * A unit that is to join it may lead, or come before the leader has seen it.
 */
export async function followGroup(ward: Ward, own: Mysql): Promise<Ward> {
  const { ctx, peers, record } = ward;
  if (!isReplicated(ctx)) return ward;
  const groupName = await isOnline(own) ? (await readServer(own)).groupName : await groupOfOthers(ward);
  if (groupName === "" || groupName === record.groupName) return ward;
  const changed = { ...record, groupName };
  if (await ctx.isLeader()) peers.localApp.set(writeRecord(changed));
  return { ...ward, record: changed };
}

/** The group that a unit whose data were given up is to join; empty for others, and while there is none. */
async function groupOfOthers({ ctx, peers, others, credentials }: Ward): Promise<string> {
  if (await readHold(ctx, peers) !== "given up") return "";
  const names = await Promise.all(others.map(async (report): Promise<string> => {
    try {
      await using db = await openPeer(report, credentials);
      return await isOnline(db) ? (await readServer(db)).groupName : "";
    } catch (error) {
      if (error instanceof ClientError) return "";
      throw error;
    }
  }));
  return names.find((name) => name !== "") ?? "";
}

async function isOnline(db: Mysql): Promise<boolean> {
  const { self, quorum } = await readGroup(db);
  return self?.state === "ONLINE" && quorum;
}

/** Tells how the own server does in the cluster, and on the leader how many members there are. */
export async function tellPlace(
  { ctx, peers }: Pick<Ward, "ctx" | "peers">,
  { self, online, quorum }: Group,
): Promise<void> {
  if (!isReplicated(ctx) || self?.state !== "ONLINE") return;
  peers.local.set({ [INITIALIZED]: "True", [MEMBER_STATE]: "online", [MEMBER_ROLE]: self.role });
  if (!quorum || !await ctx.isLeader()) return;
  const name = (await peers.app())[SET_NAME] || await setName(ctx);
  peers.localApp.set({ [SET_NAME]: name, [UNITS_ADDED]: `${online}` });
}

/** The databags when the leader has made a cluster of its own server again: the others may join it. */
export function takeOffHold(peers: Relation, { online }: Group): void {
  peers.local.set({ [INITIALIZED]: "True", [MEMBER_STATE]: "online", [MEMBER_ROLE]: "primary" });
  peers.localApp.set({ [UNITS_ADDED]: `${online}` });
}

async function setName(ctx: Context): Promise<string> {
  const option = (await ctx.config()).string("cluster-set-name") ?? "";
  if (option === "") return `cluster-set-${crypto.randomUUID().replaceAll("-", "")}`;
  if (CLUSTER_NAME.test(option)) return option;
  throw new ValueError(TEXT.badSetName);
}
