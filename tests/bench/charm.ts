/** The charm that is measured: it reads the databag of every remote unit and writes one key. */
import { defineInterface, dispatch, done, type RelationHandler } from "../../mod.ts";

/** What it does when a remote unit has changed something. */
export const changed: RelationHandler = async (_ctx, relation) => {
  const units = await relation.units();
  const sum = units.reduce((total, { data }) => total + Number(data.version), 0);
  relation.local.set({ seen: `${units.length} ${sum}` });
  return done;
};

if (import.meta.main) {
  const bench = defineInterface({ name: "bench", role: "requires", on: { changed } });
  Deno.exit(await dispatch({ interfaces: [bench], actions: [] }));
}
