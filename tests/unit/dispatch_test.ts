import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import type { Binding, InterfaceDefinition, Permission } from "../../hooks/definition.ts";
import { FlagLoopError, NotLeaderError } from "../../hooks/errors.ts";
import type { HookEvent } from "../../hooks/event.ts";
import { blocked, deferred, done } from "../../hooks/outcome.ts";
import { needsOf, planHook } from "../../hooks/plan.ts";
import { relationEvent, RING, runHook, SITE, smallWorld, UPDATE_STATUS } from "./dispatch_world.ts";

function bind(definition: Partial<InterfaceDefinition>, endpoint = SITE): Binding {
  return {
    source: endpoint.name,
    endpoint,
    definition: { name: "http", role: "provides", ...definition } as InterfaceDefinition,
  };
}

Deno.test("writes are buffered, seen by later reads, and go out as one relation-set a bag", async () => {
  const world = smallWorld();
  let seen = {};
  const { calls } = await runHook(world, relationEvent("joined"), [bind({
    on: {
      async joined(_ctx, relation) {
        relation.local.set({ hostname: "a", port: 1 });
        relation.local.set({ port: 2 });
        relation.localApp.set({ title: "t" });
        seen = await relation.local.get();
        return done;
      },
    },
  })]);
  assertEquals(seen, { "ingress-address": "10.0.0.1", hostname: "a", port: "2" });
  assertEquals(world.relations[1]?.unitBags["site/0"], { "ingress-address": "10.0.0.1", hostname: "a", port: "2" });
  assertEquals(world.relations[1]?.appBags.site, { title: "t" });
  assertEquals(calls.filter(([command]) => command === "relation-set").length, 2);
});

Deno.test("values that are there already are not written", async () => {
  const world = smallWorld();
  const set = bind({
    on: {
      changed(_ctx, relation) {
        relation.local.set({ "ingress-address": "10.0.0.1", gone: null });
        return done;
      },
    },
  });
  const { calls } = await runHook(world, relationEvent("changed"), [set]);
  assertEquals(calls.filter(([command]) => command === "relation-set" || command === "state-set"), []);
});

Deno.test("nothing is written when a handler throws, whatever ran before it", async () => {
  const world = smallWorld();
  const before = structuredClone(world);
  const bindings: Binding[] = [
    bind({ lifecycle: { updateStatus: (ctx) => (ctx.stored.set(1), ctx.status.set("active", "x"), done) } }),
    bind({ lifecycle: { updateStatus: () => Promise.reject(new TypeError("a bug")) } }, RING),
  ];
  await assertRejects(() => runHook(world, UPDATE_STATUS, bindings), TypeError, "a bug");
  assertEquals(world, before);
});

Deno.test("each read is asked once", async () => {
  const { calls } = await runHook(smallWorld(), relationEvent("changed"), [bind({
    on: {
      async changed(ctx, relation) {
        await Promise.all([relation.units(), relation.units(), ctx.config(), ctx.config(), ctx.isLeader()]);
        await ctx.isLeader();
        const [same] = await ctx.relations();
        await same?.units();
        return done;
      },
    },
  })]);
  const count = (name: string) => calls.filter(([command]) => command === name).length;
  assertEquals(
    [count("relation-list"), count("relation-get"), count("config-get"), count("is-leader"), count("state-get")],
    [1, 2, 1, 1, 1],
  );
});

Deno.test("a deferred handler runs before the next event, with its own event and a fresh context", async () => {
  const world = smallWorld();
  const ran: string[] = [];
  let ready = false;
  const bindings = [bind({
    on: {
      changed(ctx, relation) {
        ran.push(`changed ${ctx.event.remoteUnit} of ${relation.id}, attempt ${ctx.deferral?.attempts ?? 0}`);
        return ready ? done : deferred("not ready");
      },
    },
    lifecycle: { updateStatus: () => (ran.push("update-status"), done) },
  })];
  await runHook(world, relationEvent("changed"), bindings);
  await runHook(world, relationEvent("changed", { remoteUnit: "proxy/0" }), bindings);
  await runHook(world, UPDATE_STATUS, bindings);
  ready = true;
  const { session } = await runHook(world, UPDATE_STATUS, bindings);
  assertEquals(session.state.deferred, []);
  assertEquals(ran, [
    "changed proxy/1 of 1, attempt 0",
    "changed proxy/1 of 1, attempt 1",
    "changed proxy/0 of 1, attempt 0",
    "changed proxy/1 of 1, attempt 2",
    "changed proxy/0 of 1, attempt 1",
    "update-status",
    "changed proxy/1 of 1, attempt 3",
    "changed proxy/0 of 1, attempt 2",
    "update-status",
  ]);
});

Deno.test("the same event again is one run and one entry, not two", async () => {
  const world = smallWorld();
  let runs = 0;
  const bindings = [bind({ on: { changed: () => (runs++, deferred("wait")) } })];
  await runHook(world, relationEvent("changed"), bindings, 1_000);
  const { session } = await runHook(world, relationEvent("changed"), bindings, 2_000);
  assertEquals([runs, session.state.deferred.length, session.state.deferred[0]?.attempts], [2, 1, 2]);
  assertEquals(session.state.deferred[0]?.firstSeen, 1_000);
});

Deno.test("an entry that is not due waits, and one past its deadline runs a last time and is dropped", async () => {
  const world = smallWorld();
  const expired: boolean[] = [];
  const bindings = [bind({
    on: {
      broken(ctx) {
        expired.push(ctx.deferral?.expired ?? false);
        return deferred("not dissolved", { retryAfterMs: 60_000, deadlineMs: 300_000 });
      },
    },
  })];
  await runHook(world, relationEvent("broken"), bindings, 0);
  await runHook(world, UPDATE_STATUS, bindings, 59_999);
  await runHook(world, UPDATE_STATUS, bindings, 60_000);
  const { session, log } = await runHook(world, UPDATE_STATUS, bindings, 300_000);
  assertEquals(expired, [false, false, true]);
  assertEquals(session.state.deferred, []);
  assertMatch(log.join("\n"), /WARNING site:broken: gave up after 3 attempts: not dissolved/);
});

Deno.test("entries whose relation or handler is gone are dropped with a warning", async () => {
  const world = smallWorld();
  const wait = [bind({ on: { changed: () => deferred("wait") } })];
  await runHook(world, relationEvent("changed"), wait);
  const relation = world.relations[1];
  assert(relation);
  delete world.relations[1];
  const { session, log } = await runHook(world, UPDATE_STATUS, wait);
  assertEquals(session.state.deferred, []);
  assertMatch(log.join("\n"), /dropped the deferred site-relation-changed \(wait\): its relation is gone/);
  world.relations[1] = relation;
  await runHook(world, relationEvent("changed"), wait);
  const upgraded = await runHook(world, UPDATE_STATUS, [bind({})]);
  assertEquals(upgraded.session.state.deferred, []);
  assertMatch(upgraded.log.join("\n"), /no such handler/);
});

Deno.test("blocked shows until the handler, asked again in each hook, no longer says so", async () => {
  const world = smallWorld();
  let mended = false;
  const bindings = [
    bind({ on: { changed: () => mended ? done : blocked("set the\ntitle option") } }),
    bind({ lifecycle: { updateStatus: (ctx) => (ctx.status.set("active", "ready"), done) } }, RING),
  ];
  await runHook(world, relationEvent("changed"), bindings);
  await runHook(world, UPDATE_STATUS, bindings);
  assertEquals(world.units["site/0"]?.status.status, "blocked");
  assertEquals(world.units["site/0"]?.status.message, "set the title option");
  mended = true;
  const { session } = await runHook(world, UPDATE_STATUS, bindings);
  assertEquals(world.units["site/0"]?.status.status, "active");
  assertEquals(session.state.deferred, []);
});

Deno.test("a status that shows already is not set again", async () => {
  const world = smallWorld();
  const bindings = [bind({ lifecycle: { updateStatus: (ctx) => (ctx.status.set("active", "ready"), done) } })];
  const first = await runHook(world, UPDATE_STATUS, bindings);
  const second = await runHook(world, UPDATE_STATUS, bindings);
  const sets = (calls: typeof first.calls) => calls.filter(([command]) => command === "status-set").length;
  assertEquals([sets(first.calls), sets(second.calls)], [1, 0]);
});

Deno.test("a leader's write on a unit that does not lead fails the hook and says so", async () => {
  const world = smallWorld();
  const before = structuredClone(world);
  const bindings = [bind({
    on: {
      changed(_ctx, relation) {
        relation.local.set({ unit: "x" });
        relation.localApp.set({ app: "x" });
        return done;
      },
    },
  }, RING)];
  const error = await assertRejects(
    () => runHook(world, relationEvent("changed", { endpoint: RING, remoteUnit: "site/0" }), bindings, 1_000, "site/1"),
    NotLeaderError,
  );
  assertMatch(error.message, /not the leader \(any more\), so nothing was written; Juju will retry the hook/);
  assertEquals(world, before);
});

Deno.test("immediate writes come last, after Juju accepted the others", async () => {
  const { calls } = await runHook(smallWorld(), relationEvent("changed"), [bind({
    on: {
      changed(ctx, relation) {
        ctx.setWorkloadVersion("1.0");
        ctx.status.set("active");
        ctx.setLeaderSettings({ a: "b" });
        relation.local.set({ x: "y" });
        ctx.openPort("80/tcp");
        ctx.stored.set({ n: 1 });
        return done;
      },
    },
  })]);
  const writes = calls.map(([command]) => command).filter((command) => /-set$|open-port/.test(command));
  assertEquals(new Set(writes.slice(0, 3)), new Set(["relation-set", "open-port", "state-set"]));
  assertEquals(writes.slice(3), ["leader-set", "application-version-set", "status-set"]);
});

Deno.test("flag handlers run in rounds until quiet, each again only when one of its flags changed", async () => {
  const ran: string[] = [];
  const world = smallWorld();
  const definition: Partial<InterfaceDefinition> = {
    on: { changed: (ctx) => (ctx.flags.set("site.available"), done) },
    when: [
      {
        name: "second",
        when: ["configured"],
        whenNot: ["stopped"],
        run: (ctx) => (ran.push("second"), ctx.flags.set("done"), done),
      },
      {
        name: "first",
        when: ["{endpoint}.available"],
        run: (ctx) => (ran.push("first"), ctx.flags.set("configured"), done),
      },
      { name: "any", whenAny: ["done", "never"], run: () => (ran.push("any"), done) },
      { name: "not yet", when: ["never"], run: () => (ran.push("not yet"), done) },
    ],
  };
  const { session } = await runHook(world, relationEvent("changed"), [bind(definition)]);
  assertEquals(ran, ["first", "second", "any"]);
  assertEquals([...session.state.flags].sort(), ["configured", "done", "site.available"]);
  ran.length = 0;
  await runHook(world, UPDATE_STATUS, [bind(definition)]);
  assertEquals(ran, ["second", "first", "any"], "flags stay, so the handlers run once in the next hook");
});

Deno.test("handlers that keep triggering each other are named", async () => {
  const flip = (name: string, on: string, off: string) => ({
    name,
    when: [on],
    run: (ctx: { flags: { set(flag: string): void; clear(flag: string): void } }) => {
      ctx.flags.clear(on);
      ctx.flags.set(off);
      return done;
    },
  });
  const loop = bind({
    lifecycle: { updateStatus: (ctx) => (ctx.flags.set("ping"), done) },
    when: [flip("a", "ping", "pong"), flip("b", "pong", "ping")],
  });
  const error = await assertRejects(() => runHook(smallWorld(), UPDATE_STATUS, [loop]), FlagLoopError);
  assertMatch(error.message, /after 100 rounds: site:when (a|b)/);
});

Deno.test("endpoint flags follow the relation, for endpoints and keys that a flag handler watches", async () => {
  const world = smallWorld();
  const bindings = [bind({ when: [{ name: "watch", when: ["endpoint.site.changed.hostname"], run: () => done }] })];
  const flags = async (event: ReturnType<typeof relationEvent>) =>
    [...(await runHook(world, event, bindings)).session.state.flags].sort();
  const bag = world.relations[1]?.unitBags["proxy/1"];
  assert(bag);
  const joined = ["endpoint.site.changed", "endpoint.site.joined"];
  assertEquals(await flags(relationEvent("joined")), joined);
  bag.other = "x";
  assertEquals(await flags(relationEvent("changed")), joined, "nobody watches the key that changed");
  bag.hostname = "h";
  const changed = ["endpoint.site.changed", "endpoint.site.changed.hostname", "endpoint.site.joined"];
  assertEquals(await flags(relationEvent("changed")), changed);
  assertEquals(
    (await flags(relationEvent("departed"))).includes("endpoint.site.joined"),
    true,
    "proxy/0 is still there",
  );
  const after = await flags(relationEvent("broken"));
  assertEquals(after.includes("endpoint.site.broken"), false, "lasts for the hook only");
  assertEquals(after.includes("endpoint.site.joined"), false);
});

Deno.test("what a hook may need is what its handlers declare", () => {
  const needs = (event: Parameters<typeof planHook>[0], bindings: Binding[]) =>
    [...needsOf(planHook(event, bindings, [], 0))].sort() as Permission[];
  const module = bind({
    needs: ["net"],
    on: { changed: { needs: ["run", "read"], run: () => done }, joined: () => done },
    lifecycle: { updateStatus: { needs: [], run: () => done } },
  });
  assertEquals(needs(relationEvent("changed"), [module]), ["read", "run"]);
  assertEquals(needs(relationEvent("joined"), [module]), ["net"]);
  assertEquals(needs(UPDATE_STATUS, [module]), []);
});

Deno.test("a flag handler neither runs nor keeps anything in hooks that it sits out", async () => {
  const ran: string[] = [];
  const stop: HookEvent = { kind: "lifecycle", name: "stop", hook: "stop" };
  const module = bind({
    lifecycle: { stop: { needs: ["run"], run: () => (ran.push("stop"), done) } },
    when: [
      { name: "tend", needs: ["net"], notIn: ["install", "stop"], run: () => (ran.push("tend"), done) },
      { name: "watch", needs: ["sys"], run: () => (ran.push("watch"), done) },
    ],
  });
  const needs = (event: HookEvent) => [...needsOf(planHook(event, [module], [], 0))].sort();
  assertEquals(needs(stop), ["run", "sys"]);
  assertEquals(needs(UPDATE_STATUS), ["net", "sys"]);
  const world = smallWorld();
  await runHook(world, stop, [module]);
  await runHook(world, UPDATE_STATUS, [module]);
  assertEquals(ran, ["stop", "watch", "tend", "watch"]);
});
