/** What happens around the edges: lost commits, upgrades, ends of relations, many units. */
import { assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import type { Binding, InterfaceDefinition } from "../../hooks/definition.ts";
import { NotLeaderError } from "../../hooks/errors.ts";
import { blocked, deferred, done } from "../../hooks/outcome.ts";
import { relationEvent, RING, runHook, SITE, smallWorld, UPDATE_STATUS } from "./dispatch_world.ts";

function bind(definition: Partial<InterfaceDefinition>, endpoint = SITE): Binding {
  return {
    source: endpoint.name,
    endpoint,
    definition: { name: "http", role: "provides", ...definition } as InterfaceDefinition,
  };
}

const statusOf = (world: ReturnType<typeof smallWorld>) => world.units["site/0"]?.status;

Deno.test("a masked value in a status stays masked in the next hook", async () => {
  const world = smallWorld();
  const bindings = [bind({
    on: { changed: (ctx) => (ctx.mask("correct horse"), blocked("the password correct horse was refused")) },
    lifecycle: {
      configChanged: (ctx) => (ctx.mask("battery staple"), ctx.status.set("waiting", "battery staple"), done),
    },
  })];
  await runHook(world, relationEvent("changed"), bindings);
  assertNotMatch(JSON.stringify(world.units["site/0"]), /correct horse/);
});

Deno.test("a masked status that nobody reports again is sent in the clear by the next hook", async () => {
  const world = smallWorld();
  const once = { sent: false };
  const bindings = [bind({
    lifecycle: {
      updateStatus: (ctx) => {
        if (!once.sent) {
          once.sent = true;
          ctx.mask("correct horse");
          ctx.status.set("waiting", "login with correct horse failed");
        }
        return done;
      },
    },
  })];
  await runHook(world, UPDATE_STATUS, bindings);
  assertEquals(statusOf(world)?.message, "login with [secret] failed");
  await runHook(world, UPDATE_STATUS, bindings);
  assertEquals(statusOf(world)?.message, "login with [secret] failed");
});

Deno.test("a status that was sent by a hook whose commit was lost is corrected", async () => {
  const world = smallWorld();
  let status: ["active" | "waiting", string] = ["active", "ready"];
  const bindings = [bind({ lifecycle: { updateStatus: (ctx) => (ctx.status.set(...status), done) } })];
  await runHook(world, UPDATE_STATUS, bindings);
  // A hook that is killed between status-set and its commit: the status stays, the state does not.
  const state = structuredClone(world.units["site/0"]?.state ?? {});
  status = ["waiting", "no quorum"];
  await runHook(world, UPDATE_STATUS, bindings);
  if (world.units["site/0"]) world.units["site/0"].state = state;
  status = ["active", "ready"];
  await runHook(world, UPDATE_STATUS, bindings);
  assertEquals(statusOf(world)?.status, "active");
});

Deno.test("the application's status is set again by a unit that leads again", async () => {
  const world = smallWorld();
  const bindings = [
    bind({ lifecycle: { updateStatus: (ctx) => (ctx.status.setApplication("active", ctx.unit), done) } }),
  ];
  const site = world.applications.site;
  if (!site) throw new Error("no site");
  await runHook(world, UPDATE_STATUS, bindings, 1, "site/0");
  site.leader = "site/1";
  await runHook(world, UPDATE_STATUS, bindings, 2, "site/1");
  site.leader = "site/0";
  await runHook(world, { kind: "lifecycle", name: "leader-elected", hook: "leader-elected" }, bindings, 3, "site/0");
  await runHook(world, UPDATE_STATUS, bindings, 4, "site/0");
  assertEquals(site.status.message, "site/0");
});

Deno.test("a status whose source an upgrade dropped does not stay for ever", async () => {
  const world = smallWorld();
  const old = [bind({
    lifecycle: { updateStatus: (ctx) => (ctx.status.set("blocked", "old"), done) },
    when: [{ name: "f", whenNot: ["never"], run: () => blocked("flag handler") }],
  }, RING)];
  await runHook(world, UPDATE_STATUS, old);
  const upgraded = [bind({ lifecycle: { updateStatus: (ctx) => (ctx.status.set("active", "fine"), done) } })];
  await runHook(world, UPDATE_STATUS, upgraded);
  assertEquals([statusOf(world)?.status, statusOf(world)?.message], ["active", "fine"]);
});

Deno.test("application data of a non-peer relation written without leadership is told as such", async () => {
  const bindings = [bind({ on: { changed: (_ctx, relation) => (relation.localApp.set({ a: "b" }), done) } })];
  await assertRejects(
    () => runHook(smallWorld(), relationEvent("changed"), bindings, 1, "site/1"),
    NotLeaderError,
  );
});

Deno.test("a deferred broken handler that writes to its relation does not fail every later hook", async () => {
  const world = smallWorld();
  const bindings = [bind({
    on: {
      broken(ctx, relation) {
        relation.local.set({ left: "yes" });
        return ctx.deferral ? done : deferred("wait");
      },
    },
  })];
  await runHook(world, relationEvent("broken"), bindings);
  delete world.relations[1];
  await runHook(world, UPDATE_STATUS, bindings);
});

Deno.test("a plain read of a secret after a refresh in the same hook gives what is tracked now", async () => {
  const world = smallWorld();
  let uri = "";
  const upstream = { name: "upstream", role: "requires", interface: "http", scope: "global" } as const;
  await runHook(world, UPDATE_STATUS, [bind({
    lifecycle: {
      async updateStatus(ctx) {
        uri = await ctx.secrets.add({ password: "one" });
        for (const relation of await ctx.relations("site")) ctx.secrets.grant(uri, relation);
        return done;
      },
    },
  })]);
  const seen: (string | undefined)[] = [];
  const read = (...modes: ("tracked" | "refresh")[]) =>
    runHook(
      world,
      UPDATE_STATUS,
      [bind({
        lifecycle: {
          async updateStatus(ctx) {
            for (const mode of modes) seen.push((await ctx.secrets.get(uri, mode)).password);
            return done;
          },
        },
      }, upstream)],
      1,
      "proxy/0",
    );
  await read("tracked");
  await runHook(world, UPDATE_STATUS, [bind({
    lifecycle: { updateStatus: (ctx) => (ctx.secrets.set(uri, { password: "two" }), done) },
  })]);
  await read("tracked", "refresh", "tracked");
  assertEquals(seen, ["one", "one", "two", "two"]);
});

Deno.test("200 deferred units fit in the state", async () => {
  const world = smallWorld();
  const bindings = [bind({ on: { changed: () => deferred("waiting for the leader to create the cluster") } })];
  for (let unit = 0; unit < 200; unit++) {
    const name = `proxy/${unit}`;
    const relation = world.relations[1];
    if (relation) relation.unitBags[name] ??= {};
    await runHook(world, relationEvent("changed", { remoteUnit: name }), bindings).catch((error) => {
      throw new Error(`at unit ${unit}: ${error.message}`);
    });
  }
});

Deno.test("200 watched units fit in the state", async () => {
  const world = smallWorld();
  const bindings = [bind({ when: [{ name: "w", when: ["endpoint.site.changed"], run: () => done }] })];
  const bag = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`a-typical-key-${i}`, "v"]));
  for (let unit = 2; unit < 200; unit++) {
    const name = `proxy/${unit}`;
    const relation = world.relations[1];
    if (relation) (relation.unitBags[name] = { ...bag }, relation.members.push(name));
    await runHook(world, relationEvent("changed", { remoteUnit: name }), bindings).catch((error) => {
      throw new Error(`at unit ${unit}: ${error.message}`);
    });
  }
});

Deno.test("a flag handler that an upgrade brings sees the units that are joined already", async () => {
  const world = smallWorld();
  await runHook(world, relationEvent("joined"), [bind({})]);
  let ran = 0;
  await runHook(world, { kind: "lifecycle", name: "upgrade-charm", hook: "upgrade-charm" }, [
    bind({ when: [{ name: "w", when: ["endpoint.site.joined"], run: () => (ran++, done) }] }),
  ]);
  assertEquals(ran, 1);
});

Deno.test("a unit that departed is not handled by its deferred joined afterwards", async () => {
  const world = smallWorld();
  const members = new Set<string>();
  let ready = false;
  const bindings = [bind({
    on: {
      joined: (ctx) => ready ? (members.add(ctx.event.remoteUnit ?? ""), done) : deferred("not ready"),
      departed: (ctx) => (members.delete(ctx.event.remoteUnit ?? ""), done),
    },
  })];
  await runHook(world, relationEvent("joined"), bindings);
  const relation = world.relations[1];
  if (relation) relation.members = relation.members.filter((name) => name !== "proxy/1");
  await runHook(world, relationEvent("departed"), bindings);
  ready = true;
  await runHook(world, UPDATE_STATUS, bindings);
  assertEquals([...members], []);
});
