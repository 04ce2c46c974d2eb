/**
 * The demo's proxy: forwards to every unit of the site.
 *
 * @module
 */
import {
  type Context,
  deferred,
  defineInterface,
  done,
  NotFoundError,
  PermissionDeniedError,
  type Relation,
} from "../../../mod.ts";

/** Side of `http` that forwards. */
export const proxy = defineInterface({
  name: "http",
  role: "requires",
  on: {
    changed: follow,
    departed: follow,
    broken(ctx) {
      ctx.flags.clear("upstream.ready");
      ctx.status.set("blocked", "no site to forward to: juju integrate proxy:upstream website:site");
      return done;
    },
  },
  lifecycle: {
    install(ctx) {
      ctx.status.set("maintenance", "installing the proxy");
      return done;
    },
    start(ctx) {
      if (!ctx.flags.has("upstream.ready")) ctx.status.set("waiting", "for a site");
      return done;
    },
    async secretChanged(ctx) {
      if (ctx.event.kind === "secret") await ctx.secrets.get(ctx.event.secretId, "refresh");
      return done;
    },
  },
  when: [{
    name: "tell peers",
    when: ["upstream.ready"],
    whenNot: ["peers.told"],
    async run(ctx) {
      for (const relation of await ctx.relations("proxies")) relation.local.set({ forwarding: true });
      ctx.flags.set("peers.told");
      return done;
    },
  }],
});

/** Between the proxies: how many of them forward. */
export const proxyRing = defineInterface({
  name: "proxy-ring",
  role: "peers",
  on: {
    async changed(ctx, relation) {
      const forwarding = (await relation.units()).filter(({ data }) => data.forwarding === "true").length;
      ctx.log.debug(`${forwarding} other proxies forward`);
      return done;
    },
  },
});

async function follow(ctx: Context, relation: Relation) {
  const backends = (await relation.units()).flatMap(({ data }) => {
    const port = Number(data.port);
    return data.hostname && Number.isInteger(port) && port > 0 && port < 65_536 ? [`${data.hostname}:${port}`] : [];
  });
  const app = await relation.app();
  const uri = app["password-secret"];
  if (backends.length === 0 || uri === undefined) {
    ctx.flags.clear("upstream.ready");
    ctx.status.set("waiting", "for the site to publish an address");
    return deferred("the site has published no address yet");
  }
  try {
    await ctx.secrets.get(uri);
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof PermissionDeniedError)) throw error;
    return deferred("the site has not granted its password yet");
  }
  ctx.flags.set("upstream.ready");
  ctx.status.set("active", `forwards ${app.title ?? "a site"} to ${backends.length} units`);
  return done;
}
