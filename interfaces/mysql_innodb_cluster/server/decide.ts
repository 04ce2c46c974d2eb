/**
 * What a unit does next: first from what is known without asking any server, then from what the servers say.
 *
 * @module
 */
import type { Group, MemberState } from "../../clients/mysql/members.ts";
import { addressText } from "../../clients/mysql/members.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { TEXT } from "./texts.ts";

/** What is known without asking any server. */
export interface Facts {
  readonly unit: string;
  readonly isLeader: boolean;
  /** Unit that may make the cluster; undefined before the leader has named one. */
  readonly first: string | undefined;
  /** The own server has been a member. */
  readonly wasMember: boolean;
  /** Another unit says that it is in the cluster. */
  readonly othersAreIn: boolean;
  /** Whether Juju has a unit of the first one's name, this one included. */
  readonly firstIsThere: boolean;
}

/** What to do before the server is looked after. */
export type Start = { readonly kind: "claim" } | { readonly kind: "wait" } | { readonly kind: "run" };

/** Names the first unit, again when that one went before there was a cluster. */
export function decideStart({ isLeader, first, wasMember, othersAreIn, firstIsThere }: Facts): Start {
  if (first === undefined) return { kind: isLeader ? "claim" : "wait" };
  if (isLeader && !firstIsThere && !wasMember && !othersAreIn) return { kind: "claim" };
  return { kind: "run" };
}

/** How another unit's server was found. */
export type Found = "member" | "outside" | "silent" | "unasked";

/** Another unit, as its databag and its server show it. */
export interface Peer {
  readonly unit: string;
  readonly address: Address | undefined;
  /** It says that its server can be added. */
  readonly configured: boolean;
  /** It says, or the leader has seen, that it is in the cluster. */
  readonly clustered: boolean;
  /** Somebody took it out of the cluster. */
  readonly removed: boolean;
  readonly found: Found;
}

/** What is seen once the own server runs. */
export interface Sight {
  readonly unit: string;
  readonly address: Address;
  readonly isLeader: boolean;
  readonly first: string;
  /** Of the own server; undefined before it has ever been configured. */
  readonly state: MemberState | undefined;
  readonly wasMember: boolean;
  /** Somebody took the own server out of the cluster. */
  readonly removed: boolean;
  readonly peers: readonly Peer[];
  /** The group as a member sees it: the own server when it is one. */
  readonly view: Group | undefined;
  /** How many units have to be ready before the cluster is made. */
  readonly expected: number;
  /** Addresses of units that departed. */
  readonly departed: readonly Address[];
}

/** The next change, or what there is to say when there is none. */
export type Move =
  | { readonly kind: "create" }
  /** Starts the own server in the group that it belongs to. */
  | { readonly kind: "rejoin" }
  /** Adds a server that has never been in the group. */
  | { readonly kind: "add"; readonly unit: string; readonly address: Address }
  | { readonly kind: "evict"; readonly address: Address }
  | Say;

/** There is nothing to do now. */
export interface Say {
  readonly kind: "say";
  readonly level: Level;
  readonly text: string;
  /** Only a databag or option can change that: until then there is no need to look again. */
  readonly settled: boolean;
}

type Level = "active" | "waiting" | "blocked";

/** @param tried units of whom this hook has tried to add the servers: each once */
export function decideMove(sight: Sight, tried: readonly string[] = []): Move {
  const { unit, address, isLeader, state, wasMember, peers, view } = sight;
  if (sight.removed && state !== "ONLINE") return say("blocked", TEXT.removed(unit), true);
  if (!view) return withoutView(sight);
  if (!view.quorum) return say("blocked", TEXT.noQuorum(lostUnits(sight, view)));
  const isIn = state === "ONLINE" || state === "RECOVERING";
  if (isLeader) {
    const gone = sight.departed.find((each) => isMember(view, each));
    if (gone && !tried.includes(addressText(gone))) return { kind: "evict", address: gone };
    const next = peers.find((peer) =>
      peer.address && peer.configured && !peer.clustered && !peer.removed && !isMember(view, peer.address) &&
      !tried.includes(peer.unit)
    );
    if (isIn && next?.address) return { kind: "add", unit: next.unit, address: next.address };
    if (!isIn && !wasMember && !tried.includes(unit)) return { kind: "add", unit, address };
  }
  if (!isIn && wasMember && !tried.includes(unit)) return { kind: "rejoin" };
  if (state === "RECOVERING") return say("waiting", TEXT.recovering);
  if (!isIn) return wasMember ? say("waiting", TEXT.joining(unit)) : say("waiting", TEXT.toBeAdded, true);
  return condition(sight, view);
}

/** No server is known to be a member. */
function withoutView(sight: Sight): Move {
  const { unit, first, state, wasMember, peers, expected } = sight;
  if (state === "RECOVERING") return say("waiting", TEXT.recovering);
  const members = peers.filter(({ clustered }) => clustered);
  if (wasMember || members.length > 0) {
    const silent = members.filter(({ found }) => found === "silent").map((peer) => peer.unit);
    if (!wasMember && silent.length === 0) return say("waiting", TEXT.toBeAdded);
    return say("blocked", silent.length > 0 ? TEXT.silent(silent) : TEXT.outage);
  }
  if (peers.length + 1 < expected) return say("waiting", TEXT.moreUnits(peers.length + 1, expected), true);
  if (unit !== first) return say("waiting", TEXT.creator(first), true);
  const ready = peers.filter(({ configured, address }) => configured && address);
  if (ready.length + 1 >= expected) return { kind: "create" };
  return say("waiting", TEXT.notReady(peers.filter((peer) => !ready.includes(peer)).map((peer) => peer.unit)), true);
}

function condition({ unit, peers }: Sight, { members, primary, self, online }: Group): Say {
  if (!primary) return say("waiting", TEXT.noPrimary);
  const listed = new Set(members.filter(({ state }) => state === "ONLINE").map(addressText));
  const missing = peers.filter(({ address, clustered, removed }) =>
    clustered && !removed && address && !listed.has(addressText(address))
  );
  const mode = self?.uuid === primary.uuid ? "R/W" : "R/O";
  const names = missing.map((peer) => peer.unit).filter((name) => name !== unit);
  const text = `${TEXT.ready(mode, online)}${names.length === 0 ? "" : TEXT.missing(names)}`;
  return say("active", text, members.every(({ state }) => state === "ONLINE"));
}

function say(level: Level, text: string, settled = false): Say {
  return { kind: "say", level, text, settled };
}

function isMember({ members }: Group, address: Address): boolean {
  return members.some((member) => addressText(member) === addressText(address));
}

/** Members that the group cannot reach, by unit where it is known. */
function lostUnits({ peers, unit, address }: Sight, { members }: Group): readonly string[] {
  const names = new Map(peers.map((peer) => [peer.address ? addressText(peer.address) : "", peer.unit]));
  names.set(addressText(address), unit);
  return members.filter(({ state }) => state === "UNREACHABLE").map(addressText)
    .map((each) => names.get(each) ?? each).sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}
