/**
 * What a unit does next, from what is known without asking etcd, and what its view of the cluster then means.
 *
 * @module
 */
import type { Member } from "../../clients/etcd/members.ts";
import { isServing, origin, type View, voters } from "./cluster.ts";
import type { Belongs } from "./member_service.ts";
import { type ClusterRecord, memberName, type UnitReport } from "./record.ts";
import { TEXT } from "./texts.ts";

/** What is known without asking etcd. */
export interface Facts {
  readonly unit: string;
  readonly isLeader: boolean;
  readonly record: ClusterRecord | undefined;
  /** Reports of the other units that are there. */
  readonly others: readonly UnitReport[];
  /** Whether Juju has a unit of the record's first name, this one included. */
  readonly firstIsThere: boolean;
  /** Whether every other unit that Juju has can be seen here. */
  readonly seesAll: boolean;
  readonly own: {
    /** The member has been healthy with the data that ought to be here. */
    readonly started: boolean;
    readonly hasData: boolean;
    readonly belongs: Belongs | undefined;
    /** Token of the cluster that this unit has known to serve. */
    readonly knows: string | undefined;
  };
}

/** What to do: `run` keeps the member running and looks after it. */
export type Step =
  | { readonly kind: "claim" }
  | { readonly kind: "announce"; readonly generation: number }
  | { readonly kind: "bootstrap"; readonly setAside: boolean }
  | { readonly kind: "join"; readonly setAside: boolean }
  | { readonly kind: "run" }
  | { readonly kind: "wait"; readonly why: string }
  | { readonly kind: "block"; readonly why: string };

/** The next step of a unit. */
export function decide({ unit, isLeader, record, others, firstIsThere, seesAll, own }: Facts): Step {
  if (!record) return isLeader ? { kind: "claim" } : { kind: "wait", why: TEXT.noRecord };
  const newest = Math.max(
    own.hasData && own.belongs?.token === record.token ? own.belongs.generation : 0,
    ...others.map(({ generation }) => generation),
  );
  // A restore that was cut short has new data and no word of it yet.
  if (isLeader && newest > record.generation) return { kind: "announce", generation: newest };
  // Data without a word to whom it belongs is this unit's own when that has run a member.
  const isForeign = own.hasData && (own.belongs ? own.belongs.token !== record.token : !own.started);
  const isObsolete = own.hasData && !isForeign && own.belongs !== undefined &&
    own.belongs.generation < record.generation;
  if (own.hasData && !isForeign && !isObsolete) return { kind: "run" };

  if (others.some(({ started, generation }) => started && generation >= record.generation)) {
    return { kind: "join", setAside: isForeign };
  }
  if (own.started && !isObsolete) return { kind: "block", why: TEXT.lostAlone };
  const isKnown = [own, ...others].some(({ knows }) => knows === record.token);
  if (record.first === unit && record.generation === 0) {
    return isKnown ? { kind: "block", why: TEXT.lostAlone } : { kind: "bootstrap", setAside: isForeign };
  }
  if (!firstIsThere && seesAll && isKnown) return { kind: "block", why: TEXT.dataGone(record.first) };
  if (!firstIsThere && seesAll && isLeader) return { kind: "claim" };
  return { kind: "wait", why: TEXT.noFirst };
}

/** What the view says about the own member. */
export interface Standing {
  readonly member: Member | undefined;
  /** Others have a quorum and this member is not among theirs. */
  readonly isRemoved: boolean;
  readonly serves: boolean;
}

/** Finds the own member in a view. @param memberId as the member said itself; undefined when it does not answer */
export function standing(
  view: View,
  own: { readonly name: string; readonly memberId: string | undefined; readonly peerUrl: string },
): Standing {
  const member = own.memberId === undefined
    ? view.members.find(({ name, peerUrls }) => name === own.name || peerUrls.includes(own.peerUrl))
    : view.members.find(({ id }) => id === own.memberId);
  return { member, isRemoved: view.isSure && !member, serves: member !== undefined && isServing(view, member) };
}

/**
 * The own member's id: what its server tells, unless that is the server of a member with another name.
 *
 * @param told by the server at the own URL; undefined when none answers
 * @param remembered from an earlier hook: the member may have joined anew since
 */
export function ownId(
  members: readonly Member[],
  ownName: string,
  told: string | undefined,
  remembered: string | undefined,
): string | undefined {
  if (told === undefined) return remembered;
  const name = members.find(({ id }) => id === told)?.name ?? "";
  return name === "" || name === ownName ? told : remembered;
}

/**
 * The members that keep one that serves from leaving: without it, those that vote and serve would be no majority. etcd
 * itself refuses only when it has missed them for a while.
 */
export function neededFor(view: View, leaving: string): readonly string[] {
  const rest = voters(view.members).filter(({ id }) => id !== leaving);
  const silent = rest.filter((member) => !isServing(view, member));
  return silent.length * 2 < rest.length ? [] : silent.map(shownName);
}

/** The learner that has to vote before a member may leave, because that is the only one that does. */
export function mustPromote(members: readonly Member[], leaving: string): Member | undefined {
  const others = members.filter(({ id }) => id !== leaving);
  return others.some(({ isLearner }) => !isLearner) ? undefined : others[0];
}

/** What members of units that departed are to be removed. */
export function leftovers(
  members: readonly Member[],
  departed: readonly UnitReport[],
  present: readonly Pick<UnitReport, "peerUrl">[],
): readonly Member[] {
  const taken = new Set(present.map(({ peerUrl }) => peerUrl));
  return members.filter(({ id, name, peerUrls }) =>
    departed.some((unit) => {
      if (unit.memberId === id) return true;
      if (name !== "") return name === memberName(unit.unit);
      // It never started: only its URL tells whose it is, and a new unit may have the address now.
      return unit.peerUrl !== undefined && peerUrls.includes(unit.peerUrl) && !taken.has(unit.peerUrl);
    })
  );
}

/** How the cluster is, for the status: `healthy` when every member serves. */
export function condition(view: View): { readonly healthy: boolean; readonly text: string } {
  const { members } = view;
  const namesBut = (urls: readonly string[]) =>
    members.filter(({ clientUrls }) => !clientUrls.some((url) => urls.includes(origin(url)))).map(shownName).sort();
  const silent = namesBut(view.serving);
  if (silent.length === 0 && view.alarmed.length === 0) return { healthy: true, text: TEXT.healthy(members.length) };
  if (silent.length === 0) {
    const alarmed = members.filter(({ clientUrls }) => clientUrls.some((url) => view.alarmed.includes(origin(url))));
    return { healthy: false, text: TEXT.unhealthy(members.length, TEXT.alarmed(alarmed.map(shownName).sort())) };
  }
  const voting = voters(members);
  const serving = voting.filter((member) => isServing(view, member)).length;
  const why = serving * 2 > voting.length ? TEXT.unwell(silent) : TEXT.noQuorum(namesBut(view.answering));
  return { healthy: false, text: TEXT.unhealthy(members.length, why) };
}

/** Connection string for clients: the client URLs of all members that have started and vote. */
export function connectionString(members: readonly Member[]): string {
  const urls = voters(members).filter(({ name }) => name !== "").flatMap(({ clientUrls }) => clientUrls);
  return [...new Set(urls.map(origin))].sort().join(",");
}

/** Which members have to be well before one is added; empty when it may be. */
export function unwell(view: View): readonly string[] {
  return view.members.filter((member) => !isServing(view, member)).map(shownName);
}

function shownName({ name, peerUrls }: Member): string {
  return name || peerUrls.join(",");
}
