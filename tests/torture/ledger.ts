/**
 * What every hook of every tortured charm notes, so that a commit that is not whole shows.
 *
 * @module
 */
import { livingRelations } from "../../interfaces/endpoints.ts";
import { type Context, done, type Outcome } from "../../mod.ts";

/** Key of the stored serial number of the last hook, and of its port. */
export const LEDGER = "torture:ledger";
/** Key in every databag of the application: the unit that wrote it. */
export const LED_BY = "led-by";
/** Ports from here on are serial numbers. */
export const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** The port that stands for a serial number. */
export function portOf(serial: number): string {
  return `${FIRST_PORT + serial % PORTS}/tcp`;
}

/** Counts the hook in the stored state and in the open ports; the leader signs every databag of the application. */
export async function keepLedger(ctx: Context): Promise<Outcome> {
  const stored = ctx.storedAs(LEDGER);
  const serial = stored.get(0, Number);
  if (serial > 0) ctx.closePort(portOf(serial));
  ctx.openPort(portOf(serial + 1));
  stored.set(serial + 1);
  if (!await ctx.isLeader()) return done;
  for (const endpoint of ctx.charm.endpoints) {
    for (const relation of await livingRelations(ctx, endpoint)) relation.localApp.set({ [LED_BY]: ctx.unit });
  }
  return done;
}
