/**
 * Which peers joined and which departed, each until the charm dismisses it. Each list is one flag: it is set while the
 * list has anyone. Kept with the endpoint, so that dismissing works in any later hook.
 *
 * @module
 */
import type { Context } from "../hooks/context.ts";
import type { InterfaceDefinition } from "../hooks/definition.ts";
import { NotFoundError } from "../hooks/errors.ts";
import type { RelationEvent } from "../hooks/event.ts";
import { done } from "../hooks/outcome.ts";
import type { BagData } from "../hooks/relation.ts";
import { type Endpoint, livingRelations } from "./endpoints.ts";

/** A unit in one relation. */
export interface Member {
  readonly relationId: number;
  readonly unit: string;
}

/** Units by what the charm has not dismissed yet, each list in the order of the events. */
export interface Roster {
  readonly joined: readonly Member[];
  readonly departed: readonly Member[];
}

/** Flags of the two lists, without the endpoint's name. */
export interface RosterFlags {
  readonly joined: string;
  readonly departed: string;
}

/** Most departed units that are remembered; a charm that never dismisses must not fill the state. */
const MAX_DEPARTED = 500;

const EMPTY: Roster = { joined: [], departed: [] };

/** What is kept for an endpoint. */
export function readRoster(ctx: Context, endpoint: Endpoint): Roster {
  return ctx.storedAs(scopeOf(endpoint)).get(EMPTY, (value) => isRoster(value) ? value : EMPTY);
}

/** Keeps a roster and sets or clears its flags. */
export function writeRoster(ctx: Context, endpoint: Endpoint, flags: RosterFlags, roster: Roster): void {
  const departed = roster.departed.slice(-MAX_DEPARTED);
  ctx.storedAs(scopeOf(endpoint)).set({ joined: roster.joined, departed });
  ctx.flags.toggle(`${endpoint.name}.${flags.joined}`, roster.joined.length > 0);
  ctx.flags.toggle(`${endpoint.name}.${flags.departed}`, departed.length > 0);
}

/** The handlers of an interface that keeps a roster. */
export function rosterHandlers(flags: RosterFlags): Pick<InterfaceDefinition, "on" | "lifecycle"> {
  const on = (note: (ctx: Context<RelationEvent>, flags: RosterFlags) => void) => (ctx: Context<RelationEvent>) => {
    note(ctx, flags);
    return done;
  };
  return {
    on: { joined: on(noteJoined), departed: on(noteDeparted), broken: on(noteBroken) },
    lifecycle: {
      async upgradeCharm(ctx) {
        if (ctx.endpoint) await adoptMembers(ctx, ctx.endpoint, flags);
        return done;
      },
    },
  };
}

/** A unit joined: it is no longer departed. */
function noteJoined(ctx: Context<RelationEvent>, flags: RosterFlags): void {
  move(ctx, flags, "joined", "departed");
}

/** A unit departed: it is no longer joined. */
function noteDeparted(ctx: Context<RelationEvent>, flags: RosterFlags): void {
  move(ctx, flags, "departed", "joined");
}

/** A relation ended: whoever is still down as joined in it is gone. */
function noteBroken(ctx: Context<RelationEvent>, flags: RosterFlags): void {
  const { endpoint, relationId } = ctx.event;
  const roster = readRoster(ctx, endpoint);
  const joined = roster.joined.filter((member) => member.relationId !== relationId);
  if (joined.length < roster.joined.length) writeRoster(ctx, endpoint, flags, { ...roster, joined });
}

/** Forgets one of the lists. */
export function dismiss(ctx: Context, endpoint: Endpoint, flags: RosterFlags, list: keyof Roster): void {
  writeRoster(ctx, endpoint, flags, { ...readRoster(ctx, endpoint), [list]: [] });
}

/**
 * The databags of units, those that departed included; undefined where the relation is over or Juju keeps the bag no more.
 */
export async function readBags(
  ctx: Context,
  endpoint: Endpoint,
  members: readonly Member[],
): Promise<(readonly [Member, BagData | undefined])[]> {
  if (members.length === 0) return [];
  const living = new Map((await livingRelations(ctx, endpoint)).map((relation) => [relation.id, relation]));
  return await Promise.all(members.map(async (member) => {
    try {
      return [member, await living.get(member.relationId)?.unit(member.unit)] as const;
    } catch (error) {
      if (error instanceof NotFoundError) return [member, undefined] as const;
      throw error;
    }
  }));
}

/**
 * Takes over the members of the relations when nothing is kept yet: after an upgrade from a charm of another framework,
 * for whose peers no joined hook will run again.
 */
async function adoptMembers(ctx: Context, endpoint: Endpoint, flags: RosterFlags): Promise<void> {
  const isKept = ctx.storedAs(scopeOf(endpoint)).get(false, () => true);
  if (isKept) return;
  const joined: Member[] = [];
  for (const relation of await livingRelations(ctx, endpoint)) {
    for (const unit of await relation.unitNames()) joined.push({ relationId: relation.id, unit });
  }
  if (joined.length > 0) writeRoster(ctx, endpoint, flags, { joined, departed: [] });
}

function scopeOf(endpoint: Endpoint): string {
  return `${endpoint.name}:peers`;
}

function move(ctx: Context<RelationEvent>, flags: RosterFlags, to: keyof Roster, from: keyof Roster): void {
  const { endpoint, relationId, remoteUnit } = ctx.event;
  if (remoteUnit === undefined) return;
  const roster = readRoster(ctx, endpoint);
  const isOther = (member: Member) => member.relationId !== relationId || member.unit !== remoteUnit;
  const known = roster[to].some((member) => !isOther(member));
  const list = known ? roster[to] : [...roster[to], { relationId, unit: remoteUnit }];
  const next = { ...roster, [to]: list, [from]: roster[from].filter(isOther) };
  writeRoster(ctx, endpoint, flags, next);
}

function isRoster(value: unknown): value is Roster {
  const { joined, departed } = (value ?? {}) as Record<string, unknown>;
  return isMembers(joined) && isMembers(departed);
}

function isMembers(value: unknown): value is Member[] {
  return Array.isArray(value) && value.every((each) => {
    const { relationId, unit } = (each ?? {}) as Record<string, unknown>;
    return typeof relationId === "number" && typeof unit === "string";
  });
}
