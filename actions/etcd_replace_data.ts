/**
 * Replaces the data of a whole cluster by a snapshot: one member starts from it, as a cluster of its own.
 *
 * @module
 */
import { ActionFailed } from "../hooks/errors.ts";
import { isThere, type Owner } from "../interfaces/clients/files.ts";
import { ClientError, UnhealthyClusterError } from "../interfaces/clients/errors.ts";
import type { Etcd } from "../interfaces/clients/etcd/client.ts";
import { hexId } from "../interfaces/clients/etcd/values.ts";
import { moveLeader, restoreSnapshot, type TlsFiles } from "./etcd_tools.ts";

/** The member that starts from the snapshot. */
export interface StartingMember {
  readonly name: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
  readonly dataDirectory: string;
  /** Whose the data shall be. */
  readonly owner?: Owner;
  readonly files: TlsFiles;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Opens a client of some members. */
export type Open = (endpoints: readonly string[]) => Etcd;

/** What happened to the cluster that was there. */
export interface Replaced {
  /** Names of the members that were removed from it, so that they serve nobody any more. */
  readonly removed: readonly string[];
  /** Where its data is kept; undefined when there was none. */
  readonly oldData: string | undefined;
}

const START_MS = 120_000;
/** Milliseconds for one removal: etcd refuses until all members have been connected for five seconds. */
const REMOVE_MS = 30_000;
const PAUSE_MS = 250;

/**
 * Makes the new data first, then ends the old cluster, then starts the new one; when that does not come up, the old data
 * comes back.
 *
 * @param clientUrls of all members that are known
 * @param startMs milliseconds until the restored member must serve
 * @throws {ActionFailed} which says how things are left
 */
export async function replaceData(
  own: StartingMember,
  snapshot: string,
  clientUrls: readonly string[],
  open: Open,
  progress: (message: string) => Promise<void>,
  startMs: number = START_MS,
): Promise<Replaced> {
  const led = await whoSeesLeader(clientUrls, open);
  if (!led.includes(own.clientUrl) && led.length > 0) {
    const others = led.join(", ");
    throw new ActionFailed(
      `${others} serve without this unit's member; mend it first, or restore on a leader among them`,
    );
  }
  const [restored, old] = [`${own.dataDirectory}.restored`, `${own.dataDirectory}.before-restore`];
  await remove(restored);
  await progress("making the data directory from the snapshot");
  await restoreSnapshot({ ...own, snapshot, dataDirectory: restored, token: `restored-${crypto.randomUUID()}` });
  if (own.owner) await giveAway(restored, own.owner);

  // Without a leader nobody can be removed, and nobody can write either.
  const removed = led.length > 0 ? await removeOthers(own, led, open, progress) : [];
  await progress("starting this unit's member from the snapshot");
  await own.stop();
  const hadData = await setAside(own.dataDirectory, old);
  await move(restored, own.dataDirectory);
  if (await startsWell(own, open, startMs)) return { removed, oldData: hadData ? old : undefined };

  await own.stop();
  await move(own.dataDirectory, restored);
  if (hadData) {
    await move(old, own.dataDirectory);
    await own.start();
  }
  const without = removed.length > 0 ? `, without the members ${removed.join(", ")}` : "";
  throw new ActionFailed(
    `etcd does not serve within ${startMs / 1000} s with this snapshot; this unit is as it was before${without}; ` +
      "look at etcd's log, then try again with another snapshot",
  );
}

/** Client URLs of the members that are up and have a leader. */
async function whoSeesLeader(clientUrls: readonly string[], open: Open): Promise<readonly string[]> {
  using etcd = open(clientUrls);
  const asked = await Promise.all(etcd.endpoints.map(async (endpoint) => {
    try {
      return (await etcd.maintenance.status(endpoint)).leader === "0" ? [] : [endpoint];
    } catch (error) {
      if (error instanceof ClientError) return [];
      throw error;
    }
  }));
  return asked.flat();
}

/** While they are members they take writes of clients, which would be lost. */
async function removeOthers(
  own: StartingMember,
  led: readonly string[],
  open: Open,
  progress: (message: string) => Promise<void>,
): Promise<readonly string[]> {
  // A member that is removed answers no more, so only the one that stays is asked.
  using etcd = open([own.clientUrl]);
  const isUp = (urls: readonly string[]): number => urls.some((url) => led.includes(url)) ? 1 : 0;
  await lead(own, etcd, led);
  // Those that are down first: etcd removes them at any time.
  const others = (await etcd.members.list()).filter(({ peerUrls }) => !peerUrls.includes(own.peerUrl))
    .sort((a, b) => isUp(a.clientUrls) - isUp(b.clientUrls));
  const removed: string[] = [];
  for (const { id, name, peerUrls } of others) {
    const shown = name || peerUrls.join(",");
    await progress(`removing the member ${shown}`);
    await removePatiently(etcd, id);
    removed.push(shown);
  }
  return removed;
}

/** A leader that is removed may go before the others know of it: with two members, the other could never do anything. */
async function lead(own: StartingMember, etcd: Etcd, led: readonly string[]): Promise<void> {
  const { leader, memberId } = await etcd.maintenance.status(own.clientUrl);
  if (leader === memberId) return;
  const found = (await etcd.members.list()).find(({ id }) => id === leader)?.clientUrls.find((url) =>
    led.includes(url)
  );
  if (found !== undefined) await moveLeader(found, hexId(memberId), own.files);
}

async function removePatiently(etcd: Etcd, id: string): Promise<void> {
  for (const end = Date.now() + REMOVE_MS;; await pause()) {
    try {
      await etcd.members.remove(id);
      return;
    } catch (error) {
      if (!(error instanceof UnhealthyClusterError)) throw error;
      if (Date.now() < end) continue;
      throw new ActionFailed(
        "etcd does not let its members go now; run the action health, mend what it shows, try again",
      );
    }
  }
}

async function startsWell(own: StartingMember, open: Open, startMs: number): Promise<boolean> {
  try {
    await own.start();
  } catch (error) {
    if (error instanceof ClientError) return false;
    throw error;
  }
  using etcd = open([own.clientUrl]);
  for (const end = Date.now() + startMs; Date.now() < end; await pause()) {
    const [health] = await etcd.maintenance.health();
    if (health?.serves) return true;
  }
  return false;
}

/**
 * Keeps the data as it is. What an earlier restore kept goes only if there is newer data to keep: one that was cut short
 * may have left the only copy there.
 *
 * @returns whether there is old data now
 */
export async function setAside(dataDirectory: string, old: string): Promise<boolean> {
  if (await isThere(dataDirectory)) {
    await remove(old);
    return await move(dataDirectory, old);
  }
  return await isThere(old);
}

/** @returns false when there was nothing to move */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await Deno.rename(from, to);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

async function remove(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function giveAway(path: string, owner: Owner): Promise<void> {
  await Deno.chown(path, owner.uid, owner.gid);
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) await giveAway(`${path}/${name}`, owner);
    else await Deno.chown(`${path}/${name}`, owner.uid, owner.gid);
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}
