/**
 * Interface `rolling_op`: a lock that one unit of an application holds at a time, for restarts. A unit asks in its databag
 * (`state`), the leader answers in the application's one (`<unit>`).
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface, type HookHandler, type RelationHandler } from "../../hooks/definition.ts";
import type { LifecycleEvent } from "../../hooks/event.ts";
import { done } from "../../hooks/outcome.ts";
import type { BagData, Relation } from "../../hooks/relation.ts";
import { compareUnits } from "../../hooks/session.ts";
import { type Grant, nextGrants, type Wish } from "./lock.ts";

const INTERFACE = "rolling_op";

/** This unit's view of the lock. */
export class RollingLock {
  readonly #ctx: Context;
  readonly relation: Relation;

  constructor(ctx: Context, relation: Relation) {
    this.#ctx = ctx;
    this.relation = relation;
  }

  /** Whether this unit has asked and has not given the lock back. */
  async isWanted(): Promise<boolean> {
    return wishOf(await this.relation.local.get()) === "acquire";
  }

  /** Whether it is this unit's turn. */
  async isHeld(): Promise<boolean> {
    return await this.isWanted() && (await this.relation.app())[this.#ctx.unit] === "granted";
  }

  /** Asks for the lock; false when that was done already. */
  async acquire(): Promise<boolean> {
    if (await this.isWanted()) return false;
    this.relation.local.set({ state: "acquire" });
    return true;
  }

  /** Gives the lock back. */
  release(): void {
    this.relation.local.set({ state: "release" });
  }
}

/** The lock, of the first endpoint of the interface; undefined when the charm has none, or its relation is not there. */
export async function rollingLock(ctx: Context): Promise<RollingLock | undefined> {
  const endpoint = ctx.charm.endpoints.find((each) => each.interface === INTERFACE && each.role === "peers");
  const [relation] = endpoint ? await ctx.relations(endpoint.name) : [];
  return relation && new RollingLock(ctx, relation);
}

/** The leader hands the lock on. Does nothing on other units. */
export async function grantLock(ctx: Context, relation: Relation): Promise<void> {
  if (!await ctx.isLeader()) return;
  const others = await relation.units();
  const own = { name: ctx.unit, data: await relation.local.get() };
  const units = [own, ...others].sort((a, b) => compareUnits(a.name, b.name));
  const wishes: Wish[] = units.map(({ name, data }) => ({ unit: name, state: wishOf(data) }));
  const changes = nextGrants(wishes, readGrants(await relation.localApp.get()));
  relation.localApp.set(Object.fromEntries(changes));
}

function wishOf({ state }: BagData): Wish["state"] {
  return state === "acquire" || state === "release" ? state : undefined;
}

/** Keys of other kinds than a unit's stay. */
function readGrants(bag: BagData): ReadonlyMap<string, Grant> {
  const grants = Object.entries(bag).filter(([unit, value]) =>
    unit.includes("/") && (value === "granted" || value === "idle")
  );
  return new Map(grants as [string, Grant][]);
}

const onRelation: RelationHandler = async (ctx, relation) => {
  await grantLock(ctx, relation);
  return done;
};

const onHook: HookHandler<LifecycleEvent> = async (ctx) => {
  for (const relation of await ctx.relations()) await grantLock(ctx, relation);
  return done;
};

/** The interface's definition: the leader's part. Who wants the lock uses {@linkcode rollingLock}. */
export const rollingOpPeers = defineInterface({
  name: INTERFACE,
  role: "peers",
  on: { changed: onRelation, departed: onRelation },
  lifecycle: { leaderElected: onHook, updateStatus: onHook },
});
