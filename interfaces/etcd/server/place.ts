/**
 * Where a unit's member is: directories, addresses, ports.
 *
 * @module
 */
import { isIP } from "node:net";
import type { Config } from "../../../hooks/config.ts";
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { isHost } from "../../databag.ts";
import { memberName } from "./record.ts";
import { TEXT } from "./texts.ts";

/** What follows from the unit's name and the directory that was chosen at first. */
export interface Paths {
  /** Of the member, such as `etcd0`. */
  readonly name: string;
  /** Of the service, such as `etcd-0`. */
  readonly service: string;
  /** What the option said at first. */
  readonly base: string;
  /** Everything of the unit; belongs to root. */
  readonly directory: string;
  /** etcd's own. */
  readonly dataDirectory: string;
  readonly tlsDirectory: string;
  readonly configFile: string;
  /** Says which cluster the data is of. */
  readonly marker: string;
  readonly snapshots: string;
}

/** Where the member listens and how others reach it. */
export interface Place extends Paths {
  readonly listenClient: readonly string[];
  readonly listenPeer: readonly string[];
  readonly clientUrls: readonly string[];
  readonly peerUrl: string;
  /** Addresses for which its certificates stand. */
  readonly addresses: readonly string[];
  readonly names: readonly string[];
  readonly clientPort: number;
  readonly heartbeatMs: number;
  readonly electionMs: number;
}

/** The member itself is asked here too, and a machine with several loopback addresses calls from the first. */
const LOCAL_ADDRESSES = ["127.0.0.1", "::1"];
const LOCAL_NAME = "localhost";
const MIN_BEATS = 5;
const MAX_ELECTION_MS = 50_000;

/** The paths of a unit. */
export function pathsOf(unit: string, base: string): Paths {
  const service = unit.replace("/", "-");
  const directory = `${base}/${service}`;
  return {
    base,
    name: memberName(unit),
    service,
    directory,
    dataDirectory: `${directory}/data`,
    tlsDirectory: `${directory}/tls`,
    configFile: `${directory}/etcd.yaml`,
    marker: `${directory}/belongs`,
    snapshots: `${directory}/snapshots`,
  };
}

/**
 * Where the unit's member is to be.
 *
 * @returns undefined while Juju knows no address
 * @throws {ValueError} for an option that cannot be used
 */
export async function findPlace(ctx: Context, chosen: string): Promise<Place | undefined> {
  const config = await ctx.config();
  const clientPort = portOf(config, "client-port", 2379);
  const peerPort = portOf(config, "peer-port", 2380);
  if (clientPort === peerPort) throw new ValueError(TEXT.samePorts);
  const heartbeatMs = config.number("heartbeat-interval") ?? 100;
  const electionMs = config.number("election-timeout") ?? 1000;
  if (!(heartbeatMs >= 1 && electionMs >= MIN_BEATS * heartbeatMs && electionMs <= MAX_ELECTION_MS)) {
    throw new ValueError(TEXT.badTimes);
  }
  const own = ctx.endpoint?.name ?? "";
  const clients = clientEndpoints(ctx).map(({ name }) => name);
  const [peer, ...client] = await Promise.all([own, ...clients.length === 0 ? [own] : clients].map(async (name) => {
    const { bindAddress, ingressAddress } = await ctx.network(name);
    const isUsable = bindAddress !== undefined && isIP(bindAddress) !== 0 && isHost(ingressAddress ?? "");
    return isUsable ? { bind: bindAddress, ingress: ingressAddress ?? bindAddress } : undefined;
  }));
  if (!peer) return undefined;
  const reachable = client.filter((each) => each !== undefined);
  if (reachable.length === 0) return undefined;
  const all = unique([peer, ...reachable].flatMap(({ bind, ingress }) => [bind, ingress]));
  return {
    ...pathsOf(ctx.unit, chosen),
    listenPeer: [urlOf(peer.bind, peerPort)],
    listenClient: unique(reachable.map(({ bind }) => urlOf(bind, clientPort))),
    peerUrl: urlOf(peer.ingress, peerPort),
    clientUrls: unique(reachable.map(({ ingress }) => urlOf(ingress, clientPort))),
    addresses: unique([...all.filter((each) => isIP(each) !== 0), ...LOCAL_ADDRESSES]),
    names: unique([...all.filter((each) => isIP(each) === 0), LOCAL_NAME]),
    clientPort,
    heartbeatMs,
    electionMs,
  };
}

/** The endpoints on which clients ask for etcd. */
export function clientEndpoints(ctx: Context) {
  return ctx.charm.endpoints.filter(({ role, interface: name }) => role === "provides" && name === "etcd");
}

/** URL of an address: IPv6 in brackets. */
export function urlOf(host: string, port: number): string {
  return `https://${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}

function portOf(config: Config, option: string, fallback: number): number {
  const port = config.number(option) ?? fallback;
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new ValueError(TEXT.badPort(option));
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
