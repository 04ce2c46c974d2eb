/**
 * What is done to clusters, as named steps in order, and the rules that every order has to keep. Each rule was learnt by
 * breaking it on real servers. Nothing here talks to a server.
 *
 * @module
 */

/** One change. Each looks first, so that a plan may be begun again after any of them. */
export type Act =
  /** A new primary of the cluster does not open itself. */
  | "forbid opening"
  /** The primary takes no writes of anybody. */
  | "close"
  /** The replica has executed everything that the other cluster has. */
  | "catch up"
  /** The replica gets nothing more, and has executed what it got. */
  | "stop channel"
  /** The primary takes writes of administrators only. */
  | "unlock"
  | "record"
  /** A new primary opens itself again. */
  | "allow opening"
  /** The primary takes everybody's writes. */
  | "open"
  | "end failover"
  | "forget sources"
  | "drop channel on secondaries"
  | "drop channel on primary"
  | "channel on secondaries"
  | "channel on primary"
  | "add sources"
  | "start channel"
  | "leave group";

/** Which cluster of an operation a step is done to: `old` and `new` primary of a promotion, else the `replica`. */
export type Side = "old" | "new" | "replica";

/** An act and the cluster it is done to. */
export interface Step {
  readonly on: Side;
  readonly act: Act;
}

/** What has to come first, where both are done. */
export interface OrderRule {
  readonly name: string;
  readonly first: Act;
  readonly then: Act;
  /** Whether the rule holds between different clusters; else within one. */
  readonly across?: readonly [first: Side, then: Side];
}

/** The rules, by name. */
export const ORDER_RULES: readonly OrderRule[] = [
  // Else the secondaries without the channel leave their group in state ERROR.
  {
    name: "the channel is on all secondaries before the primary gets its failover option",
    first: "channel on secondaries",
    then: "channel on primary",
  },
  // Else the server refuses to change the action (1123).
  { name: "opening is forbidden before the primary is read-only", first: "forbid opening", then: "close" },
  { name: "the primary is unlocked before opening is allowed", first: "unlock", then: "allow opening" },
  // Else the group opens a primary that the record does not know.
  { name: "the roles are recorded before clients may write", first: "record", then: "open" },
  { name: "the roles are recorded before an election can open a primary", first: "record", then: "allow opening" },
  { name: "the channel is on the primary before it gets sources", first: "channel on primary", then: "add sources" },
  { name: "the sources are known before the channel starts", first: "add sources", then: "start channel" },
  { name: "the channel is stopped before it is changed", first: "stop channel", then: "end failover" },
  { name: "failover ends before the sources are forgotten", first: "end failover", then: "forget sources" },
  {
    name: "the sources are forgotten before the channel",
    first: "forget sources",
    then: "drop channel on secondaries",
  },
  {
    name: "secondaries drop the channel before the primary",
    first: "drop channel on secondaries",
    then: "drop channel on primary",
  },
  { name: "the channel is dropped before the group ends", first: "drop channel on primary", then: "leave group" },
  { name: "a replica catches up before its channel is stopped", first: "catch up", then: "stop channel" },
  {
    name: "the old primary is closed before the new one catches up",
    first: "close",
    then: "catch up",
    across: ["old", "new"],
  },
  {
    name: "the old primary is closed before the new one opens",
    first: "close",
    then: "unlock",
    across: ["old", "new"],
  },
  { name: "the channel is stopped before the new primary is unlocked", first: "stop channel", then: "unlock" },
  {
    name: "the new primary has no channel before the old one follows it",
    first: "drop channel on primary",
    then: "start channel",
    across: ["new", "old"],
  },
];

/** Names of the rules that an order breaks. What has been done first may be done again. */
export function violations(steps: readonly Step[]): string[] {
  return ORDER_RULES.filter((rule) => steps.some((step, index) => isTooEarly(rule, step, index, steps)))
    .map(({ name }) => name);
}

function isTooEarly({ first, then, across }: OrderRule, step: Step, index: number, steps: readonly Step[]): boolean {
  if (step.act !== then || (across !== undefined && step.on !== across[1])) return false;
  const isFirst = ({ on, act }: Step) => act === first && on === (across?.[0] ?? step.on);
  return steps.slice(index + 1).some(isFirst) && !steps.slice(0, index).some(isFirst);
}

const ATTACH: readonly Act[] = ["channel on secondaries", "channel on primary", "add sources", "start channel"];
const DETACH: readonly Act[] = [
  "end failover",
  "forget sources",
  "drop channel on secondaries",
  "drop channel on primary",
];
const OPEN: readonly Act[] = ["unlock", "record", "allow opening", "open"];

/** A cluster takes no writes any more, over elections. */
export function planFence(on: Side): Step[] {
  return steps(on, ["forbid opening", "close"]);
}

/** A closed cluster takes writes again. */
export function planOpen(on: Side): Step[] {
  return steps(on, ["unlock", "allow opening", "open"]);
}

/** A running cluster that is closed follows another. */
export function planAttach(on: Side): Step[] {
  return steps(on, ["stop channel", ...ATTACH]);
}

/** A replica follows nobody any more. */
export function planDetach(on: Side): Step[] {
  return steps(on, ["stop channel", ...DETACH]);
}

/** A replica leaves the set: its cluster ends. */
export function planRemove({ caughtUp }: { readonly caughtUp: boolean }): Step[] {
  return steps("replica", [...caughtUp ? ["catch up" as const] : [], "stop channel", ...DETACH, "leave group"]);
}

/**
 * A replica becomes the primary, as far as nobody can write at both: what can be undone, and what opens it.
 *
 * @param facts.closeOld whether the old primary can be reached
 * @param facts.follow whether it has to have executed everything first, as without force
 */
export function planTakeOver(
  { closeOld, follow }: { readonly closeOld: boolean; readonly follow: boolean },
): { readonly prepare: readonly Step[]; readonly open: readonly Step[] } {
  return {
    prepare: [
      ...closeOld ? planFence("old") : [],
      ...steps("new", [...follow ? ["catch up" as const] : [], "stop channel"]),
    ],
    open: steps("new", OPEN),
  };
}

function steps(on: Side, acts: readonly Act[]): Step[] {
  return acts.map((act) => ({ on, act }));
}
