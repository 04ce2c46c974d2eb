/**
 * The end of a successful hook: everything that it buffered enters the model at once, or nothing does.
 * Source: contract section 7.2; juju/juju apiserver/facades/agent/uniter/uniter.go, CommitHookChanges.
 *
 * @module
 */
import { addressSettings } from "./commands/network.ts";
import { overlay } from "./commands/relation_view.ts";
import { openPorts } from "./commands/ports.ts";
import { CommitRefused, newSecrets, type SecretChange, touchesApplicationSecret } from "./commands/secret_commit.ts";
import { readState } from "./commands/state.ts";
import type { HookRun } from "./hook_run.ts";
import type { Bag, StorageState, UnitState } from "./state.ts";

/** A databag that the commit changed. */
export interface BagDiff {
  readonly relationId: number;
  readonly bag: "unit" | "app";
  /** Unit or application whose bag it is. */
  readonly owner: string;
  readonly before: Bag;
  readonly after: Bag;
}

/** What a commit did, for the timeline. */
export type CommitResult =
  | {
    readonly ok: true;
    /** Whether there was anything to write. */
    readonly changed: boolean;
    readonly bags: readonly BagDiff[];
    readonly state?: { readonly before: Bag; readonly after: Bag };
    readonly ports?: { readonly before: [string, string][]; readonly after: [string, string][] };
    readonly storage: readonly StorageState[];
    readonly secrets: readonly SecretChange[];
  }
  | {
    readonly ok: false;
    /** Why Juju refused it; the hook counts as failed. */
    readonly error: string;
  };

/**
 * Commits a run. Leadership is checked now, not when the commands ran: a unit that lost it in between
 * loses its whole buffer. The buffer is empty afterwards in either case.
 *
 * @param run a run whose process ended well
 */
export function commit(run: HookRun): CommitResult {
  try {
    return apply(run);
  } catch (error) {
    if (error instanceof CommitRefused) return { ok: false, error: error.message };
    throw error;
  } finally {
    discard(run);
  }
}

/**
 * Drops everything that the run buffered. Immediate effects stay.
 *
 * @param run a run whose process failed
 */
export function discard(run: HookRun): void {
  for (const view of run.relations.values()) {
    view.unitWrites.clear();
    view.appWrites.clear();
  }
  run.stateWrites.clear();
  run.portsOpened.length = 0;
  run.portsClosed.length = 0;
  run.storageAdds.length = 0;
  run.secretAdds.clear();
  run.secretSets.clear();
  run.secretRemoves.clear();
  run.secretGrants.length = 0;
  run.secretRevokes.length = 0;
  run.secretTrackLatest.clear();
}

/** Everything is computed and checked before the first value of the model changes. */
function apply(run: HookRun): CommitResult {
  const { world } = run;
  const unit = world.units[run.unit];
  if (!unit) throw new CommitRefused(`unit "${run.unit}" not found`);
  checkLeadership(run);
  const bags = bagDiffs(run);
  const state = stateDiff(run, unit);
  const ports = portsDiff(run, unit);
  const storage = newStorage(run, unit);
  const secrets = newSecrets(run);

  for (const diff of bags) {
    const relation = world.relations[diff.relationId];
    if (!relation) continue;
    const target = diff.bag === "unit" ? relation.unitBags : relation.appBags;
    target[diff.owner] = diff.after;
    relation.versions[diff.owner] = (relation.versions[diff.owner] ?? 0) + 1;
  }
  if (state) unit.state = state.after;
  if (ports) unit.ports = ports.after;
  unit.storage = [...unit.storage, ...storage];
  world.secrets = secrets.secrets;
  const changed = bags.length + storage.length + secrets.changes.length > 0 || Boolean(state ?? ports);
  return {
    ok: true,
    changed,
    bags,
    storage,
    secrets: secrets.changes,
    ...(state ? { state } : {}),
    ...(ports ? { ports } : {}),
  };
}

function checkLeadership(run: HookRun): void {
  const needsLease = touchesApplicationSecret(run) ||
    [...run.relations.values()].some((view) => view.appWrites.size > 0);
  if (needsLease && run.world.applications[run.app]?.leader !== run.unit) {
    throw new CommitRefused(
      `cannot write relation settings: checking leadership continuity: "${run.unit}" is not leader of "${run.app}"`,
    );
  }
}

function bagDiffs(run: HookRun): BagDiff[] {
  const diffs: BagDiff[] = [];
  for (const view of run.relations.values()) {
    const relation = run.world.relations[view.id];
    const refreshes = run.kind === "config-changed" && relation?.members.includes(run.unit);
    if (!relation) {
      if (view.unitWrites.size + view.appWrites.size === 0) continue;
      throw new CommitRefused(`relation "${view.key}" not found`);
    }
    const before = { ...relation.unitBags[run.unit] };
    const addresses = refreshes ? addressSettings(run.world, run.unit, view.endpoint) : {};
    const after = overlay({ ...before, ...addresses }, view.unitWrites);
    const about = { relationId: view.id };
    if (differs(before, after)) diffs.push({ ...about, bag: "unit", owner: run.unit, before, after });
    const appBefore = { ...relation.appBags[run.app] };
    const appAfter = overlay(appBefore, view.appWrites);
    if (differs(appBefore, appAfter)) {
      diffs.push({ ...about, bag: "app", owner: run.app, before: appBefore, after: appAfter });
    }
  }
  return diffs;
}

function differs(a: Readonly<Bag>, b: Readonly<Bag>): boolean {
  const keys = Object.keys(a);
  return keys.length !== Object.keys(b).length || keys.some((key) => !Object.hasOwn(b, key) || a[key] !== b[key]);
}

function stateDiff(run: HookRun, unit: UnitState): { before: Bag; after: Bag } | undefined {
  if (run.stateWrites.size === 0) return undefined;
  const before = { ...unit.state };
  const after = readState(run);
  return differs(before, after) ? { before, after } : undefined;
}

function portsDiff(run: HookRun, unit: UnitState) {
  if (run.portsOpened.length + run.portsClosed.length === 0) return undefined;
  const before = unit.ports;
  const after = openPorts(run);
  return JSON.stringify(before) === JSON.stringify(after) ? undefined : { before, after };
}

function newStorage(run: HookRun, unit: UnitState): StorageState[] {
  const known = run.world.applications[run.app]?.charm.storages ?? [];
  const numbers = Object.values(run.world.units).flatMap((each) => each.storage)
    .map((item) => Number(item.id.slice(item.id.lastIndexOf("/") + 1)));
  let next = Math.max(-1, ...numbers) + 1;
  return run.storageAdds.flatMap(({ name, count }) => {
    if (!known.includes(name)) {
      throw new CommitRefused(`adding storage to unit ${unit.name}: charm storage "${name}" not found`);
    }
    const kind = unit.storage.find((item) => item.id.startsWith(`${name}/`))?.kind ?? "filesystem";
    return Array.from({ length: count }, () => {
      const id = `${name}/${next++}`;
      return { id, kind, location: kind === "block" ? `/dev/disk/by-id/${id}` : `/var/lib/juju/storage/${id}` };
    });
  });
}
