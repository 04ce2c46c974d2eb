/**
 * Which definitions are active in a charm: that follows from the interfaces and roles in its metadata, nothing else.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "./charm/metadata.ts";
import type {
  ActionDefinition,
  Binding,
  InterfaceDefinition,
  InterfaceSide,
  LazyAction,
  LazyInterface,
  Program,
} from "./definition.ts";
import { DefinitionError } from "./errors.ts";

/**
 * Loads the definition of every endpoint that has one. The charm's own handlers come first, then endpoints in the
 * order of the metadata.
 *
 * @throws {DefinitionError} when two definitions claim the same interface and role
 */
export async function activate(charm: CharmMetadata, program: Program): Promise<Binding[]> {
  const own: Binding[] = program.charm ? [{ source: "", endpoint: undefined, definition: program.charm }] : [];
  const bound = await Promise.all(charm.endpoints.map(async (endpoint): Promise<Binding[]> => {
    const matches = program.interfaces.filter(({ name, aliases = [], role }) =>
      role === endpoint.role && [name, ...aliases].includes(endpoint.interface)
    );
    if (matches.length > 1) {
      throw new DefinitionError(
        `${matches.length} definitions claim the ${endpoint.role} side of ${endpoint.interface}`,
      );
    }
    const [match] = matches;
    return match ? [{ source: endpoint.name, endpoint, definition: await loadInterface(match) }] : [];
  }));
  return [...own, ...bound.flat()];
}

/** An action with the endpoint that it belongs to, if any. */
export interface BoundAction {
  readonly definition: ActionDefinition;
  readonly endpoint: Endpoint | undefined;
}

/** Finds and loads an action of a charm by its name or an alias; undefined when there is none. */
export async function findAction(
  charm: CharmMetadata,
  program: Program,
  name: string,
): Promise<BoundAction | undefined> {
  const named = program.actions.filter((action) => action.name === name);
  const byAlias = program.actions.filter(({ aliases = [] }) => aliases.includes(name));
  for (const entry of [...named, ...byAlias]) {
    const endpoint = entry.side && endpointOfSide(charm, program, entry.side);
    if (!entry.side || endpoint) return { definition: await loadAction(entry), endpoint };
  }
  return undefined;
}

/** The first endpoint of a side, by the interface's name or an alias of it. */
function endpointOfSide(charm: CharmMetadata, program: Program, side: InterfaceSide): Endpoint | undefined {
  const known = program.interfaces.filter(({ name, role }) => name === side.interface && role === side.role);
  const names = [side.interface, ...known.flatMap(({ aliases = [] }) => aliases)];
  return charm.endpoints.find((endpoint) => endpoint.role === side.role && names.includes(endpoint.interface));
}

function loadInterface(entry: InterfaceDefinition | LazyInterface): InterfaceDefinition | Promise<InterfaceDefinition> {
  return "load" in entry ? entry.load() : entry;
}

function loadAction(entry: ActionDefinition | LazyAction): ActionDefinition | Promise<ActionDefinition> {
  return "load" in entry ? entry.load() : entry;
}
