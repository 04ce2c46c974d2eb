/**
 * The part of a commit that is about secrets. Source: contract section 6; nothing here changes the model.
 *
 * @module
 */
import type { HookRun, PendingAccess, PendingSecretAdd, PendingSecretSet } from "../hook_run.ts";
import type { SecretRevision, SecretState } from "../state.ts";

/** Something in the buffer that the controller does not accept. */
export class CommitRefused extends Error {
  override readonly name = "CommitRefused";
}

/** One change of a secret, for the timeline. Never holds content. */
export interface SecretChange {
  readonly id: string;
  readonly what: "added" | "updated" | "removed" | "granted" | "revoked" | "tracked";
  /** Latest revision after the change; 0 when the secret is gone. */
  readonly revision: number;
}

/**
 * Whether the buffer changes a secret that the unit's application owns: such a commit needs leadership.
 *
 * @param run the run
 */
export function touchesApplicationSecret(run: HookRun): boolean {
  const ids = [
    ...run.secretAdds.keys(),
    ...run.secretSets.keys(),
    ...run.secretRemoves.keys(),
    ...run.secretGrants.map((grant) => grant.id),
    ...run.secretRevokes.map((revoke) => revoke.id),
  ];
  return ids.some((id) => (run.secretAdds.get(id) ?? run.world.secrets[id])?.owner === run.app);
}

/**
 * The model's secrets as they are after the commit.
 *
 * @param run the run
 * @throws {CommitRefused} a secret does not exist, is not the unit's, or its label is taken
 */
export function newSecrets(run: HookRun): { secrets: Record<string, SecretState>; changes: SecretChange[] } {
  const secrets = { ...run.world.secrets };
  const changes: SecretChange[] = [];
  const put = (secret: SecretState, what: SecretChange["what"]) => {
    secrets[secret.id] = secret;
    changes.push({ id: secret.id, what, revision: secret.revisions.at(-1)?.revision ?? 0 });
  };
  const owned = (id: string): SecretState => {
    const secret = secrets[id];
    if (!secret) throw new CommitRefused(`secret "${id}" not found`);
    if (secret.owner !== run.unit && secret.owner !== run.app) throw new CommitRefused("permission denied");
    return secret;
  };

  for (const add of run.secretAdds.values()) put(created(add), "added");
  for (const set of run.secretSets.values()) put(updated(owned(set.id), set), "updated");
  for (const grant of run.secretGrants) put(granted(run, owned(grant.id), grant), "granted");
  for (const revoke of run.secretRevokes) put(revoked(owned(revoke.id), revoke), "revoked");
  for (const id of run.secretTrackLatest) {
    const secret = owned(id);
    const revision = secret.revisions.at(-1)?.revision ?? 0;
    const label = secret.consumers[run.unit]?.label ?? "";
    put({ ...secret, consumers: { ...secret.consumers, [run.unit]: { revision, label } } }, "tracked");
  }
  for (const [id, revisions] of run.secretRemoves) {
    const secret = owned(id);
    const left = revisions === "all" ? [] : secret.revisions.filter(({ revision }) => !revisions.includes(revision));
    if (left.length === secret.revisions.length) {
      throw new CommitRefused(`secret "${id}" revision ${String(revisions)} not found`);
    }
    if (left.length > 0) {
      put({ ...secret, revisions: left }, "removed");
    } else {
      delete secrets[id];
      changes.push({ id, what: "removed", revision: 0 });
    }
  }
  checkLabels(secrets);
  return { secrets, changes };
}

function created(add: PendingSecretAdd): SecretState {
  return {
    id: add.id,
    owner: add.owner,
    label: add.label ?? "",
    description: add.description ?? "",
    rotation: add.rotation ?? "",
    revisions: [revisionOf(1, add.content, add.expiry)],
    grants: [],
    consumers: {},
  };
}

function revisionOf(revision: number, content: Record<string, string>, expiry: string | undefined): SecretRevision {
  return { revision, content: { ...content }, ...(expiry === undefined ? {} : { expiry }) };
}

/** New content makes a new revision, unless it equals the latest; metadata alone never does. */
function updated(secret: SecretState, set: PendingSecretSet): SecretState {
  const latest = secret.revisions.at(-1);
  const next = { ...secret, revisions: [...secret.revisions] };
  if (set.label !== undefined) next.label = set.label;
  if (set.description !== undefined) next.description = set.description;
  if (set.rotation !== undefined) next.rotation = set.rotation;
  if (set.content && !sameContent(set.content, latest?.content ?? {})) {
    next.revisions.push(revisionOf((latest?.revision ?? 0) + 1, set.content, set.expiry));
  } else if (set.expiry !== undefined && latest) {
    next.revisions[next.revisions.length - 1] = { ...latest, expiry: set.expiry };
  }
  return next;
}

function sameContent(a: Record<string, string>, b: Record<string, string>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function granted(run: HookRun, secret: SecretState, grant: PendingAccess): SecretState {
  const relationId = grant.relationId ?? -1;
  if (!run.world.relations[relationId]) throw new CommitRefused(`relation "${grant.relationKey}" not found`);
  const grantee = grant.unit ?? grant.application ?? "";
  const others = secret.grants.filter((held) => held.grantee !== grantee || held.relationId !== relationId);
  return { ...secret, grants: [...others, { grantee, relationId }] };
}

function revoked(secret: SecretState, revoke: PendingAccess): SecretState {
  const subject = revoke.unit ?? revoke.application;
  return { ...secret, grants: secret.grants.filter((held) => held.grantee !== subject) };
}

function checkLabels(secrets: Record<string, SecretState>): void {
  const seen = new Set<string>();
  for (const { owner, label } of Object.values(secrets)) {
    if (label === "") continue;
    const key = `${owner} ${label}`;
    if (seen.has(key)) throw new CommitRefused(`secret with label "${label}" already exists`);
    seen.add(key);
  }
}
