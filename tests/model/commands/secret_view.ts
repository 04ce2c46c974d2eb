/**
 * Secrets as one hook sees them: the model's with the hook's pending changes. Source: contract section 6.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import { type HookRun, isLeader, type SecretMetadata } from "../hook_run.ts";
import type { SecretState } from "../state.ts";
import { RunError } from "./definition.ts";
import { applicationOf, relationKey } from "./relation_view.ts";
import type { SecretContent } from "./secret_content.ts";

/** One right to read a secret, as secret-info-get shows it. */
export interface Access {
  readonly target: string;
  readonly scope: string;
}

/** What an owner sees of a secret. */
export interface OwnedSecret extends Required<SecretMetadata> {
  readonly id: string;
  readonly owner: string;
  readonly revision: number;
  /** When the next rotation is due, RFC 3339 in UTC; empty without rotation. */
  readonly rotates: string;
  readonly access: readonly Access[];
}

/** Juju's tag of a unit or application. */
function tag(name: string): string {
  return name.includes("/") ? `unit-${name.replace(/\/(?=\d+$)/, "-")}` : `application-${name}`;
}

function scopeTag(key: string): string {
  return `relation-${key.replaceAll(":", ".").replaceAll(" ", "#")}`;
}

function owns(run: HookRun, owner: string): boolean {
  return owner === run.app || owner === run.unit;
}

/**
 * Secrets that this unit or its application owns, pending ones included, those being removed left out.
 *
 * @param run the run
 */
export function ownedSecrets(run: HookRun): OwnedSecret[] {
  const added = [...run.secretAdds.values()].map((add) => ({
    ...blank,
    ...add,
    revision: 1,
    access: accessOf(run, add.id, []),
  }));
  const stored = Object.values(run.world.secrets)
    .filter((secret) => owns(run, secret.owner) && run.secretRemoves.get(secret.id) !== "all")
    .map((secret) => storedView(run, secret));
  return [...added, ...stored].sort((a, b) => (a.id < b.id ? -1 : 1));
}

const blank = { label: "", description: "", rotation: "", expiry: "", rotates: "" };

function storedView(run: HookRun, secret: SecretState): OwnedSecret {
  const latest = secret.revisions.at(-1);
  const change = run.secretSets.get(secret.id);
  const committed = secret.grants.map(({ grantee, relationId, scope }) => {
    const relation = run.world.relations[relationId];
    return { target: tag(grantee), scope: scope ?? (relation ? scopeTag(relationKey(relation)) : "") };
  });
  return {
    id: secret.id,
    owner: secret.owner,
    revision: latest?.revision ?? 0,
    label: change?.label ?? secret.label,
    description: change?.description ?? secret.description,
    rotation: change?.rotation ?? secret.rotation,
    expiry: change?.expiry ?? latest?.expiry ?? "",
    rotates: secret.nextRotate === undefined ? "" : printedTime(secret.nextRotate),
    access: accessOf(run, secret.id, committed),
  };
}

/**
 * A time as Juju prints it.
 *
 * @param milliseconds of the model's clock
 */
export function printedTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace(/\.000Z$/, "Z");
}

function accessOf(run: HookRun, id: string, committed: readonly Access[]): Access[] {
  const revoked = run.secretRevokes.filter((revoke) => revoke.id === id)
    .map((revoke) => tag(revoke.unit ?? revoke.application ?? ""));
  const granted = run.secretGrants.filter((grant) => grant.id === id).map((grant) => ({
    target: tag(grant.unit ?? grant.application ?? ""),
    scope: scopeTag(grant.relationKey ?? ""),
  }));
  return [...committed.filter((access) => !revoked.includes(access.target)), ...granted];
}

/**
 * Refuses a change of an application's secret by a unit that does not lead it. Secrets that the unit
 * does not own pass here and fail at the commit, as in Juju.
 *
 * @param run the run
 * @param id the secret
 * @throws {RunError} not the leader
 */
export function checkMayManage(run: HookRun, id: string): void {
  const owner = run.secretAdds.get(id)?.owner ?? run.world.secrets[id]?.owner;
  if (owner === run.app && !isLeader(run)) throw new RunError("this unit is not the leader");
}

/** How secret-get was asked. */
export interface SecretRequest {
  readonly id: string | undefined;
  readonly label: string;
  readonly peek: boolean;
  readonly refresh: boolean;
}

/**
 * Finds content as secret-get does: pending content first (new content of an existing secret only with
 * peek or refresh), then the revision that the unit tracks.
 *
 * @param run the run
 * @param request what was asked
 * @throws {RunError} no such secret, or no right to read it
 */
export function readSecret(run: HookRun, request: SecretRequest): SecretContent {
  const { label, peek, refresh } = request;
  const pending = pendingContent(run, request);
  if (pending) return pending;
  const owned = request.id === undefined ? ownedSecrets(run).find((secret) => secret.label === label)?.id : undefined;
  const id = request.id ?? owned ?? consumedByLabel(run, label);
  const secret = id === undefined ? undefined : run.world.secrets[id];
  if (id === undefined) throw new RunError(`consumer label ${goQuote(label)} not found`);
  const latest = secret?.revisions.at(-1);
  if (!secret || !latest) throw new RunError(`secret ${goQuote(id)} not found`);
  if (!mayRead(run, secret)) throw new RunError("permission denied");

  const consumer = secret.consumers[run.unit];
  const tracked = secret.revisions.find((revision) => revision.revision === consumer?.revision);
  const shown = peek || refresh || !tracked ? latest : tracked;
  const consumerLabel = request.id !== undefined && label !== "" ? label : consumer?.label ?? "";
  const revision = peek && tracked ? tracked.revision : shown.revision;
  if (consumer?.revision !== revision || consumer.label !== consumerLabel) {
    secret.consumers = { ...secret.consumers, [run.unit]: { revision, label: consumerLabel } };
    run.immediate.push({ command: "secret-get", detail: { id, revision } });
  }
  return shown.content;
}

function pendingContent(run: HookRun, { id, label, peek, refresh }: SecretRequest): SecretContent | undefined {
  const matches = (entry: { id: string; label?: string }) => entry.id === id || (label !== "" && entry.label === label);
  const added = [...run.secretAdds.values()].find(matches);
  if (added) {
    if (added.id === id && label !== "") added.label = label;
    return added.content;
  }
  const set = peek || refresh ? [...run.secretSets.values()].find(matches) : undefined;
  if (!set?.content) return undefined;
  if (set.id === id && label !== "") set.label = label;
  if (refresh) run.secretTrackLatest.add(set.id);
  return set.content;
}

function consumedByLabel(run: HookRun, label: string): string | undefined {
  return Object.values(run.world.secrets).find((secret) => secret.consumers[run.unit]?.label === label)?.id;
}

/** Owners read their own secrets; others need a grant whose relation still exists. */
function mayRead(run: HookRun, secret: SecretState): boolean {
  if (owns(run, secret.owner)) return true;
  return secret.grants.some(({ grantee, relationId }) => {
    return run.world.relations[relationId] && (grantee === run.unit || grantee === applicationOf(run.unit));
  });
}
