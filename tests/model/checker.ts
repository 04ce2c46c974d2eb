/**
 * Refuses worlds that Juju cannot get into. Source: juju/juju state and charm validation; contract sections 1, 4, 5, 9.
 *
 * @module
 */
import type { CharmMetadata, ConfigOption, Endpoint } from "../../hooks/charm/metadata.ts";
import { isApplicationName } from "./commands/names.ts";
import type { ApplicationState, RelationSide, RelationState, UnitState, WorldState } from "./state.ts";

/** The model was asked for something that Juju would refuse, or a hook keeps failing. */
export class ModelError extends Error {
  override readonly name = "ModelError";
}

/**
 * The application of that name.
 *
 * @param world the model
 * @param name its name
 * @throws {ModelError} there is none
 */
export function findApplication(world: WorldState, name: string): ApplicationState {
  const app = world.applications[name];
  if (!app) throw new ModelError(`application "${name}" not found: deploy it first`);
  return app;
}

/**
 * The unit of that name.
 *
 * @param world the model
 * @param name such as `mysql/0`
 * @throws {ModelError} there is none
 */
export function findUnit(world: WorldState, name: string): UnitState {
  const unit = world.units[name];
  if (unit) return unit;
  const app = name.split("/", 1)[0] ?? "";
  findApplication(world, app);
  const units = Object.keys(world.units).filter((other) => world.units[other]?.app === app).sort();
  throw new ModelError(`unit "${name}" not found: ${app} has ${units.join(", ") || "no units"}`);
}

/**
 * Checks what `juju deploy` would be given.
 *
 * @param world the model
 * @param name name of the new application
 * @param charm its charm
 * @param units number of units
 * @throws {ModelError} the name is taken or invalid, or the charm cannot be deployed
 */
export function checkDeploy(world: WorldState, name: string, charm: CharmMetadata, units: number): void {
  if (!isApplicationName(name)) throw new ModelError(`invalid application name "${name}"`);
  if (world.applications[name]) throw new ModelError(`application "${name}" already exists`);
  if (charm.subordinate) {
    throw new ModelError(`charm "${charm.name}" is a subordinate: the model deploys principal charms only`);
  }
  if (!Number.isInteger(units) || units < 0) throw new ModelError(`invalid number of units ${units} for "${name}"`);
}

/**
 * The two sides of a relation that is asked for.
 *
 * @param world the model
 * @param texts `app:endpoint` twice; without `:endpoint` the one pair that fits is taken
 * @throws {ModelError} no endpoints fit, several do, or the relation exists
 */
export function resolveRelation(world: WorldState, texts: readonly [string, string]): [RelationSide, RelationSide] {
  const [first, second] = texts.map((text) => sidesOf(world, text)) as [RelationSide[], RelationSide[]];
  if (first[0]?.app === second[0]?.app) {
    throw new ModelError(`cannot relate "${texts[0]}" to "${texts[1]}": peer relations are made by deploy`);
  }
  const pairs = first.flatMap((a) => second.filter((b) => fits(a.endpoint, b.endpoint)).map((b) => [a, b] as const));
  const [pair, ...others] = pairs;
  if (!pair) throw new ModelError(`no relations found: ${mismatch(texts, first, second)}`);
  if (others.length > 0) throw new ModelError(`ambiguous relation "${texts.join(" ")}": name the endpoints`);
  for (const { app } of pair) {
    if (world.applications[app]?.life !== "alive") throw new ModelError(`application "${app}" is being removed`);
  }
  if (findRelation(world, pair)) throw new ModelError(`relation ${spell(pair)} already exists`);
  return [pair[0], pair[1]];
}

/**
 * The living relation between two endpoints.
 *
 * @param world the model
 * @param sides its sides, in any order
 */
export function findRelation(world: WorldState, sides: readonly RelationSide[]): RelationState | undefined {
  const wanted = spell(sides);
  return Object.values(world.relations).find((relation) =>
    relation.life === "alive" && spell(relation.sides) === wanted
  );
}

/**
 * The living relation that two texts name.
 *
 * @param world the model
 * @param texts as {@linkcode resolveRelation} takes them
 * @throws {ModelError} there is none, or it is a peer relation
 */
export function existingRelation(world: WorldState, texts: readonly [string, string]): RelationState {
  const [first, second] = texts.map((text) => sidesOf(world, text)) as [RelationSide[], RelationSide[]];
  const found = first.flatMap((a) => second.map((b) => findRelation(world, [a, b]))).filter((one) => one !== undefined);
  const [relation] = found;
  if (!relation || relation.sides.length === 1) throw new ModelError(`relation "${texts.join(" ")}" not found`);
  return relation;
}

/**
 * Option values as Juju keeps them.
 *
 * @param charm the charm
 * @param values new values; null resets to the default
 * @throws {ModelError} an option is unknown or a value has another type
 */
export function checkConfig(
  charm: CharmMetadata,
  values: Readonly<Record<string, string | number | boolean | null>>,
): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      const option = charm.config[name];
      if (!option) throw new ModelError(`unknown option "${name}" of charm "${charm.name}"`);
      if (value !== null && !hasType(option, value)) {
        throw new ModelError(`option "${name}" expected ${option.type}, got ${JSON.stringify(value)}`);
      }
      return [name, value ?? option.default ?? null];
    }),
  );
}

/**
 * Parameters of an action, with the defaults that the controller fills in.
 *
 * @param charm the charm
 * @param action name of the action
 * @param params given parameters
 * @throws {ModelError} the action is unknown, or the parameters do not fit its schema
 */
export function checkAction(
  charm: CharmMetadata,
  action: string,
  params: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const spec = charm.actions[action];
  if (!spec) throw new ModelError(`action "${action}" not defined on charm "${charm.name}"`);
  const filled: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(spec.params)) {
    const given = params[name] ?? field(schema, "default");
    if (given === undefined) continue;
    const type = field(schema, "type");
    if (typeof type === "string" && !isOfType(given, type)) {
      throw new ModelError(`parameter "${name}" of action "${action}" must be ${type}, got ${JSON.stringify(given)}`);
    }
    filled[name] = given;
  }
  for (const [name, value] of Object.entries(params)) {
    if (Object.hasOwn(spec.params, name)) continue;
    if (!spec.additionalProperties) throw new ModelError(`action "${action}" has no parameter "${name}"`);
    filled[name] = value;
  }
  const missing = spec.required.find((name) => filled[name] === undefined);
  if (missing !== undefined) throw new ModelError(`action "${action}" requires parameter "${missing}"`);
  return filled;
}

/**
 * Refuses a new charm that lacks an endpoint in use.
 *
 * @param world the model
 * @param app the application
 * @param charm its new charm
 * @throws {ModelError} the upgrade would break a relation
 */
export function checkUpgrade(world: WorldState, app: ApplicationState, charm: CharmMetadata): void {
  if (app.life !== "alive") throw new ModelError(`application "${app.name}" is being removed`);
  for (const relation of Object.values(world.relations)) {
    for (const side of relation.sides.filter((one) => one.app === app.name)) {
      const same = charm.endpoints.some((endpoint) =>
        endpoint.name === side.endpoint.name && endpoint.interface === side.endpoint.interface &&
        endpoint.role === side.endpoint.role
      );
      if (!same) throw new ModelError(`cannot upgrade "${app.name}": would break relation "${spell(relation.sides)}"`);
    }
  }
}

function sidesOf(world: WorldState, text: string): RelationSide[] {
  const [app = "", name, ...rest] = text.split(":");
  const { charm } = findApplication(world, app);
  if (rest.length > 0) throw new ModelError(`invalid endpoint "${text}": expected application:endpoint`);
  const endpoints = charm.endpoints.filter((endpoint) => name === undefined || endpoint.name === name);
  if (name !== undefined && endpoints.length === 0) {
    const known = charm.endpoints.map((endpoint) => endpoint.name).sort().join(", ");
    throw new ModelError(`application "${app}" has no "${name}" endpoint: it has ${known || "none"}`);
  }
  return endpoints.map((endpoint) => ({ app, endpoint }));
}

function fits(a: Endpoint, b: Endpoint): boolean {
  const roles = [a.role, b.role].sort().join(" ");
  return roles === "provides requires" && a.interface === b.interface;
}

function mismatch(texts: readonly [string, string], first: RelationSide[], second: RelationSide[]): string {
  const [a, b] = [first[0]?.endpoint, second[0]?.endpoint];
  if (!a || !b || first.length > 1 || second.length > 1) return `"${texts[0]}" and "${texts[1]}" share no interface`;
  if (a.role === "peers" || b.role === "peers") return "a peer endpoint cannot be related to another application";
  if (a.interface !== b.interface) return `"${texts[0]}" is ${a.interface}, "${texts[1]}" is ${b.interface}`;
  return `"${texts[0]}" and "${texts[1]}" both are "${a.role}"`;
}

function spell(sides: readonly RelationSide[]): string {
  return sides.map((side) => `${side.app}:${side.endpoint.name}`).sort().join(" ");
}

function hasType(option: ConfigOption, value: string | number | boolean): boolean {
  if (option.type === "int") return Number.isInteger(value);
  if (option.type === "float") return typeof value === "number";
  if (option.type === "boolean") return typeof value === "boolean";
  if (option.type === "secret") return typeof value === "string" && (value === "" || value.startsWith("secret:"));
  return typeof value === "string";
}

function field(schema: unknown, name: string): unknown {
  return typeof schema === "object" && schema !== null ? Reflect.get(schema, name) : undefined;
}

function isOfType(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  const kind: string = typeof value;
  return kind === type;
}
