/**
 * What the actions of charms that check the network share: which peers are meant, and how results are told.
 *
 * @module
 */
import type { ActionContext } from "../hooks/action_context.ts";
import type { ActionResults, InterfaceSide } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { ClientError } from "../interfaces/clients/errors.ts";
import type { CheckResult } from "../interfaces/clients/net/result.ts";
import { summarise } from "../interfaces/clients/net/summary.ts";
import { type Endpoint, endpointOf } from "../interfaces/endpoints.ts";
import { ownAddresses } from "../interfaces/magpie/own.ts";
import { magpiePeers, type Node } from "../interfaces/magpie/peers.ts";
import { type SortedPeers, sortPeers } from "../interfaces/magpie/targets.ts";
import { TEXT } from "../interfaces/magpie/texts.ts";

/** Charms whose units check the network between each other have these actions. */
export const MAGPIE: InterfaceSide = { interface: "magpie", role: "peers" };

/** The endpoint of the peers, `magpie` or `magpie2`. */
export function endpointOfPeers(ctx: ActionContext): Endpoint {
  return ctx.endpoint ?? endpointOf(ctx, ["magpie", "magpie2"], "peers");
}

/** Peers that an action is about. */
export interface ChosenPeers extends SortedPeers {
  readonly nodes: readonly Node[];
  readonly own: readonly string[];
}

/**
 * The peers that the parameter `units` names; all of them without it.
 *
 * @param ctx the action's; its parameter is a list of names with blanks or commas between
 * @param cidr prefer an address in this network
 * @throws {ActionFailed} when there are no peers, or no peer has a name
 */
export async function choosePeers(ctx: ActionContext, cidr = ""): Promise<ChosenPeers> {
  const endpoint = endpointOfPeers(ctx);
  const all = await magpiePeers(ctx, endpoint.name).getNodes(cidr);
  if (all.length === 0) throw new ActionFailed(TEXT.addPeers);
  const names = new Set((ctx.params.string("units") ?? "").split(/[\s,]+/).filter((name) => name !== ""));
  const nodes = names.size === 0 ? all : all.filter(({ unit }) => names.has(unit));
  const unknown = [...names].filter((name) => !all.some(({ unit }) => unit === name));
  if (unknown.length > 0) throw new ActionFailed(TEXT.unknownUnits(unknown, all.map(({ unit }) => unit)));
  const own = await ownAddresses(ctx, endpoint);
  return { ...sortPeers(nodes, own), nodes, own };
}

/**
 * Runs checks whose options come from the action's parameters.
 *
 * @throws {ActionFailed} in the words of what keeps a check from running
 */
export async function orFail<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof ClientError ? new ActionFailed(error.message) : error;
  }
}

/**
 * Tells results: a line, what failed, each unit's own line, and everything as JSON. The action fails with the line when
 * a check does.
 *
 * @param about of each unit, what its line says when nothing is wrong with it; `ok` without
 */
export function tell(
  ctx: ActionContext,
  results: readonly CheckResult<unknown>[],
  peers: number,
  about: ReadonlyMap<string, string> = new Map(),
): ActionResults {
  const { ok, line } = summarise(results, peers);
  const failed = results.filter((result) => !result.ok);
  const names = [...new Set(results.map(({ target }) => target))];
  const lineOf = (name: string) =>
    failed.filter(({ target }) => target === name).map(({ check, reason }) => `${check}: ${reason}`).join("; ") ||
    (about.get(name) ?? "ok");
  if (!ok) ctx.fail(line);
  return {
    summary: line,
    peers,
    failed: [...new Set(failed.map(({ target }) => target))].join(" "),
    units: Object.fromEntries(names.map((name) => [keyOf(name), lineOf(name)])),
    output: JSON.stringify(results),
  };
}

/** A unit's or link's name as a part of a result's key. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-|-$/g, "") || "unnamed";
}
