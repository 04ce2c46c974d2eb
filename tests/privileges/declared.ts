/**
 * What handlers and actions declare that they need.
 *
 * @module
 */
import { ACTIONS } from "../../actions/registry.ts";
import { handlerNeeds } from "../../hooks/definition.ts";
import { INTERFACES } from "../../interfaces/registry.ts";

/** One handler or action. */
export interface Declared {
  /** Interface and role, such as `etcd peers`; empty for an action of every charm. */
  readonly side: string;
  readonly kind: "hook" | "flags" | "action";
  /** Such as `install` or `reconcile`. */
  readonly name: string;
  /** In the order of the alphabet. */
  readonly needs: readonly string[];
}

/** Every handler and action of the executable. */
export async function declaredNeeds(): Promise<Declared[]> {
  const found: Declared[] = [];
  for (const entry of INTERFACES) {
    const side = `${entry.name} ${entry.role}`;
    const definition = await entry.load();
    for (const [name, handler] of Object.entries({ ...definition.on, ...definition.lifecycle })) {
      found.push({ side, kind: "hook", name, needs: [...handlerNeeds(handler, definition)].sort() });
    }
    for (const { name, needs } of definition.when ?? []) {
      found.push({ side, kind: "flags", name, needs: [...needs ?? definition.needs ?? []].sort() });
    }
  }
  for (const { name, side, load } of ACTIONS) {
    const { needs = [] } = await load();
    found.push({
      side: side ? `${side.interface} ${side.role}` : "",
      kind: "action",
      name,
      needs: [...needs].sort(),
    });
  }
  return found;
}
