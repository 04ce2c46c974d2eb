/**
 * What an event left in the simulated Juju, in the words of a trace.
 *
 * @module
 */
import { PEER_APP } from "../../interfaces/async_replication/keys.ts";
import { fromBase64 } from "../model/commands/secret_content.ts";
import type { SecretState, WorldState } from "../model/state.ts";
import type { EventPeer, EventStep } from "./trace_events_format.ts";
import { applicationOf, type SecretIds, SHARED_LABEL } from "./trace_events_world.ts";
import type { Json } from "./trace_format.ts";

/** Own databags of the peer relation, without the keys that are ours: the secret's id is shown as its label instead. */
export function peerAfter({ state }: EventStep, world: WorldState): EventPeer | null {
  if (!state.peer) return null;
  const relation = world.relations[state.peer.id];
  const { [PEER_APP.secretId]: _, [PEER_APP.answeredTo]: _set, ...app } =
    relation?.appBags[applicationOf(state.unit)] ?? {};
  return { id: state.peer.id, app, unit: { ...relation?.unitBags[state.unit] } };
}

/** Own application databags of the other relations; of one that is gone by now, as it was. */
export function bagsAfter(
  { state }: EventStep,
  world: WorldState,
  ids: SecretIds,
): Record<string, Record<string, string>> {
  return Object.fromEntries(state.relations.map(({ id, local_app_data }) => {
    const bag = world.relations[id]?.appBags[applicationOf(state.unit)];
    if (!bag) return [id, { ...local_app_data }];
    const entries = Object.entries(bag).map(([key, value]) => [key, key === "secret-id" ? ids.traced(value) : value]);
    return [id, Object.fromEntries(entries)];
  }));
}

/** Secrets that were made, granted or changed, or read for the first time, which is when the original labels them. */
export function secretsAfter(
  { state }: EventStep,
  world: WorldState,
  before: Readonly<Record<string, SecretState>>,
  ids: SecretIds,
): Json[] {
  const app = applicationOf(state.unit);
  const shared = world.relations[state.peer?.id ?? -1]?.appBags[app]?.[PEER_APP.secretId];
  return Object.values(world.secrets).flatMap((secret): Json[] => {
    const uri = `secret:${secret.id}`;
    const earlier = before[secret.id];
    const isOwn = secret.owner === app;
    const isTouched = isOwn
      ? JSON.stringify([earlier?.grants, earlier?.revisions]) !== JSON.stringify([secret.grants, secret.revisions])
      : !earlier?.consumers[state.unit] && secret.consumers[state.unit] !== undefined;
    if (!isTouched) return [];
    const grants: Record<string, string[]> = {};
    for (const { grantee, relationId } of isOwn ? secret.grants : []) (grants[relationId] ??= []).push(grantee);
    const label = isOwn && uri !== shared ? secret.label : SHARED_LABEL;
    return [{ id: ids.traced(uri), owner: isOwn ? "app" : null, label, content: contentOf(secret), grants }];
  });
}

function contentOf({ revisions }: SecretState): Record<string, string> {
  const content = revisions.at(-1)?.content ?? {};
  return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, String(fromBase64(value))]));
}
