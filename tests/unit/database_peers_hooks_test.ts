/** What units of PostgreSQL do with their directory's option and with Raft, without any server. */
import { assertEquals } from "@std/assert";
import type { Context } from "../../hooks/context.ts";
import { done, type Outcome } from "../../hooks/outcome.ts";
import { isThere } from "../../interfaces/clients/files.ts";
import { readOptions } from "../../interfaces/database_peers/options.ts";
import { removePartner } from "../../interfaces/database_peers/raft.ts";
import { dataDirectoryMoved } from "../../interfaces/database_peers/reconcile.ts";
import { RING, runHook, smallWorld, UPDATE_STATUS } from "./dispatch_world.ts";

const PYTHON = "/usr/bin/python3";

Deno.test("data-directory: blanks around the value are no change of it, another value is", async () => {
  for (const [value, isChange] of [[" /srv/pg\n", false], ["/srv/pg2", true]] as const) {
    const world = smallWorld();
    const site = world.applications.site;
    if (!site) throw new Error("there is no site");
    const option = { name: "data-directory", type: "string", default: "/srv/pg", description: "" } as const;
    site.charm = { ...site.charm, config: { "data-directory": option } };
    site.config = { "data-directory": value };
    let told: Outcome | undefined;
    const look = async (ctx: Context) => {
      const options = { ...await readOptions(ctx), dataDirectory: "/srv/pg" };
      told = await dataDirectoryMoved({ ctx, options });
      return done;
    };
    const binding = { source: RING.name, endpoint: RING, definition: { when: [{ name: "test", run: look }] } };
    await runHook(world, UPDATE_STATUS, [binding]);
    assertEquals(told?.kind, isChange ? "blocked" : undefined);
  }
});

Deno.test({
  name: "a Raft partner whose removal takes too long is not removed, and the hook goes on",
  ignore: !await isThere(PYTHON),
  async fn() {
    const removal = { self: "127.0.0.1", partner: "127.0.0.2", port: 1, password: "p", timeoutMs: 1 };
    assertEquals(await removePartner(removal), false);
  },
});
