/**
 * One handler run: the Context, both ports and the peer data, and what both sides ask of them.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { NotFoundError, PermissionDeniedError, ValueError } from "../../hooks/errors.ts";
import { blocked, deferred, type Outcome } from "../../hooks/outcome.ts";
import type { BagData, Relation } from "../../hooks/relation.ts";
import { AuthenticationError, CertificateError, ClientError, InputError, ReplyError } from "../clients/errors.ts";
import { type Endpoint, livingRelations } from "../endpoints.ts";
import type { PortSource, ReplicationCharm } from "./charm_side.ts";
import { ClusterSetBusyError, ClusterSetError, type ClusterSetServer } from "./cluster_server.ts";
import { NAMES } from "./keys.ts";
import { PeerData } from "./peer_data.ts";

/** A cluster has at most so many members. Source: MySQL Group Replication, limitations. */
const MAX_MEMBERS = 9;

/** What does not pass by itself: the other side is not what it says, or does not let us in. */
const LASTING = [AuthenticationError, CertificateError, InputError, ReplyError] as const;

/** What a handler works with. */
export interface Replication<C extends Context = Context> {
  readonly ctx: C;
  readonly server: ClusterSetServer;
  readonly charm: ReplicationCharm;
  readonly peer: PeerData;
}

/** The unit's place in the cluster set. */
export interface Role {
  /** `unset`: the cluster is in no set. */
  readonly cluster: "primary" | "replica" | "unset";
  /** `primary` or `secondary`, within the cluster. */
  readonly instance: string;
  /** `replica` while a relation as replica lists. */
  readonly side: "primary" | "replica";
}

/** Opens the ports for one run, and closes them after it. */
export async function withPorts<C extends Context, T>(
  source: PortSource,
  ctx: C,
  run: (at: Replication<C>) => Promise<T>,
): Promise<T> {
  await using ports = await source.open(ctx);
  const { server, charm } = ports;
  return await run({ ctx, server, charm, peer: new PeerData(ctx, await charm.peers()) });
}

/**
 * Runs a handler of a hook. What the server cannot do now is tried again with a later hook: one that failed would keep
 * the charm from looking after the server. What the server refuses is shown until it no longer does.
 */
export async function inHook<C extends Context>(
  source: PortSource,
  ctx: C,
  run: (at: Replication<C>) => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await withPorts(source, ctx, run);
  } catch (error) {
    if (error instanceof ClusterSetBusyError) {
      ctx.status.set("waiting", error.message);
      return deferred(error.message);
    }
    if (error instanceof ClusterSetError || LASTING.some((type) => error instanceof type)) {
      return blocked((error as Error).message);
    }
    if (!(error instanceof ClientError || error instanceof ValueError)) throw error;
    ctx.log.warning(error.message);
    return deferred(error.message);
  }
}

/** The endpoints of a side of the interface, by whatever names the charm gives them. */
export function endpointsOf(ctx: Context, role: "provides" | "requires"): Endpoint[] {
  return ctx.charm.endpoints.filter((each) => each.role === role && NAMES.includes(each.interface));
}

/** The relations of a side that go on after this hook. */
export async function relationsOf(ctx: Context, role: "provides" | "requires"): Promise<Relation[]> {
  const found = await Promise.all(endpointsOf(ctx, role).map((endpoint) => livingRelations(ctx, endpoint)));
  return found.flat();
}

/** What the other application has sent; nothing where Juju no longer knows. */
export async function remoteBag(relation: Relation): Promise<BagData> {
  try {
    return await relation.app();
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof PermissionDeniedError) return {};
    throw error;
  }
}

/** The unit's place in the cluster set, asked of the server. */
export async function roleOf({ ctx, server }: Pick<Replication, "ctx" | "server">): Promise<Role> {
  const isReplica = await server.isClusterReplica();
  const { role: instance } = await server.getMemberState();
  const relations = await relationsOf(ctx, "requires");
  return {
    cluster: isReplica === undefined ? "unset" : isReplica ? "replica" : "primary",
    instance,
    side: relations.length > 0 ? "replica" : "primary",
  };
}

/** The unit's name in its cluster. */
export function unitLabel({ unit }: Context): string {
  return unit.replaceAll("/", "-");
}

/** Whether every unit that the model is heading for is an online member. */
export async function isFullyInitialized({ ctx, server }: Pick<Replication, "ctx" | "server">): Promise<boolean> {
  const online = await server.getClusterNodeCount({ nodeStatus: "online" });
  return online === Math.min(MAX_MEMBERS, await ctx.plannedUnits());
}

/** How many units are in the cluster, for its databag: units that read of none there hold still. */
export async function unitsAdded({ server }: Pick<Replication, "server">): Promise<string> {
  return String(Math.max(1, await server.getClusterNodeCount()));
}

/** Whether this unit's cluster has been dissolved: its server has left, and no other one is in it. */
export async function wasDissolved({ server }: Pick<Replication, "server">): Promise<boolean> {
  return await server.hasLeft() && await server.isNobodyIn();
}

/** For values that a peer sent and that cannot be used. */
export function warner(ctx: Context, relation: Relation): (reason: string) => void {
  return (reason) => ctx.log.warning(`${relation.endpoint.name} ${relation.id}: ${reason}`);
}
