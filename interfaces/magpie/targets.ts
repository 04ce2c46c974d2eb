/**
 * Which peers can be checked. What a peer publishes is looked at here, before anything is run for it.
 *
 * @module
 */
import type { CheckResult, Target } from "../clients/net/result.ts";
import { type Family, readAddress, sameAddress } from "../clients/net/validate.ts";
import type { Node } from "./peers.ts";

/** Peers by whether they can be checked. */
export interface SortedPeers {
  readonly targets: readonly Target[];
  /** One failed result for each peer that cannot. */
  readonly unusable: readonly CheckResult<null>[];
  /** Units of one machine may reach each other by loopback addresses. */
  readonly loopback: boolean;
}

/**
 * Sorts peers.
 *
 * @param own addresses of this unit. They tell which families a peer can be reached by; none of them is a peer's. When
 * the first is a loopback address, all units are on one machine, and those of the peers may be so too.
 */
export function sortPeers(nodes: readonly Node[], own: readonly string[]): SortedPeers {
  const known = own.map((address) => readAddress(address, { loopback: true })).filter((each) => "address" in each);
  const families = new Set<Family>(known.map(({ family }) => family));
  const loopback = known[0] !== undefined && "unusable" in readAddress(known[0].address);
  const targets: Target[] = [];
  const unusable: CheckResult<null>[] = [];
  for (const { unit, address, problem = "publishes no address" } of nodes) {
    const read = address === undefined ? { unusable: problem } : readAddress(address, { loopback });
    const reason = "unusable" in read
      ? read.unusable
      : known.some((each) => sameAddress(each.address, read.address))
      ? `${read.address} is this unit's own address`
      : families.size > 0 && !families.has(read.family)
      ? `${read.address} is IPv${read.family}, this unit has IPv${[...families].join()} only`
      : undefined;
    if (reason === undefined && address !== undefined) targets.push({ name: unit, address });
    else unusable.push(unusableResult(unit, reason ?? problem));
  }
  return { targets, unusable, loopback };
}

function unusableResult(target: string, reason: string): CheckResult<null> {
  return { check: "address", target, ok: false, reason: `unusable: ${reason}`, measurements: null };
}
