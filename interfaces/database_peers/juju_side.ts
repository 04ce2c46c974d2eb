/**
 * Juju's part of the world, over a handler's context.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { NotFoundError } from "../../hooks/errors.ts";
import type { Relation } from "../../hooks/relation.ts";
import { livingRelations } from "../endpoints.ts";
import { rollingLock } from "../rolling_op/peers.ts";
import { readApplicationBag, readUnitBag, type UnitBag, writeMembers } from "./bags.ts";
import { keep, readKept } from "./kept.ts";
import { APP, membersKey, UNIT } from "./keys.ts";
import { memberOf, podAddress, type Substrate } from "./names.ts";
import type { JujuSide, Peer } from "./world.ts";

/** Interface of the endpoints whose clients are told where to read. */
const CLIENTS = "postgresql_client";
const READ_ONLY = "read-only-endpoints";

/** A peer with the scheme of its REST API. */
export interface ReachablePeer extends Peer {
  readonly tls: boolean;
}

/** This unit as its peers see it. */
export async function selfOf(ctx: Context, relation: Relation, substrate: Substrate): Promise<ReachablePeer> {
  const bag = readUnitBag(await relation.local.get());
  const known = bag.address === undefined ? (await ctx.network(relation)).ingressAddress : undefined;
  return toPeer(ctx, ctx.unit, known === undefined ? bag : { ...bag, address: known }, substrate);
}

/** The other units in the relation, by number. */
export async function othersOf(ctx: Context, relation: Relation, substrate: Substrate): Promise<ReachablePeer[]> {
  const units = await relation.units();
  return units.map(({ name, data }) => toPeer(ctx, name, readUnitBag(data), substrate));
}

/** The real side. */
export function jujuSide(ctx: Context, relation: Relation, substrate: Substrate): JujuSide {
  return {
    isLeader: () => ctx.isLeader(),
    application: async () => readApplicationBag(await relation.localApp.get(), substrate),
    self: () => selfOf(ctx, relation, substrate),
    others: () => othersOf(ctx, relation, substrate),
    async addressOf(unit) {
      try {
        return toPeer(ctx, unit, readUnitBag(await relation.unit(unit)), substrate).address;
      } catch (error) {
        if (error instanceof NotFoundError) return undefined;
        throw error;
      }
    },
    plannedUnits: () => ctx.plannedUnits(),
    setMembers: (members) => relation.localApp.set({ [membersKey(substrate)]: writeMembers(members) }),
    setInitialised: () => relation.localApp.set({ [APP.initialised]: "True" }),
    async markRunning(on) {
      const { restarted } = readUnitBag(await relation.local.get());
      if (restarted !== on) relation.local.set({ [UNIT.restarted]: on ? "True" : "" });
    },
    isMarkedRunning: async () => readUnitBag(await relation.local.get()).restarted,
    setStatus: (level, text) => ctx.status.set(level, text),
    publishReadOnly: (endpoints) => publishReadOnly(ctx, endpoints),
    isTlsMarked: async () => readUnitBag(await relation.local.get()).tls,
    markTls: (on) => relation.local.set({ [UNIT.tls]: on ? "enabled" : "" }),
    async requestRestart() {
      const lock = await rollingLock(ctx);
      return lock === undefined ? false : await lock.acquire();
    },
  };
}

/** Tells every client where to read; a value that is there already is not written. */
async function publishReadOnly(ctx: Context, endpoints: string): Promise<void> {
  if (readKept(ctx.stored).readOnly !== endpoints) keep(ctx.stored, { readOnly: endpoints });
  for (const relation of await clientRelations(ctx)) relation.localApp.set({ [READ_ONLY]: endpoints });
}

/** New clients hear what the others were told; PostgreSQL is not asked for it. The leader calls it. */
export async function greetClients(ctx: Context): Promise<void> {
  const { readOnly } = readKept(ctx.stored);
  if (readOnly === "") return;
  for (const relation of await clientRelations(ctx)) {
    const told = (await relation.localApp.get())[READ_ONLY];
    if (told === undefined) relation.localApp.set({ [READ_ONLY]: readOnly });
  }
}

async function clientRelations(ctx: Context): Promise<Relation[]> {
  const endpoints = ctx.charm.endpoints.filter((each) => each.interface === CLIENTS && each.role === "provides");
  return (await Promise.all(endpoints.map((endpoint) => livingRelations(ctx, endpoint)))).flat();
}

function toPeer(ctx: Context, unit: string, bag: UnitBag, substrate: Substrate): ReachablePeer {
  const address = substrate === "kubernetes" ? podAddress(ctx.application, unit) : bag.address;
  return { unit, member: memberOf(unit), tls: bag.tls, ...address === undefined ? {} : { address } };
}
