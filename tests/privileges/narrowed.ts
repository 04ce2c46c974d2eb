/**
 * The executable of the charms without code, whose handlers and actions lack one permission that they declare: that which
 * CHARMLET_TEST_WITHOUT names. Handlers print how they do without it.
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
import type { Outcome } from "../../hooks/outcome.ts";
import { INTERFACES } from "../../interfaces/registry.ts";
import { dispatch } from "../../mod.ts";
import { DENIED, nameOf, type Tried, writeTried } from "./tried.ts";

const without = Deno.env.get("CHARMLET_TEST_WITHOUT") ?? "";
const context = Deno.env.get("JUJU_CONTEXT_ID") ?? "";
const less = (needs: Needs = []): Needs => needs.filter((need) => need !== without);

/** Runs a handler, and tells how it ends. */
function telling<A extends unknown[]>(handler: string, run: (...args: A) => Outcome | Promise<Outcome>) {
  const tell = (end: Tried["end"]) => console.error(writeTried({ context, handler, without, end }));
  return async (...args: A): Promise<Outcome> => {
    try {
      const outcome = await run(...args);
      tell(outcome.kind === "done" ? "passed" : "held");
      return outcome;
    } catch (error) {
      tell(error instanceof Error && DENIED.test(error.message) ? "missed" : "failed");
      throw error;
    }
  };
}

function narrowed(definition: InterfaceDefinition): InterfaceDefinition {
  const side = `${definition.name} ${definition.role}`;
  const all = <F extends (...args: never[]) => Outcome | Promise<Outcome>>(
    slots: Readonly<Record<string, Handler<F>>>,
  ) =>
    Object.fromEntries(
      Object.entries(slots).map(([slot, each]) => {
        const run = telling(nameOf({ side, kind: "hook", name: slot }), handlerFunction(each));
        return [slot, { needs: less(handlerNeeds(each, definition)), run }];
      }),
    );
  const when = (definition.when ?? []).map((each) => ({
    ...each,
    needs: less(each.needs ?? definition.needs),
    run: telling(nameOf({ side, kind: "flags", name: each.name }), each.run),
  }));
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
