/**
 * Which secret hook a unit runs next. Source: juju/juju internal/worker/uniter/secrets; contract 6.3.
 *
 * @module
 */
import type { Hook, LocalState } from "./local_state.ts";
import type { SecretState, UnitState, WorldState } from "./state.ts";

const HOUR = 3_600_000;

/** Milliseconds between rotations. Source: juju/juju core/secrets, RotatePolicy. */
const ROTATION: Readonly<Record<string, number>> = {
  hourly: HOUR,
  daily: 24 * HOUR,
  weekly: 7 * 24 * HOUR,
  monthly: 30 * 24 * HOUR,
  quarterly: 90 * 24 * HOUR,
  yearly: 365 * 24 * HOUR,
};

/**
 * The first secret hook that is due: expired, rotate, changed, remove.
 *
 * @param world the model
 * @param unit the unit
 * @param local its agent's memory
 */
export function nextSecretHook(world: WorldState, unit: UnitState, local: LocalState): Hook | null {
  const secrets = Object.values(world.secrets).sort((a, b) => a.id < b.id ? -1 : 1);
  const owned = secrets.filter((secret) => ownsSecret(world, unit, secret));
  for (const secret of owned) {
    const expired = secret.revisions.find((item) =>
      item.expiry !== undefined && Date.parse(item.expiry) <= world.now &&
      !local.secretExpired.includes(`${secret.id}/${item.revision}`)
    );
    if (expired) return secretHook("secret-expired", secret, expired.revision, secret.label);
  }
  for (const secret of owned) {
    if (secret.nextRotate !== undefined && secret.nextRotate <= world.now) {
      return secretHook("secret-rotate", secret, latestRevision(secret), secret.label);
    }
  }
  for (const secret of secrets) {
    const consumer = secret.consumers[unit.name];
    const latest = latestRevision(secret);
    if (!consumer || secret.owner === unit.name) continue;
    if (latest > Math.max(consumer.revision, local.secretChanged[secret.id] ?? 0)) {
      return secretHook("secret-changed", secret, latest, consumer.label);
    }
  }
  for (const secret of owned) {
    const tracked = new Set(Object.values(secret.consumers).map((consumer) => consumer.revision));
    const obsolete = secret.revisions.find((item) =>
      item.revision < latestRevision(secret) && !tracked.has(item.revision) &&
      !local.secretRemoved.includes(`${secret.id}/${item.revision}`)
    );
    if (obsolete) return secretHook("secret-remove", secret, obsolete.revision, secret.label);
  }
  return null;
}

/**
 * Whether the unit is told about the secret as its owner: its own ones, and those of its application if it leads.
 *
 * @param world the model
 * @param unit the unit
 * @param secret the secret
 */
export function ownsSecret(world: WorldState, unit: UnitState, secret: SecretState): boolean {
  if (secret.owner === unit.name) return true;
  return secret.owner === unit.app && world.applications[unit.app]?.leader === unit.name;
}

/**
 * Sets when each rotating secret is due next: one period from now for those that have no time yet.
 *
 * @param world the model
 */
export function planRotations(world: WorldState): void {
  for (const secret of Object.values(world.secrets)) {
    const period = ROTATION[secret.rotation];
    if (period === undefined) delete secret.nextRotate;
    else secret.nextRotate ??= world.now + period;
  }
}

/**
 * Moves a secret's rotation on after its `secret-rotate` succeeded.
 *
 * @param world the model
 * @param id the secret
 */
export function markRotated(world: WorldState, id: string): void {
  const secret = world.secrets[id];
  if (secret) delete secret.nextRotate;
  planRotations(world);
}

function latestRevision(secret: SecretState): number {
  return secret.revisions.reduce((latest, item) => Math.max(latest, item.revision), 0);
}

function secretHook(
  kind: "secret-changed" | "secret-rotate" | "secret-expired" | "secret-remove",
  secret: SecretState,
  revision: number,
  label: string,
): Hook {
  return { kind, name: kind, secretId: secret.id, label, revision };
}
