/**
 * The automatic flags of an endpoint, as charms.reactive keeps them:
 * `endpoint.{name}.joined`, `.changed`, `.changed.{key}`, `.departed`, `.broken`.
 *
 * `joined` lasts as long as a remote unit is there and `broken` for the hook; handlers clear the others.
 * Only endpoints that some flag handler watches are kept track of, because that costs reading databags.
 *
 * @module
 */
import type { Endpoint } from "./charm/metadata.ts";
import type { RelationEvent } from "./event.ts";
import { Relation } from "./relation.ts";
import type { Session } from "./session.ts";

/**
 * Sets and clears the flags before the handlers of a relation event run.
 *
 * @param watched keys of the endpoint's databags whose own flag some handler looks at
 */
export async function raiseEndpointFlags(
  session: Session,
  event: RelationEvent,
  watched: ReadonlySet<string>,
): Promise<void> {
  const { flags, seen } = session.state;
  const prefix = `endpoint.${event.endpoint.name}`;
  const remote = `${event.relationId}/${event.remoteUnit ?? event.remoteApp}`;
  switch (event.phase) {
    case "created":
      return;
    case "joined":
    case "changed":
      if (event.remoteUnit !== undefined) flags.add(`${prefix}.joined`);
      await raiseChanged(session, event, remote, watched);
      return;
    case "departed":
      seen.delete(remote);
      flags.add(`${prefix}.departed`);
      if (!await anyUnit(session, event)) flags.delete(`${prefix}.joined`);
      return;
    case "broken":
      for (const key of [...seen.keys()]) if (key.startsWith(`${event.relationId}/`)) seen.delete(key);
      flags.add(`${prefix}.broken`);
      if (!await anyUnit(session, event)) flags.delete(`${prefix}.joined`);
  }
}

/** Key of the fingerprint of a whole databag: no databag has an empty key. */
const WHOLE = "";

/** Takes back what lasts for one hook only. */
export function dropEndpointFlags(session: Session, event: RelationEvent): void {
  if (event.phase === "broken") session.state.flags.delete(`endpoint.${event.endpoint.name}.broken`);
}

async function raiseChanged(
  session: Session,
  event: RelationEvent,
  remote: string,
  watched: ReadonlySet<string>,
): Promise<void> {
  const relation = new Relation(session, event.endpoint, event.relationId, event.remoteApp);
  const data = event.remoteUnit === undefined ? await relation.app() : await relation.unit(event.remoteUnit);
  const { flags, seen } = session.state;
  const before = seen.get(remote) ?? {};
  // A remote side can invent any number of keys: only the watched ones are told apart.
  const keys = Object.keys(data).filter((key) => watched.has(key));
  const texts: [string, string][] = [
    [WHOLE, JSON.stringify(Object.entries(data).sort(([a], [b]) => a < b ? -1 : 1))],
    ...keys.map((key): [string, string] => [key, data[key] ?? ""]),
  ];
  const after = Object.fromEntries(
    await Promise.all(texts.map(async ([key, text]) => [key, await fingerprint(text)] as const)),
  );
  if (before[WHOLE] === after[WHOLE]) return;
  seen.set(remote, after);
  const prefix = `endpoint.${event.endpoint.name}.changed`;
  flags.add(prefix);
  for (const key of watched) if (before[key] !== after[key]) flags.add(`${prefix}.${key}`);
}

/**
 * Sets `joined` for endpoints that already had units when their first watcher came with an upgrade.
 */
export async function refreshJoined(session: Session, endpoints: readonly Endpoint[]): Promise<void> {
  await Promise.all(endpoints.map(async (endpoint) => {
    const ids = await session.relationIds(endpoint.name);
    if (await anyUnitOf(session, endpoint, ids)) session.state.flags.add(`endpoint.${endpoint.name}.joined`);
  }));
}

async function anyUnit(session: Session, event: RelationEvent): Promise<boolean> {
  const ids = await session.relationIds(event.endpoint.name);
  const alive = event.phase === "broken" ? ids.filter((id) => id !== event.relationId) : ids;
  return await anyUnitOf(session, event.endpoint, alive);
}

async function anyUnitOf(session: Session, endpoint: Endpoint, ids: readonly number[]): Promise<boolean> {
  const units = await Promise.all(ids.map((id) => new Relation(session, endpoint, id).unitNames()));
  return units.some((names) => names.length > 0);
}

/** A fingerprint that tells values apart without keeping them: databags may hold passwords. */
async function fingerprint(value: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(value));
  return new Uint8Array(digest).subarray(0, 12).toHex();
}
