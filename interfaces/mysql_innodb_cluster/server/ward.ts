/**
 * All that the steps of a hook work with.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { StatusLevel } from "../../../hooks/status.ts";
import type { Relation } from "../../../hooks/relation.ts";
import { AuthenticationError, UnreachableError } from "../../clients/errors.ts";
import { connectMysql, type Mysql, type MysqlPlace } from "../../clients/mysql/connection.ts";
import { addressText, type Member } from "../../clients/mysql/members.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { openOwn } from "./mysqld.ts";
import type { Credentials } from "./passwords.ts";
import type { Place } from "./place.ts";
import type { ServerService } from "./program.ts";
import type { ClusterRecord, PeerReport } from "./record.ts";

/** The unit's server and what is known about the others. */
export interface Ward {
  readonly ctx: Context;
  readonly peers: Relation;
  readonly place: Place;
  readonly record: ClusterRecord;
  readonly credentials: Credentials;
  readonly others: readonly PeerReport[];
  readonly service: ServerService;
}

/** What came of a step. */
export interface Result {
  readonly level: StatusLevel;
  readonly text: string;
  /** Nothing more is to be done until something changes. */
  readonly settled: boolean;
}

/** Milliseconds for connecting to another unit's server and for each statement that only looks. */
const LOOK_MS = 3000;

/** The step has to wait; the next hook tries again. */
export function waiting(text: string): Result {
  return { level: "waiting", text, settled: false };
}

/** The step needs somebody; it is tried again all the same. */
export function blocking(text: string): Result {
  return { level: "blocked", text, settled: false };
}

/**
 * Connects to another unit's server as the cluster's user: with the password that the unit told, or with the one that is
 * valid now while the unit has not told it yet. That one is only for servers with the application's certificate: anybody
 * can be at the address of another.
 */
export async function openPeer(
  { address, connection, isVerified }: Omit<PeerReport, "unit">,
  { cluster, authority }: Credentials,
  timeoutMs: number = LOOK_MS,
): Promise<Mysql> {
  if (!address || !connection) {
    throw new UnreachableError([{ endpoint: "a unit", reason: "it has not said how to connect" }]);
  }
  const tls = isVerified ? { ca: authority.certificate } : "unverified" as const;
  const at = { ...address, tls };
  try {
    return await connectMysql({ at, user: connection.user, password: connection.password, timeoutMs });
  } catch (error) {
    const isSame = connection.user === cluster.user && connection.password === cluster.password;
    if (!(error instanceof AuthenticationError) || isSame || !isVerified) throw error;
    return await connectMysql({ at, user: cluster.user, password: cluster.password, timeoutMs });
  }
}

/** Connects to the server at an address: the own one by its socket, another unit's by the network. */
export async function openAt(ward: Ward, address: Address, timeoutMs?: number): Promise<Mysql> {
  if (sameAddress(address, ward.place)) return await openOwn(ward.place, timeoutMs);
  const peer = ward.others.find((each) => each.address && sameAddress(each.address, address));
  if (peer) return await openPeer(peer, ward.credentials, timeoutMs);
  // Of a unit that departed: it has the application's users and a certificate of its authority.
  const { cluster: { user, password }, authority } = ward.credentials;
  const at = { ...address, tls: { ca: authority.certificate } };
  return await connectMysql({ at, user, password, timeoutMs: timeoutMs ?? LOOK_MS });
}

/** How to reach the server at an address: the own one by its socket, another unit's by the network. */
export function placeAt({ place, others, credentials }: Ward, address: Address): MysqlPlace {
  if (sameAddress(address, place)) return { socketPath: place.socket };
  const isForeign = others.some((each) => each.address && !each.isVerified && sameAddress(each.address, address));
  const tls = isForeign ? "unverified" as const : { ca: credentials.authority.certificate };
  return { host: address.host, port: address.port, tls };
}

/** Whether two addresses are one server's. */
export function sameAddress(a: Address, b: Address): boolean {
  return a.host === b.host && a.port === b.port;
}

/** The unit whose server is at an address; else the address itself. */
export function unitAt({ ctx, place, others }: Pick<Ward, "ctx" | "place" | "others">, address: Address): string {
  if (sameAddress(place, address)) return ctx.unit;
  const peer = others.find((each) => each.address && sameAddress(each.address, address));
  return peer?.unit ?? addressText(address);
}

/** Addresses of all units' servers, the own one first. */
export function allAddresses({ place, others }: Pick<Ward, "place" | "others">): Address[] {
  const { host, port } = place;
  return [{ host, port }, ...others.flatMap(({ address }) => address ? [address] : [])];
}

/** The online members of a group. */
export function onlineOf(members: readonly Member[]): readonly Member[] {
  return members.filter(({ state }) => state === "ONLINE");
}
