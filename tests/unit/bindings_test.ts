/** Which action a charm has under a name. */
import { assertEquals } from "@std/assert";
import { findAction } from "../../hooks/bindings.ts";
import type { CharmMetadata, Role } from "../../hooks/charm/metadata.ts";
import { defineAction, defineInterface, type Program } from "../../hooks/definition.ts";

const run = () => {};

function charm(...endpoints: [name: string, role: Role, iface: string][]): CharmMetadata {
  return {
    name: "charm",
    summary: "",
    subordinate: false,
    endpoints: endpoints.map(([name, role, iface]) => ({ name, role, interface: iface, scope: "global" })),
    storages: [],
    containers: [],
    config: {},
    actions: {},
  };
}

const MYSQL = defineAction({ name: "set-password", side: { interface: "mysql-cluster", role: "peers" }, run });
const POSTGRESQL = defineAction({
  name: "change-password",
  aliases: ["set-password"],
  side: { interface: "postgresql", role: "peers" },
  run,
});
const PLAIN = defineAction({ name: "version", run });
const PROGRAM: Program = {
  interfaces: [defineInterface({ name: "postgresql", aliases: ["postgresql_peers"], role: "peers" })],
  actions: [MYSQL, { ...POSTGRESQL, load: () => Promise.resolve(POSTGRESQL) }, PLAIN],
};

async function found(metadata: CharmMetadata, name: string) {
  const action = await findAction(metadata, PROGRAM, name);
  return action && [action.definition.name, action.endpoint?.name];
}

Deno.test("actions of one name are told apart by the charm's endpoints", async () => {
  assertEquals(await found(charm(["cluster", "peers", "mysql-cluster"]), "set-password"), ["set-password", "cluster"]);
  assertEquals(await found(charm(["members", "peers", "postgresql"]), "set-password"), ["change-password", "members"]);
});

Deno.test("an endpoint with an alias of the interface counts, one of another role does not", async () => {
  const alias = charm(["a", "requires", "postgresql"], ["b", "peers", "postgresql_peers"]);
  assertEquals(await found(alias, "set-password"), ["change-password", "b"]);
  assertEquals(await found(charm(["a", "requires", "mysql-cluster"]), "set-password"), undefined);
  assertEquals(await found(charm(["a", "peers", "other"]), "set-password"), undefined);
});

Deno.test("an action of no side is in every charm", async () => {
  assertEquals(await found(charm(), "version"), ["version", undefined]);
  assertEquals(await found(charm(), "unknown"), undefined);
});
