/**
 * The executable of the charm `probe`: its handlers misbehave on request.
 *
 * @module
 */
import {
  ActionFailed,
  type Context,
  deferred,
  defineAction,
  defineInterface,
  dispatch,
  done,
  type Outcome,
} from "../../../mod.ts";

/** What config-changed can be asked to do. None of it is declared as a need. */
const MODES: Readonly<Record<string, (ctx: Context) => Promise<Outcome> | Outcome>> = {
  quiet: () => done,
  defer: () => deferred("asked to"),
  run: async () => (await new Deno.Command("true").output(), done),
  net: async () => ((await Deno.connect({ hostname: "127.0.0.1", port: 9 })).close(), done),
  write: async (ctx) => (await Deno.writeTextFile(`${ctx.charmDir}/written`, "x"), done),
  read: async (ctx) => (await Deno.readTextFile(`${ctx.charmDir}/metadata.yaml`), done),
  env: () => (Deno.env.get("PATH"), done),
  sys: () => (Deno.hostname(), done),
  throw: async (ctx) => {
    await writeEverywhere(ctx);
    throw new Error("thrown after everything was written");
  },
  "log-and-throw": (ctx) => {
    for (let line = 1; line <= 5; line++) ctx.log.warning(`diagnostic ${line}`);
    throw new Error("after five lines");
  },
  "late-await": async (ctx) => {
    const read = failing();
    await ctx.config();
    await new Promise((resolve) => setTimeout(resolve, 5));
    await read.catch(() => {});
    return done;
  },
  forget: async (ctx) => {
    ctx.mask("correct horse");
    failing();
    await new Promise((resolve) => setTimeout(resolve, 5));
    return done;
  },
  "throw-aside": async (ctx) => {
    ctx.mask("correct horse");
    setTimeout(() => {
      throw new Error("nobody may see correct horse");
    });
    return await new Promise(() => {});
  },
  leak: async (ctx) => {
    ctx.mask("correct horse");
    await writeEverywhere(ctx);
    throw new Error("the password correct horse was refused");
  },
  "write-everywhere": async (ctx) => (await writeEverywhere(ctx), done),
  "too-much-state": (ctx) => (ctx.stored.set("x".repeat(70_000)), done),
  "as-leader": async (ctx) => {
    for (const relation of await ctx.relations("crew")) relation.localApp.set({ leader: ctx.unit });
    return done;
  },
};

async function failing(): Promise<void> {
  await Promise.resolve();
  throw new Error("nobody may see correct horse");
}

async function writeEverywhere(ctx: Context): Promise<void> {
  for (const relation of await ctx.relations("crew")) relation.local.set({ mark: "x" });
  ctx.stored.set({ mark: "x" });
  ctx.flags.set("marked");
  ctx.openPort("8080/tcp");
  ctx.setWorkloadVersion("9");
  ctx.status.set("active", "marked");
}

const crew = defineInterface({
  name: "probe-crew",
  role: "peers",
  on: {
    async changed(ctx, relation) {
      const units = await relation.units();
      const sizes = units.map(({ data }) => data.big?.length ?? 0);
      relation.local.set({ seen: units.length, largest: Math.max(0, ...sizes) });
      if (await ctx.isLeader()) relation.localApp.set({ units: units.length + 1 });
      ctx.stored.set(units.map(({ name }) => name));
      ctx.status.set("active", `${units.length} peers`);
      return done;
    },
  },
  async explain(ctx, slot) {
    const [relation] = await ctx.relations();
    const units = await relation?.units() ?? [];
    relation?.local.set({ seen: "written while explaining" });
    const about = ctx.event.kind === "relation" ? `relation ${ctx.event.relationId}, ${ctx.event.remoteUnit}` : "none";
    return [`${slot}: would see ${units.map(({ name }) => name).join(" ")} (${about})`];
  },
});

const spawn = defineAction({
  name: "spawn",
  needs: ["run"],
  async run() {
    const { stdout } = await new Deno.Command("echo", { args: ["hello"] }).output();
    return { output: new TextDecoder().decode(stdout).trim() };
  },
});

const secret = defineAction({
  name: "secret",
  async run(ctx) {
    await ctx.secrets.add({ password: "correct horse" });
    throw new ActionFailed("the secret must not stay");
  },
});

const half = defineAction({
  name: "half",
  async run(ctx) {
    for (const relation of await ctx.relations("crew")) relation.local.set({ half: "written" });
    ctx.stored.set("half");
    ctx.openPort("no port");
  },
});

const announce = defineAction({
  name: "announce",
  async run(ctx) {
    for (const relation of await ctx.relations("crew")) relation.local.set({ announced: true });
    await ctx.progress("announced");
    ctx.setResults({ report: { unit: ctx.unit, count: 1 } });
    if (ctx.params.boolean("fail")) throw new ActionFailed("asked to fail: leave out fail=true");
  },
});

const configChanged = async (ctx: Context): Promise<Outcome> => {
  const mode = (await ctx.config()).string("mode") ?? "";
  const act = MODES[mode];
  if (!act) throw new Error(`there is no mode ${mode}`);
  return await act(ctx);
};

if (import.meta.main) {
  Deno.exit(
    await dispatch({
      interfaces: [crew],
      actions: [spawn, secret, half, announce],
      charm: { lifecycle: { configChanged } },
    }),
  );
}
