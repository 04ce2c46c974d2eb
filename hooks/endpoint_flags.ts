/**
 * The automatic flags of an endpoint, as charms.reactive keeps them:
 * `endpoint.{name}.joined`, `.changed`, `.changed.{key}`, `.departed`, `.broken`.
 *
 * `joined` lasts as long as a remote unit is there and `broken` for the hook; handlers clear the others.
 * Only endpoints that some flag handler watches are kept track of, because that costs reading databags.
 *
 * @module
 */
import type { RelationEvent } from "./event.ts";
import { Relation } from "./relation.ts";
import type { Session } from "./session.ts";

/** Sets and clears the flags before the handlers of a relation event run. */
export async function raiseEndpointFlags(session: Session, event: RelationEvent): Promise<void> {
  const { flags, seen } = session.state;
  const prefix = `endpoint.${event.endpoint.name}`;
  const remote = `${event.relationId}/${event.remoteUnit ?? event.remoteApp}`;
  switch (event.phase) {
    case "created":
      return;
    case "joined":
    case "changed":
      if (event.remoteUnit !== undefined) flags.add(`${prefix}.joined`);
      await raiseChanged(session, event, remote);
      return;
    case "departed":
      delete seen[remote];
      flags.add(`${prefix}.departed`);
      if (!await anyUnit(session, event)) flags.delete(`${prefix}.joined`);
      return;
    case "broken":
      for (const key of Object.keys(seen)) if (key.startsWith(`${event.relationId}/`)) delete seen[key];
      flags.add(`${prefix}.broken`);
      if (!await anyUnit(session, event)) flags.delete(`${prefix}.joined`);
  }
}

/** Takes back what lasts for one hook only. */
export function dropEndpointFlags(session: Session, event: RelationEvent): void {
  if (event.phase === "broken") session.state.flags.delete(`endpoint.${event.endpoint.name}.broken`);
}

async function raiseChanged(session: Session, event: RelationEvent, remote: string): Promise<void> {
  const relation = new Relation(session, event.endpoint, event.relationId, event.remoteApp);
  const data = event.remoteUnit === undefined ? await relation.app() : await relation.unit(event.remoteUnit);
  const { flags, seen } = session.state;
  const before = seen[remote] ?? {};
  const prints = await Promise.all(
    Object.entries(data).map(async ([key, value]) => [key, await print(value)] as const),
  );
  const after = Object.fromEntries(prints);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key]);
  if (changed.length === 0) return;
  seen[remote] = after;
  const prefix = `endpoint.${event.endpoint.name}.changed`;
  flags.add(prefix);
  for (const key of changed) flags.add(`${prefix}.${key}`);
}

async function anyUnit(session: Session, event: RelationEvent): Promise<boolean> {
  const ids = await session.relationIds(event.endpoint.name);
  const alive = event.phase === "broken" ? ids.filter((id) => id !== event.relationId) : ids;
  const units = await Promise.all(alive.map((id) => new Relation(session, event.endpoint, id).unitNames()));
  return units.some((names) => names.length > 0);
}

/** A fingerprint that tells values apart without keeping them: databags may hold passwords. */
async function print(value: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return new Uint8Array(digest).subarray(0, 12).toHex();
}
