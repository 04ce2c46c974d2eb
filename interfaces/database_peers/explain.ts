/**
 * `--explain`: which way a hook of the peer relation would take now, and why. The flowcharts themselves run, over a world
 * in which nothing is changed.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Outcome } from "../../hooks/outcome.ts";
import type { ApplicationBag } from "./bags.ts";
import { peersChanged } from "./changed.ts";
import { peersDeparted } from "./departed.ts";
import { openWorld, type RealWorld } from "./open_world.ts";
import type { World } from "./world.ts";

/**
 * The nodes of the flowchart in the order in which they would be visited, each with its answer.
 *
 * @param slot such as `changed`; empty for those without a flowchart
 */
export async function explainPeers(ctx: Context, slot: string): Promise<readonly string[]> {
  if (slot !== "changed" && slot !== "departed") return [];
  const world = await openWorld(ctx, { changes: false });
  if (!world) return ["the peer relation is not there yet"];
  const lines: string[] = [];
  const looking = onlyLooking(world, (line) => lines.push(line));
  try {
    const outcome = slot === "changed"
      ? await peersChanged(looking)
      : await peersDeparted(looking, "departingUnit" in ctx.event ? ctx.event.departingUnit : undefined);
    lines.push(describe(outcome));
  } catch (error) {
    lines.push(`stops: ${error instanceof Error ? error.message : error}`);
  }
  return lines;
}

/** The world with its writes taken out; the list of members changes for the rest of the explanation only. */
export function onlyLooking(world: RealWorld, print: (line: string) => void): World {
  const { application, substrate, port, staleAfterMs, since, juju, patroni, machine } = world;
  let pending: readonly string[] | undefined;
  const nothing = async () => {};
  return {
    ...{ application, substrate, port, staleAfterMs, since },
    note: (node, answer) => print(`${node} ${answer}`),
    juju: {
      ...juju,
      application: async (): Promise<ApplicationBag> => {
        const bag = await juju.application();
        return pending ? { ...bag, members: pending } : bag;
      },
      setMembers: (members) => void (pending = members),
      setInitialised: () => {},
      markRunning: nothing,
      setStatus: (level, text) => print(`status: ${level}${text === "" ? "" : `: ${text}`}`),
      publishReadOnly: nothing,
      markTls: () => {},
      requestRestart: () => Promise.resolve(true),
    },
    patroni: { ...patroni, setSynchronous: () => Promise.resolve(true) },
    machine: {
      ...machine,
      applyConfig: () => Promise.resolve({ kind: "unchanged" }),
      reload: nothing,
      labelPod: () => Promise.resolve(undefined),
      forgetMember: nothing,
      removeRaftPartner: () => Promise.resolve(true),
    },
  };
}

function describe(outcome: Outcome): string {
  switch (outcome.kind) {
    case "done":
      return "return";
    case "deferred":
      return `return, deferred: ${outcome.reason}`;
    case "blocked":
      return `return, blocked: ${outcome.message}`;
  }
}
