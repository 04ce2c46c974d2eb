/**
 * Pieces of a conformance case's world: applications, relations and secrets as `setup` gives them.
 *
 * @module
 */
import type { Endpoint } from "../../hooks/charm/metadata.ts";
import { applicationOf } from "../model/commands/relation_view.ts";
import { toBase64 } from "../model/commands/secret_content.ts";
import type { ApplicationState, SecretState, WorldState } from "../model/state.ts";

/** An object of the cases file. */
export type Json = Record<string, unknown>;

/** Clock of the model, so that printed times are the same in every run. */
export const NOW = Date.parse("2026-01-02T03:04:05Z");

/** `setup` says something that this runner does not understand: the case fails instead of passing by luck. */
export class SetupError extends Error {
  override readonly name = "SetupError";
}

/**
 * A map of `setup`; absent is empty.
 *
 * @param value what the case says
 * @param what its name for errors
 * @throws {SetupError} not a map
 */
export function map(value: unknown, what: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) throw new SetupError(`${what} is not a map`);
  return value as Json;
}

/**
 * Refuses keys without a meaning.
 *
 * @param object a map of `setup`
 * @param what its name for errors
 * @param keys what is understood
 * @throws {SetupError} another key
 */
export function known(object: Json, what: string, keys: readonly string[]): Json {
  const unknown = Object.keys(object).filter((key) => !keys.includes(key));
  if (unknown.length > 0) throw new SetupError(`unknown ${what} key ${unknown.join(", ")}`);
  return object;
}

/** A scalar as text; absent is empty. */
export const text = (value: unknown): string => (value === undefined || value === null ? "" : String(value));

/**
 * A map with its values as text.
 *
 * @param object any map
 */
export function strings(object: Json): Record<string, string> {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, text(value)]));
}

/**
 * The application of that name, added when it is not there.
 *
 * @param world the model
 * @param name its name
 */
export function addApplication(world: WorldState, name: string): ApplicationState {
  return world.applications[name] ??= {
    name,
    life: "alive",
    charm: {
      name,
      summary: "",
      subordinate: false,
      endpoints: [],
      storages: [],
      containers: [],
      config: {},
      actions: {},
    },
    charmSource: "",
    charmRevision: 0,
    config: {},
    leader: null,
    leaderSettings: {},
    status: { status: "unknown", message: "", since: NOW },
    version: "",
    nextUnit: 0,
    model: "default",
  };
}

/**
 * Adds a relation of the unit's application.
 *
 * @param world the model
 * @param unit the unit that runs the hook
 * @param relation an item of `setup.relations`
 * @param hook `setup.hook`, which may name the other side
 * @throws {SetupError} a key that has no meaning here
 */
export function addRelation(world: WorldState, unit: string, relation: Json, hook: Json): void {
  known(relation, "relation", [
    "id",
    "endpoint",
    "databags",
    "app_databags",
    "members",
    "remote_app",
    "key",
    "remote_model_uuid",
    "life",
  ]);
  const app = applicationOf(unit);
  const id = Number(relation.id);
  const bags = map(relation.databags, "databags") as Record<string, Record<string, string>>;
  const isApp = (name: string) => !name.includes("/");
  const appBags = {
    ...Object.fromEntries(Object.entries(bags).filter(([name]) => isApp(name))),
    ...map(relation.app_databags, "app_databags") as Record<string, Record<string, string>>,
  };
  const unitBags = Object.fromEntries(Object.entries(bags).filter(([name]) => !isApp(name)));
  const named = [...Object.keys(unitBags), ...Object.keys(appBags)].map(applicationOf);
  const foreign = named.find((name) => name !== app);
  const own = hook.relation_id === id ? text(hook.remote_app) || applicationOf(text(hook.remote_unit)) : "";
  const remote = text(relation.remote_app) || foreign || own || (relation.remote_model_uuid ? `remote-${id}` : app);
  const endpoint: Endpoint = {
    name: text(relation.endpoint),
    role: remote === app ? "peers" : "requires",
    interface: "conformance",
    scope: "global",
  };
  const local = addApplication(world, app);
  local.charm = { ...local.charm, endpoints: [...local.charm.endpoints, endpoint] };
  const far = addApplication(world, remote);
  if (relation.remote_model_uuid) {
    far.model = `model-${id}`;
    world.models[far.model] = { name: far.model, uuid: text(relation.remote_model_uuid) };
  }
  const members = (relation.members ?? Object.keys(unitBags)) as string[];
  world.relations[id] = {
    id,
    life: (text(relation.life) || "alive") as "alive",
    sides: [
      { app, endpoint },
      ...(remote === app ? [] : [{ app: remote, endpoint: { ...endpoint, role: "provides" as const } }]),
    ],
    appBags,
    unitBags: { [unit]: {}, ...unitBags },
    members: [...new Set([unit, ...members])],
    versions: {},
    ...(relation.key ? { key: text(relation.key) } : {}),
  };
  world.nextRelation = Math.max(world.nextRelation, id + 1);
}

/**
 * A secret of `setup.secrets`. Content is plain text unless a key ends in `#base64`.
 *
 * @param unit the unit that runs the hook
 * @param id the secret's id
 * @param secret what the case says of it
 * @throws {SetupError} a key that has no meaning here
 */
export function secretOf(unit: string, id: string, secret: Json): SecretState {
  known(secret, "secret", [
    "content",
    "content_base64",
    "revision",
    "label",
    "owner",
    "description",
    "rotation",
    "expiry",
    "rotates",
    "access",
  ]);
  const content: Record<string, string> = strings(map(secret.content_base64, "content"));
  for (const [key, value] of Object.entries(map(secret.content, "content"))) {
    if (key.endsWith("#base64")) content[key.slice(0, -"#base64".length)] = text(value);
    else content[key] = toBase64(text(value));
  }
  const owner = text(secret.owner) || "application";
  const grants = ((secret.access ?? []) as Json[]).map((access) => {
    const { target, scope } = known(access, "secret access", ["target", "scope", "role"]);
    const name = text(target).replace(/^application-/, "").replace(/^unit-(.*)-(\d+)$/, "$1/$2");
    return { grantee: name, relationId: -1, scope: text(scope) };
  });
  return {
    id,
    owner: owner === "application" ? applicationOf(unit) : owner === "unit" ? unit : owner,
    label: text(secret.label),
    description: text(secret.description),
    rotation: text(secret.rotation),
    ...(secret.rotates ? { nextRotate: Date.parse(text(secret.rotates)) } : {}),
    revisions: [{
      revision: Number(secret.revision ?? 1),
      content,
      ...(secret.expiry ? { expiry: text(secret.expiry) } : {}),
    }],
    grants,
    consumers: {},
  };
}
