/** What owners of secrets do with revisions that nobody uses any more. */
import { assertEquals } from "@std/assert";
import type { Context } from "../../hooks/context.ts";
import type { InterfaceDefinition } from "../../hooks/definition.ts";
import type { SecretEvent } from "../../hooks/event.ts";
import { done, type Outcome } from "../../hooks/outcome.ts";
import { APP } from "../../interfaces/database_peers/keys.ts";
import { databasePeers } from "../../interfaces/database_peers/server.ts";
import { etcdServer } from "../../interfaces/etcd/server.ts";
import type { WorldState } from "../model/state.ts";
import { RING, runHook, smallWorld, UPDATE_STATUS } from "./dispatch_world.ts";

function bound(definition: Pick<InterfaceDefinition, "lifecycle" | "when">) {
  return [{ source: RING.name, endpoint: RING, definition }];
}

/** A world in which a secret has two revisions; its id is where PostgreSQL keeps it. */
async function withSecret(owner: "application" | "unit", unit: string): Promise<{ world: WorldState; id: string }> {
  const world = smallWorld();
  let id = "";
  const run = async (act: (ctx: Context) => Promise<Outcome>) => {
    await runHook(world, UPDATE_STATUS, bound({ when: [{ name: "test", run: act }] }), 1_000, unit);
  };
  await run(async (ctx) => {
    const [relation] = await ctx.relations();
    id = await ctx.secrets.add({ "operator-password": "first" }, { owner });
    (owner === "unit" ? relation?.local : relation?.localApp)?.set({ [APP.secret]: id });
    return done;
  });
  await run((ctx) => {
    ctx.secrets.set(id, { "operator-password": "second" });
    return Promise.resolve(done);
  });
  return { world, id };
}

const CASES = [
  { title: "the leader removes its application's", owner: "application", unit: "site/0", hookOf: "site/0", left: [2] },
  { title: "a unit leaves it to the leader", owner: "application", unit: "site/0", hookOf: "site/1", left: [1, 2] },
  { title: "a unit removes its own", owner: "unit", unit: "site/1", hookOf: "site/1", left: [2] },
] as const;

const [LEADERS, OTHERS] = CASES;

for (
  const { charm, definition, cases } of [
    { charm: "PostgreSQL", definition: databasePeers, cases: CASES },
    // Its units have no secrets of their own.
    { charm: "etcd", definition: etcdServer, cases: [LEADERS, OTHERS] },
  ]
) {
  for (const { title, owner, unit, hookOf, left } of cases) {
    Deno.test(`${charm}, an old revision of a secret: ${title}, also when the hook runs again`, async () => {
      const { world, id: secretId } = await withSecret(owner, unit);
      const event: SecretEvent = { kind: "secret", phase: "remove", name: "secret-remove", secretId, revision: 1 };
      const { lifecycle = {} } = definition;
      for (const _run of ["killed after its commit", "again"]) {
        await runHook(world, event, bound({ lifecycle }), 1_000, hookOf);
        assertEquals(Object.values(world.secrets)[0]?.revisions.map(({ revision }) => revision), [...left]);
      }
    });
  }
}
