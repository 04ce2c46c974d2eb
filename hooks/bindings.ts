/**
 * Which definitions are active in a charm: that follows from the interfaces and roles in its metadata, nothing else.
 *
 * @module
 */
import type { CharmMetadata } from "./charm/metadata.ts";
import type {
  ActionDefinition,
  Binding,
  InterfaceDefinition,
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

/** Finds and loads an action by its name or an alias; undefined when there is none. */
export async function findAction(program: Program, name: string): Promise<ActionDefinition | undefined> {
  const entry = program.actions.find((action) => action.name === name) ??
    program.actions.find(({ aliases = [] }) => aliases.includes(name));
  return entry && await loadAction(entry);
}

function loadInterface(entry: InterfaceDefinition | LazyInterface): InterfaceDefinition | Promise<InterfaceDefinition> {
  return "load" in entry ? entry.load() : entry;
}

function loadAction(entry: ActionDefinition | LazyAction): ActionDefinition | Promise<ActionDefinition> {
  return "load" in entry ? entry.load() : entry;
}
