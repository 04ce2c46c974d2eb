/** The charm that is under load: each unit publishes its name, reads what it is told about, and counts what it sees. */
import {
  type Context,
  defineInterface,
  dispatch,
  done,
  type Outcome,
  type RelationHandler,
  type Role,
} from "../../mod.ts";

const created: RelationHandler = async (ctx, relation) => {
  relation.local.set({ unit: ctx.unit });
  if (await ctx.isLeader()) relation.localApp.set({ leader: ctx.unit });
  return done;
};

/** Reads the one databag that the event is about. */
const changed: RelationHandler = async (ctx, relation) => {
  const { remoteUnit } = ctx.event;
  const bag = remoteUnit === undefined ? await relation.app() : await relation.unit(remoteUnit);
  ctx.log.debug(`${remoteUnit ?? ctx.event.remoteApp} has ${Object.keys(bag).length} keys`);
  ctx.stored.set(ctx.stored.get(0, Number) + 1);
  return done;
};

/** Reads every databag. */
async function updateStatus(ctx: Context): Promise<Outcome> {
  const endpoints = await Promise.all(ctx.charm.endpoints.map(({ name }) => ctx.relations(name)));
  const seen = await Promise.all(
    endpoints.flat().map(async (relation) => {
      const [units, app] = await Promise.all([relation.units(), relation.app()]);
      return { units: units.filter(({ name, data }) => data.unit === name).length, leaders: app.leader ? 1 : 0 };
    }),
  );
  const sum = (of: "units" | "leaders") => seen.reduce((total, one) => total + one[of], 0);
  ctx.status.set("active", `sees ${sum("units")} units and ${sum("leaders")} leaders`);
  return done;
}

if (import.meta.main) {
  const roles: readonly Role[] = ["peers", "provides", "requires"];
  const interfaces = roles.map((role) => defineInterface({ name: "load", role, on: { created, changed } }));
  Deno.exit(await dispatch({ interfaces, actions: [], charm: { lifecycle: { updateStatus } } }));
}
