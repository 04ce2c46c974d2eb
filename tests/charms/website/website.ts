/**
 * The demo's web site: a ring of units, pages that the leader publishes, and a password for its proxies.
 *
 * @module
 */
import {
  ActionFailed,
  type Context,
  deferred,
  defineAction,
  defineInterface,
  done,
  type Relation,
} from "../../../mod.ts";

/** Side of `http` that serves: every unit tells its address, the leader the title and the password's secret. */
export const site = defineInterface({
  name: "http",
  role: "provides",
  on: {
    async created(ctx, relation) {
      await offerPassword(ctx, relation);
      return done;
    },
    async joined(ctx, relation) {
      const { ingressAddress } = await ctx.network(relation);
      const port = (await ctx.config()).number("port");
      if (ingressAddress === undefined || port === undefined) return deferred("no address to publish yet");
      relation.local.set({ hostname: ingressAddress, port });
      ctx.openPort(`${port}/tcp`);
      return done;
    },
    async broken(ctx, relation) {
      const uri = secretUri(ctx);
      if (uri && await ctx.isLeader()) ctx.secrets.revoke(uri, relation);
      return done;
    },
  },
  lifecycle: {
    install(ctx) {
      ctx.status.set("maintenance", "installing the site");
      ctx.setWorkloadVersion("1.4");
      return done;
    },
    async configChanged(ctx) {
      const config = await ctx.config();
      const relations = await ctx.relations();
      for (const relation of relations) relation.local.set({ port: config.number("port") });
      if (await ctx.isLeader()) {
        for (const relation of relations) relation.localApp.set({ title: config.string("title") });
      }
      return done;
    },
    async leaderElected(ctx) {
      for (const relation of await ctx.relations()) await offerPassword(ctx, relation);
      return done;
    },
  },
});

/** Between the units of the site: who is there, and which pages the leader has published. */
export const ring = defineInterface({
  name: "website-ring",
  role: "peers",
  on: {
    changed: watchRing,
    departed: watchRing,
    created(_ctx, relation) {
      relation.local.set({ ready: true });
      return done;
    },
  },
  lifecycle: {
    async updateStatus(ctx) {
      const [relation] = await ctx.relations();
      return relation ? await watchRing(ctx, relation) : done;
    },
  },
});

/** Publishes a page for every unit. */
export const publish = defineAction({
  name: "publish",
  async run(ctx) {
    const page = ctx.params.string("page") ?? "";
    if (!await ctx.isLeader()) throw new ActionFailed("only the leader publishes: run this on website/leader");
    const [relation] = await ctx.relations("ring");
    if (!relation) throw new ActionFailed("the ring is not there yet: wait until the unit is active");
    const pages = pagesOf(await relation.app());
    await ctx.progress(`publishing ${page}`);
    relation.localApp.set({ pages: [...new Set([...pages, page])].sort().join(",") });
    return { page, pages: pages.includes(page) ? pages.length : pages.length + 1 };
  },
});

/** Tells who is in the ring. */
export const showRing = defineAction({
  name: "ring",
  async run(ctx) {
    const [relation] = await ctx.relations("ring");
    const peers = relation ? await relation.unitNames() : [];
    return { units: [ctx.unit, ...peers].sort().join(","), size: peers.length + 1 };
  },
});

async function watchRing(ctx: Context, relation: Relation) {
  const units = await relation.units();
  const waiting = units.filter(({ data }) => data.ready !== "true").map(({ name }) => name);
  if (waiting.length > 0) {
    ctx.status.set("waiting", `for ${waiting.join(", ")}`);
    return deferred(`${waiting.join(", ")} not ready yet`);
  }
  const pages = pagesOf(await relation.app());
  ctx.status.set("active", `ring of ${units.length + 1}${pages.length > 0 ? `, pages: ${pages.join(" ")}` : ""}`);
  return done;
}

async function offerPassword(ctx: Context, relation: Relation): Promise<void> {
  if (!await ctx.isLeader()) return;
  let uri = secretUri(ctx) ?? (await relation.localApp.get())["password-secret"];
  if (uri === undefined) uri = await ctx.secrets.add({ password: crypto.randomUUID() });
  ctx.stored.set(uri);
  ctx.secrets.grant(uri, relation);
  relation.localApp.set({ "password-secret": uri, title: (await ctx.config()).string("title") });
}

function secretUri(ctx: Context): string | undefined {
  return ctx.stored.get<string | undefined>(undefined, (value) => typeof value === "string" ? value : undefined);
}

function pagesOf(bag: Readonly<Record<string, string>>): string[] {
  return (bag.pages ?? "").split(",").filter((page) => /^[a-z0-9-]+$/.test(page));
}
