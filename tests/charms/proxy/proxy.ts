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
  type Outcome,
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
    async configChanged(ctx) {
      const [relation] = await ctx.relations();
      return relation ? await follow(ctx, relation) : done;
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

async function follow(ctx: Context, relation: Relation): Promise<Outcome> {
  const addresses = (await relation.units()).flatMap(({ data }) => addressOf(data));
  const wanted = (await ctx.config()).number("backends") ?? 1;
  const { title, "password-secret": uri } = await relation.app();
  if (uri === undefined || addresses.length < wanted) {
    ctx.flags.clear("upstream.ready");
    const present = `${addresses.length} of ${wanted} units are there`;
    ctx.status.set("waiting", `for the site: ${present}`);
    return deferred(uri === undefined ? "the site offers no password yet" : `too few units of the site: ${present}`);
  }
  try {
    await ctx.secrets.get(uri);
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof PermissionDeniedError)) throw error;
    return deferred("the site has not granted its password yet");
  }
  ctx.flags.set("upstream.ready");
  ctx.status.set("active", `forwards ${title ?? "a site"} to ${addresses.length} units`);
  return done;
}

function addressOf({ hostname, port }: Readonly<Record<string, string>>): string[] {
  const number = Number(port);
  return hostname && Number.isInteger(number) && number > 0 && number < 65_536 ? [`${hostname}:${number}`] : [];
}
