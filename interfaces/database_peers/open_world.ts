/**
 * Opens the world for a handler or an action.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Relation } from "../../hooks/relation.ts";
import { isKubernetes } from "../clients/kubernetes/client.ts";
import { readApplicationBag } from "./bags.ts";
import { type Budget, hookBudget } from "./budget.ts";
import { authorityOf } from "./identity.ts";
import { jujuSide, othersOf, selfOf } from "./juju_side.ts";
import { readKept } from "./kept.ts";
import { machineSide } from "./machine_side.ts";
import type { Substrate } from "./names.ts";
import { type Options, readOptions } from "./options.ts";
import { type Passwords, readPasswords } from "./passwords.ts";
import { patroniSide, type RealPatroni } from "./patroni_side.ts";
import { type Place, placeOf } from "./place.ts";
import type { World } from "./world.ts";

/** The world with what lifecycle handlers and actions need beyond the flowcharts. */
export interface RealWorld extends World {
  readonly ctx: Context;
  readonly relation: Relation;
  readonly options: Options;
  readonly place: Place;
  readonly passwords: Passwords | undefined;
  readonly patroni: RealPatroni;
  readonly budget: Budget;
}

/**
 * Opens the world; nothing is sent to any server.
 *
 * @param options.changes false for who only looks: no certificate is made or forgotten
 * @param options.budget how long servers are waited for; a hook's without it
 * @returns undefined while the peer relation is not there
 * @throws {OptionError} when an option cannot be used
 */
export async function openWorld(
  ctx: Context,
  { changes = true, budget = hookBudget() }: { readonly changes?: boolean; readonly budget?: Budget } = {},
): Promise<RealWorld | undefined> {
  const [relation] = await ctx.relations();
  if (!relation) return undefined;
  const substrate: Substrate = await isKubernetes() ? "kubernetes" : "machine";
  const given = await readOptions(ctx);
  const moved = readKept(ctx.stored).dataDirectory;
  const options = moved === "" ? given : { ...given, dataDirectory: moved };
  const place = placeOf(options.dataDirectory, ctx.unit);
  const self = await selfOf(ctx, relation, substrate);
  const others = await othersOf(ctx, relation, substrate);
  const passwords = await readPasswords(ctx, relation);
  const authority = await authorityOf(ctx, relation);
  const members = async () => readApplicationBag(await relation.localApp.get(), substrate).members;
  const patroni = patroniSide({ self, others, members, options, authority, passwords, budget });
  return {
    ctx,
    relation,
    options,
    place,
    passwords,
    patroni,
    budget,
    application: ctx.application,
    substrate,
    port: options.port,
    staleAfterMs: (options.ttl + options.loopWait) * 1000,
    since: ctx.deferral?.firstSeen ?? ctx.now(),
    juju: jujuSide(ctx, relation, substrate),
    machine: machineSide({ ctx, relation, substrate, self, options, passwords, place, patroni, budget, changes }),
    note: (node, answer) => ctx.log.debug(`${node} ${answer}`),
  };
}
