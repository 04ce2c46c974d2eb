/** A whole charm: it publishes its address, counts its visitors' units, and greets on request. */
import { ActionFailed, deferred, defineAction, defineInterface, dispatch, done } from "../../../mod.ts";

const website = defineInterface({
  name: "http",
  role: "provides",
  on: {
    async joined(ctx, relation) {
      const { ingressAddress } = await ctx.network(relation);
      if (ingressAddress === undefined) return deferred("no ingress address yet", { retryAfterMs: 30_000 });
      const port = (await ctx.config()).number("port") ?? 80;
      relation.local.set({ hostname: ingressAddress, port });
      ctx.openPort(`${port}/tcp`);
      ctx.status.set("active", `serving ${(await relation.unitNames()).length} clients`);
      return done;
    },
  },
  lifecycle: {
    start(ctx) {
      ctx.status.set("waiting", "no client yet");
      return done;
    },
  },
});

const greet = defineAction({
  name: "greet",
  run(ctx) {
    const name = ctx.params.string("name");
    if (name === "") throw new ActionFailed("give a name that is not empty: name=NAME");
    return { greeting: `hello ${name ?? "world"} from ${ctx.unit}` };
  },
});

if (import.meta.main) Deno.exit(await dispatch({ interfaces: [website], actions: [greet] }));
