/**
 * The generation of the cluster's data: a restore begins a new one, and members with data of an older one join anew.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { writeMarker } from "./member_service.ts";
import { readMemory } from "./memory.ts";
import { pathsOf } from "./place.ts";
import { readRecord, writeRecord } from "./record.ts";
import { TEXT } from "./texts.ts";

/**
 * Declares the own data to be the cluster's from now on. The other units then delete theirs and join.
 *
 * @returns the new generation
 * @throws {ValueError} on a unit that does not lead, or is not set up
 */
export async function beginGeneration(ctx: Context): Promise<number> {
  if (!await ctx.isLeader()) throw new ValueError(TEXT.leaderOnly);
  const [peers] = await ctx.relations();
  const record = peers && readRecord(await peers.localApp.get());
  const { dataDirectory } = readMemory(ctx);
  if (!peers || !record || dataDirectory === undefined) throw new ValueError(TEXT.notSetUp);
  const generation = record.generation + 1;
  // The data says so first: a hook that finds only this tells the others.
  await writeMarker(pathsOf(ctx.unit, dataDirectory), { ...record, generation });
  peers.localApp.set(writeRecord({ ...record, generation }));
  // The others join who has the data of the new generation.
  peers.local.set({ generation: String(generation) });
  const { memberId: _old, settled: _settled, ...rest } = readMemory(ctx);
  ctx.stored.set({ ...rest, started: true });
  return generation;
}
