/**
 * Reads /proc/net/bonding/*, as Linux' drivers/net/bonding/bond_procfs.c writes it.
 *
 * @module
 */

/** What the kernel says of a bond. */
export interface BondFacts {
  /** As `modprobe bonding mode=` names it, such as `802.3ad` or `active-backup`. */
  readonly mode: string;
  readonly miiStatus: string;
  /** The member that carries the traffic, in modes that have one. */
  readonly activeMember: string | null;
  /** 802.3ad only; null without, and for a partner that has not answered. */
  readonly aggregatorId: number | null;
  readonly partnerMac: string | null;
  readonly members: readonly BondMember[];
}

/** What the kernel says of one member of a bond. */
export interface BondMember {
  readonly name: string;
  readonly miiStatus: string;
  readonly speedMbit: number | null;
  readonly linkFailures: number;
  /** 802.3ad only. The port states (IEEE 802.1AX, bit 0 is LACP activity) are shown to root alone. */
  readonly aggregatorId: number | null;
  readonly actorState: number | null;
  readonly partnerState: number | null;
}

const MODES: readonly (readonly [RegExp, string])[] = [
  [/802\.3ad/, "802.3ad"],
  [/active-backup/, "active-backup"],
  [/round-robin/, "balance-rr"],
  [/\(xor\)/, "balance-xor"],
  [/broadcast/, "broadcast"],
  [/transmit load balancing/, "balance-tlb"],
  [/adaptive load balancing/, "balance-alb"],
];

const NO_PARTNER = "00:00:00:00:00:00";

/** @returns undefined when the text is no description of a bond */
export function readBondFile(text: string): BondFacts | undefined {
  const [head = "", ...members] = text.split(/^(?=Slave Interface: )/m);
  const modeText = value(head, "Bonding Mode");
  if (modeText === undefined) return undefined;
  const active = value(head, "Currently Active Slave");
  const partner = value(head, "Partner Mac Address")?.toLowerCase();
  return {
    mode: MODES.find(([pattern]) => pattern.test(modeText))?.[1] ?? modeText,
    miiStatus: value(head, "MII Status") ?? "unknown",
    activeMember: active === undefined || active === "None" ? null : active,
    aggregatorId: number(head, "Aggregator ID"),
    partnerMac: partner === undefined || partner === NO_PARTNER ? null : partner,
    members: members.map(readMember),
  };
}

function readMember(text: string): BondMember {
  const [own = "", partner = ""] = text.split(/^details partner lacp pdu:/m);
  return {
    name: value(own, "Slave Interface") ?? "",
    miiStatus: value(own, "MII Status") ?? "unknown",
    speedMbit: number(own, "Speed"),
    linkFailures: number(own, "Link Failure Count") ?? 0,
    aggregatorId: number(own, "Aggregator ID"),
    actorState: number(own, "port state"),
    partnerState: number(partner, "port state"),
  };
}

function value(text: string, key: string): string | undefined {
  return new RegExp(`^\\s*${key}: *(.*?)\\s*$`, "m").exec(text)?.[1];
}

function number(text: string, key: string): number | null {
  const digits = /^\d+/.exec(value(text, key) ?? "")?.[0];
  return digits === undefined ? null : Number(digits);
}
