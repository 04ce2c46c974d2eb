/**
 * Writes what the handlers of a hook want written, in one fixed order.
 *
 * Juju keeps most of it until the process exits with 0 and then commits it as a whole. Statuses, the workload version
 * and leader settings take effect at once: they go last, after Juju has accepted everything else, and bear repeating.
 *
 * @module
 */
import type { BagEffect, SecretEffect } from "./effects.ts";
import { NotFoundError, NotLeaderError } from "./errors.ts";
import type { StatusLevel } from "./juju/commands/status.ts";
import type { Session } from "./session.ts";
import type { StateBackend } from "./state/backend.ts";
import { mostUrgent } from "./status.ts";

/** One write, with the text that `--dry-run` shows for it. */
export interface Write {
  readonly text: string;
  readonly run: () => Promise<void>;
}

/** All writes of a hook, in the order in which they are made. */
export interface CommitPlan {
  /** What Juju keeps until the process exits with 0. */
  readonly buffered: readonly Write[];
  /** A state file, where Juju keeps no state. */
  readonly file: readonly Write[];
  /** What takes effect at once. Juju is still asked which statuses show: that need not hold up what it keeps. */
  readonly immediate: Promise<readonly Write[]>;
}

/**
 * Works out what is to be written. Databag values that are already there, and statuses that already show, are left out.
 *
 * @throws {NotLeaderError} when a unit that does not lead wrote to an application databag
 */
export async function planCommit(session: Session, backend: StateBackend): Promise<CommitPlan> {
  const { effects, commands } = session;
  maskStored(session);
  const immediate = immediateWrites(session);
  // Whoever makes the writes is told, if it gets there.
  immediate.catch(() => {});
  const bags = await bagWrites(session);
  const stateChanges = session.state.changes();
  const stateWrites: Write[] = stateChanges.size === 0 ? [] : [{
    text: `${backend.kind === "agent" ? "state-set" : "state file"} ${[...stateChanges.keys()].sort().join(" ")}`,
    run: () => backend.save(stateChanges),
  }];
  const buffered: Write[] = [
    ...bags,
    ...inSequence(effects.secrets.map((effect) => secretWrite(session, effect))),
    ...inSequence(effects.ports.map(({ kind, port, endpoints }) => ({
      text: `${kind}-port ${port}${endpoints.length > 0 ? ` on ${endpoints.join(",")}` : ""}`,
      run: () => commands.model[`${kind}Port`](port, endpoints),
    }))),
    ...effects.storages.map(({ name, count }) => ({
      text: `storage-add ${name}=${count}`,
      run: () => commands.model.storageAdd(name, count),
    })),
    ...(backend.kind === "agent" ? stateWrites : []),
  ];
  return { buffered, file: backend.kind === "file" ? stateWrites : [], immediate };
}

async function immediateWrites(session: Session): Promise<Write[]> {
  const { effects } = session;
  const statuses = await Promise.all([statusWrite(session, "unit"), statusWrite(session, "application")]);
  return [
    ...leaderWrites(session),
    ...(effects.version === undefined ? [] : [versionWrite(session, effects.version)]),
    ...statuses.flat(),
    ...actionWrites(session),
    ...(effects.reboot === undefined ? [] : [rebootWrite(session, effects.reboot)]),
  ];
}

/**
 * Makes the writes.
 *
 * @throws {HookCommandError} when Juju refuses one: the hook must end with 1, so that Juju drops what it kept
 */
export async function makeWrites(
  { buffered, file, immediate }: CommitPlan,
  flushLog: () => Promise<void>,
): Promise<void> {
  // Independent of each other, and kept until the end: sent without waiting for each reply.
  const results = await Promise.allSettled(buffered.map(({ run }) => run()));
  const refused = results.find((result) => result.status === "rejected");
  if (refused) throw explain(refused.reason);
  // Log lines go out before anything that cannot be taken back, or ends the process.
  await flushLog();
  for (const { run } of [...file, ...await immediate]) await run();
}

/** Writes of which a later one may undo an earlier: each waits for the one before it. */
function inSequence(writes: readonly Write[]): Write[] {
  let previous = Promise.resolve();
  return writes.map(({ text, run }) => ({ text, run: () => previous = previous.then(run) }));
}

function explain(cause: unknown): unknown {
  if (!(cause instanceof NotLeaderError)) return cause;
  return new NotLeaderError(
    cause.command,
    cause.code,
    `${cause.detail}: this unit is not the leader (any more), so nothing was written; Juju will retry the hook`,
  );
}

async function bagWrites(session: Session): Promise<Write[]> {
  const writes = await Promise.all(session.effects.bags.map((bag) => bagWrite(session, bag)));
  return writes.flat();
}

async function bagWrite(session: Session, { relationId, scope, values }: BagEffect): Promise<Write[]> {
  if (scope === "app" && !await session.isLeader()) {
    throw explain(new NotLeaderError("relation-set", 1, "cannot write relation settings"));
  }
  const current = await currentBag(session, relationId, scope);
  if (!current) return [];
  const changed = Object.fromEntries([...values].filter(([key, value]) => (current[key] ?? "") !== value));
  const keys = Object.keys(changed);
  if (keys.length === 0) return [];
  const list = keys.sort().map((key) => changed[key] === "" ? `${key} (removed)` : `${key}=${changed[key]}`).join(" ");
  return [{
    text: session.redactor.apply(`relation-set -r ${relationId}${scope === "app" ? " --app" : ""} ${list}`),
    run: () => session.commands.relation.set(relationId, scope, changed),
  }];
}

/** A handler of `broken` that was deferred may outlive its relation: then there is no databag to write to. */
async function currentBag(
  session: Session,
  relationId: number,
  scope: BagEffect["scope"],
): Promise<Record<string, string> | undefined> {
  try {
    return await session.bag(relationId, scope, session.own(scope));
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    session.log.warning(`relation ${relationId} is gone: its databag is not written`);
    return undefined;
  }
}

/** What is stored outlives the knowledge of what is secret: a later hook would show it. */
function maskStored({ state, redactor }: Session): void {
  const { unit, application, blocked } = state.statuses;
  for (const part of [unit, application]) {
    for (const [source, [level, message]] of Object.entries(part)) part[source] = [level, redactor.apply(message)];
  }
  for (const [key, message] of Object.entries(blocked)) blocked[key] = redactor.apply(message);
  state.deferred = state.deferred.map((entry) => ({ ...entry, reason: redactor.apply(entry.reason) }));
}

function secretWrite({ commands: { secret } }: Session, effect: SecretEffect): Write {
  switch (effect.kind) {
    case "set": {
      const keys = Object.keys(effect.content ?? {}).join(", ");
      const text = `secret-set ${effect.uri}${keys === "" ? "" : ` (${keys})`}`;
      return { text, run: () => secret.set(effect.uri, effect.content, effect.options) };
    }
    case "grant":
    case "revoke": {
      const { kind, uri, relationId, unit } = effect;
      const text = `secret-${kind} ${uri} -r ${relationId}${unit === undefined ? "" : ` --unit ${unit}`}`;
      return { text, run: () => secret[kind](uri, relationId, unit) };
    }
    case "remove":
      return { text: `secret-remove ${effect.uri}`, run: () => secret.remove(effect.uri, effect.revision) };
  }
}

function leaderWrites({ effects, commands }: Session): Write[] {
  if (effects.leaderSettings.size === 0) return [];
  return [{
    text: `leader-set ${[...effects.leaderSettings.keys()].sort().join(" ")}`,
    run: () => commands.leadership.set(Object.fromEntries(effects.leaderSettings)),
  }];
}

function versionWrite({ commands }: Session, version: string): Write {
  return { text: `application-version-set ${version}`, run: () => commands.status.setVersion(version) };
}

function rebootWrite({ commands }: Session, when: "after" | "now"): Write {
  return {
    text: `juju-reboot ${when === "now" ? "--now" : ""}`.trim(),
    run: () => commands.model.reboot(when === "now"),
  };
}

function actionWrites({ effects: { action }, commands, redactor }: Session): Write[] {
  const results: Write[] = action.results.size === 0 ? [] : [{
    text: redactor.apply(`action-set ${[...action.results].map(([key, value]) => `${key}=${value}`).join(" ")}`),
    run: () => commands.action.set(Object.fromEntries(action.results)),
  }];
  const { failure } = action;
  if (failure === undefined) return results;
  const message = redactor.apply(failure);
  return [...results, { text: `action-fail ${message}`, run: () => commands.action.fail(message) }];
}

/** Juju is asked what shows: a hook that failed after its status-set, or another leader, may have changed it. */
async function statusWrite(session: Session, scope: "unit" | "application"): Promise<Write[]> {
  const { status } = session.commands;
  const urgent = mostUrgent(session.state.statuses, scope);
  if (!urgent) return [];
  const level: StatusLevel = urgent[0];
  const message = session.redactor.apply(urgent[1]);
  if (scope === "application" && !await session.isLeader()) return [];
  const shown = scope === "unit" ? await status.get() : await status.getApplication();
  if (shown.status === level && shown.message === message) return [];
  const flag = scope === "application" ? "--application " : "";
  return [{
    text: `status-set ${flag}${level} ${message}`.trimEnd(),
    run: () => status.set(scope, level, message),
  }];
}
