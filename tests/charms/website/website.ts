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
  type Outcome,
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
    joined: tellAddress,
    async broken(ctx, relation) {
      const [peers] = await ctx.relations("ring");
      const uri = peers && await ctx.isLeader() ? await passwordUri(peers) : undefined;
      if (uri !== undefined && !await isRelatedAnew(ctx, relation)) ctx.secrets.revoke(uri, relation);
      return done;
    },
  },
  lifecycle: {
    install(ctx) {
      ctx.status.set("maintenance", "installing the site");
      ctx.setWorkloadVersion("1.4");
      return done;
    },
    start(ctx) {
      ctx.status.set("active");
      return done;
    },
    async configChanged(ctx) {
      const outcomes: Outcome[] = [];
      for (const relation of await ctx.relations()) {
        await offerPassword(ctx, relation);
        outcomes.push(await tellAddress(ctx, relation));
      }
      return outcomes.find(({ kind }) => kind !== "done") ?? done;
    },
    async leaderElected(ctx) {
      for (const relation of await ctx.relations()) await offerPassword(ctx, relation);
      return done;
    },
    secretRemove(ctx) {
      const { event } = ctx;
      if (event.kind === "secret") ctx.secrets.remove(event.secretId, event.revision);
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
    const peers = await ringOfLeader(ctx);
    const pages = pagesOf(await peers.localApp.get());
    await ctx.progress(`publishing ${page}`);
    peers.localApp.set({ pages: [...new Set([...pages, page])].sort().join(",") });
    return { page, pages: pages.includes(page) ? pages.length : pages.length + 1 };
  },
});

/** Gives the site a new password; Juju tells the proxies, and removes the old one when none of them uses it. */
export const newPassword = defineAction({
  name: "new-password",
  async run(ctx) {
    const uri = await passwordUri(await ringOfLeader(ctx));
    if (uri === undefined) throw new ActionFailed("there is no password yet: juju integrate website:site PROXY");
    ctx.secrets.set(uri, { password: crypto.randomUUID() });
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

async function watchRing(ctx: Context, relation: Relation): Promise<Outcome> {
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

async function tellAddress(ctx: Context, relation: Relation): Promise<Outcome> {
  const { ingressAddress } = await ctx.network(relation);
  const port = (await ctx.config()).number("port");
  if (ingressAddress === undefined || port === undefined) return deferred("no address to publish yet");
  const { port: old } = await relation.local.get();
  if (old !== undefined && old !== String(port)) ctx.closePort(`${old}/tcp`);
  ctx.openPort(`${port}/tcp`);
  relation.local.set({ hostname: ingressAddress, port });
  return done;
}

/** The leader offers the title and the password; granting twice changes nothing. */
async function offerPassword(ctx: Context, relation: Relation): Promise<void> {
  const [peers] = await ctx.relations("ring");
  if (!peers || !await ctx.isLeader()) return;
  const uri = await passwordUri(peers) ?? await ctx.secrets.add({ password: crypto.randomUUID() });
  peers.localApp.set({ "password-secret": uri });
  ctx.secrets.grant(uri, relation);
  relation.localApp.set({ "password-secret": uri, title: (await ctx.config()).string("title") });
}

/** Juju takes access from the whole application, by whatever relation it has it. */
async function isRelatedAnew(ctx: Context, relation: Relation): Promise<boolean> {
  const app = await relation.remoteApp();
  const others = (await ctx.relations()).filter(({ id }) => id !== relation.id);
  return (await Promise.all(others.map((other) => other.remoteApp()))).includes(app);
}

/** The secret's URI is in the ring's databag, where the next leader finds it. */
async function passwordUri(peers: Relation): Promise<string | undefined> {
  return (await peers.localApp.get())["password-secret"];
}

/** The ring, for an action that only the leader may run. */
async function ringOfLeader(ctx: Context): Promise<Relation> {
  if (!await ctx.isLeader()) throw new ActionFailed("only the leader does this: run it on website/leader");
  const [peers] = await ctx.relations("ring");
  if (!peers) throw new ActionFailed("the ring is not there yet: wait until the unit is active");
  return peers;
}

function pagesOf(bag: Readonly<Record<string, string>>): string[] {
  return (bag.pages ?? "").split(",").filter((page) => /^[a-z0-9-]+$/.test(page));
}
