/**
 * What every hook looks at after its own handlers: is this unit's Patroni as it should be? A settled unit contacts nobody.
 *
 * @module
 */
import { blocked, done, type Outcome } from "../../hooks/outcome.ts";
import { isThere } from "../clients/files.ts";
import { startFirstMember } from "./bootstrap.ts";
import { ensureAuthority } from "./identity.ts";
import { greetClients } from "./juju_side.ts";
import { stopIfMoved } from "./moved.ts";
import { hasClusterInitialised } from "./nodes/has_cluster_initialised.ts";
import { isPartOfCluster } from "./nodes/is_part_of_cluster.ts";
import { updateConfig } from "./nodes/update_config.ts";
import type { RealWorld } from "./open_world.ts";
import { readOptions } from "./options.ts";
import { ensurePasswords } from "./passwords.ts";
import { restartInTurn } from "./restart.ts";
import { TEXTS } from "./texts.ts";

/** Keeps this unit's Patroni as it should be. */
export async function reconcile(world: RealWorld): Promise<Outcome> {
  const { ctx, juju, options, relation } = world;
  const { event } = ctx;
  // A unit that is not set up yet, or that is being taken down.
  if (event.name === "leader-elected" || event.kind === "storage") return done;
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
  if (!await isThere(world.place.passwordChange)) return undefined;
  return await (await import("./password_change.ts")).undoPasswordChange(world);
}

/** The data stays where it is, and everything else goes on. */
export async function dataDirectoryMoved(
  { ctx, options }: Pick<RealWorld, "ctx" | "options">,
): Promise<Outcome | undefined> {
  if (ctx.charm.config["data-directory"] === undefined) return undefined;
  const { dataDirectory } = await readOptions(ctx);
  return dataDirectory === options.dataDirectory ? undefined : blocked(TEXTS.moved(options.dataDirectory));
}
