/**
 * What every hook looks at after its own handlers: is this unit's Patroni as it should be? A settled unit contacts nobody.
 *
 * @module
 */
import { blocked, done, type Outcome } from "../../hooks/outcome.ts";
import { startFirstMember } from "./bootstrap.ts";
import { ensureAuthority } from "./identity.ts";
import { greetClients } from "./juju_side.ts";
import { stopIfMoved } from "./moved.ts";
import { hasClusterInitialised } from "./nodes/has_cluster_initialised.ts";
import { isPartOfCluster } from "./nodes/is_part_of_cluster.ts";
import { updateConfig } from "./nodes/update_config.ts";
import type { RealWorld } from "./open_world.ts";
import { ensurePasswords } from "./passwords.ts";
import { restartInTurn } from "./restart.ts";
import { TEXTS } from "./texts.ts";

/** Hooks of units that are not set up yet, or are being taken down. */
const QUIET: readonly string[] = ["install", "leader-elected", "stop", "remove"];

/** Keeps this unit's Patroni as it should be. */
export async function reconcile(world: RealWorld): Promise<Outcome> {
  const { ctx, juju, options, relation } = world;
  const { event } = ctx;
  if (QUIET.includes(event.name) || event.kind === "storage") return done;
  const leads = await juju.isLeader();
  // Passwords first commit, then make a cluster: one with passwords that nobody knows would be lost.
  if (leads && await ensurePasswords(ctx, relation, (await juju.application()).initialised)) return done;
  if (leads && options.tls) await ensureAuthority(ctx, relation);
  if (!await hasClusterInitialised(world)) {
    if (leads) return await startFirstMember(world);
    juju.setStatus("waiting", TEXTS.notInitialised(world.since));
    return done;
  }
  if (leads) await greetClients(ctx);
  if (!await isPartOfCluster(world)) {
    await stopIfMoved(ctx, world.place, (await juju.self()).address);
    juju.setStatus("waiting", TEXTS.notListed);
    return done;
  }
  const isOwnEvent = event.kind === "relation" && event.endpoint.name === relation.endpoint.name;
  // The flowchart has just done it.
  const applied = isOwnEvent && event.phase === "changed" ? undefined : await updateConfig(world);
  if (applied?.kind === "blocked") return blocked(applied.why);
  if (applied?.kind === "failed") juju.setStatus("maintenance", TEXTS.notApplied(applied.why));
  const undone = await undoPasswordChange(world);
  const restarted = await restartInTurn(world);
  return await dataDirectoryMoved(world) ?? undone ?? restarted;
}

/** An action that was killed may have changed a password that nobody kept. */
async function undoPasswordChange(world: RealWorld): Promise<Outcome | undefined> {
  try {
    await Deno.lstat(world.place.passwordChange);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  return await (await import("./password_change.ts")).undoPasswordChange(world);
}

/** The data stays where it is, and everything else goes on. */
async function dataDirectoryMoved({ ctx, options }: RealWorld): Promise<Outcome | undefined> {
  const wanted = ctx.charm.config["data-directory"] ? (await ctx.config()).string("data-directory") : undefined;
  return wanted === undefined || wanted === options.dataDirectory
    ? undefined
    : blocked(TEXTS.moved(options.dataDirectory));
}
