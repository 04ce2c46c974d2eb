/**
 * What actions use of the unit's server and the cluster.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { ClientError } from "../../clients/errors.ts";
import { addressText, type Group, readGroup } from "../../clients/mysql/members.ts";
import type { Address } from "../../clients/mysql/status.ts";
import { peersEndpoint } from "../peers.ts";
import { readMemory } from "./memory.ts";
import { openOwn } from "./mysqld.ts";
import { readCredentials } from "./passwords.ts";
import { findPlace, pathsOf } from "./place.ts";
import { serverService } from "./program.ts";
import { gatherReports } from "./reconcile.ts";
import { readRecord } from "./record.ts";
import { askAll, bestView } from "./survey.ts";
import { TEXT } from "./texts.ts";
import type { Ward } from "./ward.ts";

/** A unit and where its server is. */
export interface UnitAddress {
  readonly unit: string;
  readonly address: Address;
}

/** The unit's server and what is known about the others. @throws {ValueError} before the unit is set up */
export async function openWard(ctx: Context): Promise<Ward> {
  const { dataDirectory, prepared } = readMemory(ctx);
  const [peers] = await ctx.relations(peersEndpoint(ctx).name);
  const record = peers && readRecord(await peers.app());
  if (dataDirectory === undefined || !prepared || !peers || !record) throw new ValueError(TEXT.notSetUp);
  const [place, service, credentials, others] = await Promise.all([
    findPlace(ctx, dataDirectory),
    serverService(ctx, pathsOf(ctx.unit, dataDirectory)),
    readCredentials(ctx, peers, record),
    gatherReports(ctx, peers),
  ]);
  if (!place || !service || !credentials) throw new ValueError(TEXT.notSetUp);
  return { ctx, peers, place, record, credentials, others, service };
}

/** All units that have said where their server is, the own one first. */
export function unitsOf({ ctx, place, others }: Ward): UnitAddress[] {
  const own = { unit: ctx.unit, address: { host: place.host, port: place.port } };
  return [own, ...others.flatMap(({ unit, address }) => address ? [{ unit, address }] : [])];
}

/**
 * The unit that a parameter means.
 *
 * @param text a unit's name, or the address of its server, with or without port where that is clear
 * @throws {ValueError} when no unit, or several, are meant
 */
export function findUnit(units: readonly UnitAddress[], text: string): UnitAddress {
  const [exact] = units.filter(({ unit, address }) => unit === text || addressText(address) === text);
  const [byHost, ...more] = units.filter(({ address }) => address.host === text);
  const found = exact ?? (more.length === 0 ? byHost : undefined);
  if (found) return found;
  throw new ValueError(TEXT.noSuchUnit(JSON.stringify(text), units.map(({ unit }) => unit)));
}

/** The group as a member sees it, the own server's view first; undefined when no server that answers is in it. */
export async function viewOfCluster(ward: Ward): Promise<Group | undefined> {
  const own = await ownView(ward);
  if (own?.quorum) return own;
  const others = await askAll(ward, ward.others);
  return bestView(own ? [...others, { unit: ward.ctx.unit, found: "member", group: own }] : others);
}

/** @returns undefined when the own server is no member */
async function ownView({ ctx, place }: Ward): Promise<Group | undefined> {
  try {
    await using own = await openOwn(place);
    const group = await readGroup(own);
    return group.self?.state === "ONLINE" ? group : undefined;
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    ctx.log.warning(error.message);
    return undefined;
  }
}
