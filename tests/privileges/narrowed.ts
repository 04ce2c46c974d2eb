/**
 * The executable of the charms without code, with handlers and actions that lack one permission that they declare: that
 * which CHARMLET_TEST_WITHOUT names.
 *
 * @module
 */
import { ACTIONS } from "../../actions/registry.ts";
import {
  type Handler,
  handlerFunction,
  handlerNeeds,
  type InterfaceDefinition,
  type Needs,
} from "../../hooks/definition.ts";
import { INTERFACES } from "../../interfaces/registry.ts";
import { dispatch } from "../../mod.ts";

const without = Deno.env.get("CHARMLET_TEST_WITHOUT");
const less = (needs: Needs = []): Needs => needs.filter((need) => need !== without);

function narrowed(definition: InterfaceDefinition): InterfaceDefinition {
  const all = <F extends (...args: never[]) => unknown>(slots: Readonly<Record<string, Handler<F>>>) =>
    Object.fromEntries(
      Object.entries(slots).map(([slot, each]) => {
        return [slot, { needs: less(handlerNeeds(each, definition)), run: handlerFunction(each) }];
      }),
    );
  const when = (definition.when ?? []).map((each) => ({ ...each, needs: less(each.needs ?? definition.needs) }));
  return { ...definition, on: all({ ...definition.on }), lifecycle: all({ ...definition.lifecycle }), when };
}

if (import.meta.main) {
  Deno.exit(
    await dispatch({
      interfaces: INTERFACES.map((each) => ({ ...each, load: async () => narrowed(await each.load()) })),
      actions: ACTIONS.map((each) => ({
        ...each,
        load: async () => {
          const action = await each.load();
          return { ...action, needs: less(action.needs) };
        },
      })),
    }),
  );
}
