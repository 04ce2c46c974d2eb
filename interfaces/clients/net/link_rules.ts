/**
 * Whether links are as they should be.
 *
 * @module
 */
import type { BondFacts, BondMember } from "./bond_file.ts";
import { type LinkFacts, listLinks, readLinks } from "./link.ts";
import type { CheckResult } from "./result.ts";
import { wholeNumber } from "./validate.ts";

/** Bit 0 of a port state: the port speaks LACP without being asked. */
const LACP_ACTIVITY = 1;

/** What links must be like. */
export interface LinkRules {
  /** Every link's MTU; 0 or absent for any. */
  readonly requiredMtu?: number;
  /** The switches are in LACP passive mode: the activity of the ports may differ. */
  readonly lacpPassiveMode?: boolean;
}

/**
 * Checks links: present, up, of the required MTU, and of a bond every member and its LACP partner.
 *
 * @param names of interfaces, or `AUTO` for every bond of the machine
 * @throws {InputError} for a name that no interface can have
 * @throws {ProgramMissingError | ForbiddenError}
 */
export async function checkLinks(
  names: readonly string[] | "AUTO",
  rules: LinkRules = {},
): Promise<CheckResult<LinkFacts>[]> {
  const requiredMtu = wholeNumber("requiredMtu", rules.requiredMtu ?? 0, 0, 65_535);
  const links = await readLinks(names === "AUTO" ? (await listLinks()).bonds : names);
  return links.map((link) => {
    const reason = judgeLink(link, { ...rules, requiredMtu });
    const base = { check: "link", target: link.name, measurements: link };
    return reason === undefined ? { ...base, ok: true } : { ...base, ok: false, reason };
  });
}

/** @returns what is wrong with a link; undefined when nothing is */
export function judgeLink(
  link: LinkFacts,
  { requiredMtu = 0, lacpPassiveMode = false }: LinkRules,
): string | undefined {
  if (!link.present) return "missing";
  if (link.carrier !== true || !(link.state === "up" || link.state === "unknown")) return link.state ?? "down";
  if (requiredMtu > 0 && link.mtu !== requiredMtu) return `MTU ${link.mtu}, not ${requiredMtu}`;
  return link.bond === null ? undefined : judgeBond(link.bond, lacpPassiveMode);
}

function judgeBond(bond: BondFacts, lacpPassiveMode: boolean): string | undefined {
  if (bond.miiStatus !== "up") return `bond ${bond.miiStatus}`;
  if (bond.members.length === 0) return "no members";
  const down = bond.members.find(({ miiStatus }) => miiStatus !== "up");
  if (down !== undefined) return `${down.name} ${down.miiStatus}`;
  if (bond.mode !== "802.3ad") return undefined;
  if (bond.partnerMac === null) return "no LACP partner";
  const elsewhere = bond.members.find(({ aggregatorId }) => aggregatorId !== bond.aggregatorId);
  if (elsewhere !== undefined) {
    return `${elsewhere.name} in aggregator ${elsewhere.aggregatorId}, not ${bond.aggregatorId}`;
  }
  const differing = bond.members.find((member) => !statesAgree(member, lacpPassiveMode));
  return differing === undefined
    ? undefined
    : `${differing.name} LACP port state ${differing.actorState}, partner's ${differing.partnerState}`;
}

function statesAgree({ actorState, partnerState }: BondMember, lacpPassiveMode: boolean): boolean {
  if (actorState === null || partnerState === null) return true;
  const differing = actorState ^ partnerState;
  return (lacpPassiveMode ? differing & ~LACP_ACTIVITY : differing) === 0;
}
