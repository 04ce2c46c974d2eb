import { assert, assertEquals, assertNotMatch, assertRejects } from "@std/assert";
import type { Binding } from "../../hooks/definition.ts";
import { NotFoundError, ValueError } from "../../hooks/errors.ts";
import { hookCommandCall } from "../../hooks/juju/call.ts";
import { readOnly } from "../../hooks/juju/dry_run.ts";
import { done } from "../../hooks/outcome.ts";
import { createHookRun } from "../model/hook_run.ts";
import { inProcessTransport } from "../model/in_process.ts";
import { relationEvent, runHook, SITE, smallWorld, UPDATE_STATUS } from "./dispatch_world.ts";

function onChanged(handler: NonNullable<NonNullable<Binding["definition"]["on"]>["changed"]>): Binding[] {
  return [{ source: "site", endpoint: SITE, definition: { on: { changed: handler } } }];
}

Deno.test("a secret is made, granted and re-read; its content is in no log, status or printed effect", async () => {
  const world = smallWorld();
  let uri = "";
  await runHook(
    world,
    relationEvent("changed"),
    onChanged(async (ctx, relation) => {
      uri = await ctx.secrets.add({ password: "first-value" });
      ctx.secrets.grant(uri, relation);
      relation.localApp.set({ secret: uri });
      return done;
    }),
  );
  const seen: (string | undefined)[] = [];
  const second = await runHook(
    world,
    relationEvent("changed"),
    onChanged(async (ctx, relation) => {
      ctx.secrets.set(uri, { password: "second-value" });
      seen.push((await ctx.secrets.get(uri)).password, (await ctx.secrets.get(uri, "peek")).password);
      ctx.log.info("now second-value");
      ctx.status.set("active", "uses second-value");
      relation.local.set({ leaked: "second-value" });
      return done;
    }),
  );
  assertEquals(seen, ["first-value", "second-value"]);
  const secret = Object.values(world.secrets)[0];
  assert(secret);
  assertEquals(secret.revisions.map(({ revision }) => revision), [1, 2]);
  assertEquals(secret.grants.map(({ grantee }) => grantee), ["proxy"]);
  assertEquals(world.units["site/0"]?.status.message, "uses [secret]");
  const texts = [...second.plan.buffered, ...await second.plan.immediate].map(({ text }) => text);
  assertNotMatch([...texts, ...second.log].join("\n"), /second-value/);
});

Deno.test("the last grant or revocation in a hook counts", async () => {
  const world = smallWorld();
  const { calls } = await runHook(
    world,
    relationEvent("changed"),
    onChanged(async (ctx, relation) => {
      const uri = await ctx.secrets.add({ password: "value" });
      ctx.secrets.grant(uri, relation);
      ctx.secrets.revoke(uri, relation);
      ctx.secrets.grant(uri, relation);
      return done;
    }),
  );
  assertEquals(calls.filter(([command]) => /secret-(grant|revoke)/.test(command)).length, 1);
  assertEquals(Object.values(world.secrets)[0]?.grants.length, 1);
});

Deno.test("a secret that does not exist is told as such", async () => {
  await assertRejects(
    () =>
      runHook(
        smallWorld(),
        relationEvent("changed"),
        onChanged(async (ctx) => {
          await ctx.secrets.get("secret:9m4e2mr0ui3e8a215n4g");
          return done;
        }),
      ),
    NotFoundError,
    "secret-get",
  );
});

Deno.test("a secret URI from a databag cannot become an option", async () => {
  const world = smallWorld();
  const { calls } = await runHook(
    world,
    relationEvent("changed"),
    onChanged(async (ctx) => {
      await ctx.secrets.get("--label=other").catch(() => {});
      return done;
    }),
  );
  const [, ...args] = calls.find(([command]) => command === "secret-get") ?? [""];
  assertEquals(args, ["--format=json", "--", "--label=other"]);
});

Deno.test("an empty databag key is refused", async () => {
  await assertRejects(
    () =>
      runHook(
        smallWorld(),
        relationEvent("changed"),
        onChanged((_ctx, relation) => {
          relation.local.set({ "": "x" });
          return done;
        }),
      ),
    ValueError,
    "cannot be empty",
  );
});

Deno.test("ports opened and closed in one hook end as the last call said", async () => {
  const world = smallWorld();
  await runHook(world, UPDATE_STATUS, [{
    source: "site",
    endpoint: SITE,
    definition: {
      lifecycle: {
        updateStatus(ctx) {
          ctx.openPort("80/tcp");
          ctx.openPort("443/tcp");
          ctx.closePort("80/tcp");
          return done;
        },
      },
    },
  }]);
  assertEquals(world.units["site/0"]?.ports, [["", "443/tcp"]]);
});

Deno.test("the dry-run transport lets reads through, keeps writes, and does not move secrets on", async () => {
  const world = smallWorld();
  const run = createHookRun(world, { unit: "site/0", kind: "update-status", contextId: "c" });
  const inner = inProcessTransport(run);
  const kept: string[] = [];
  const call = hookCommandCall(readOnly(inner, (command) => void kept.push(command)));
  assertEquals(await call.json("is-leader", []), true);
  await call.run("status-set", ["active"]);
  await call.run("relation-set", ["-r", "1", "a=b"]);
  assertEquals((await call.text("secret-add", ["password=x"])).startsWith("secret:"), true);
  await call.json("secret-get", ["--refresh", "--", "secret:9m4e2mr0ui3e8a215n4g"]).catch(() => {});
  assertEquals(kept, ["status-set", "relation-set", "secret-add"]);
  assertEquals(inner.calls.map((words) => words.join(" ")), [
    "is-leader --format=json",
    "secret-get --format=json --peek -- secret:9m4e2mr0ui3e8a215n4g",
  ]);
  assertEquals(world.units["site/0"]?.status.status, "unknown");
});
