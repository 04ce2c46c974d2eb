/** What the charm that runs MySQL adds to replication: holds, passwords by other names, addresses. */
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { ClusterSetBusyError } from "../../interfaces/async_replication/cluster_server.ts";
import { USERS } from "../../interfaces/async_replication/credentials.ts";
import { RELEASED } from "../../interfaces/async_replication/keys.ts";
import { remove } from "../../interfaces/async_replication/mysql/cluster_set.ts";
import { dissolve, ownersOf } from "../../interfaces/async_replication/mysql/clusters.ts";
import { parseEndpoint } from "../../interfaces/async_replication/mysql/endpoint.ts";
import { Site } from "../../interfaces/async_replication/mysql/site.ts";
import { missingOthers, ownOf, sharedOf } from "../../interfaces/async_replication/mysql/shared_passwords.ts";
import { UnreachableError } from "../../interfaces/clients/errors.ts";
import type { Mysql } from "../../interfaces/clients/mysql/connection.ts";
import type { Credentials } from "../../interfaces/mysql_innodb_cluster/server/passwords.ts";
import { holdOf } from "../../interfaces/mysql_innodb_cluster/server/set_keys.ts";
import type { Ward } from "../../interfaces/mysql_innodb_cluster/server/ward.ts";
import { inModule, OFFER, relation } from "./async_replication_world.ts";

const OWN: Credentials = {
  version: 1,
  authority: { certificate: "", key: "" },
  cluster: { user: "clusteruser", host: "%", password: "c", role: "admin" },
  recovery: { user: "clusterrecovery", host: "%", password: "r", role: "recovery" },
  others: {},
};
const NAME = { "cluster-set-domain-name": "set-a" };
const WAITING = { "member-state": "waiting" };

for (
  const [what, app, unit, hold] of [
    ["before there is a cluster", {}, {}, "free"],
    ["before there is a cluster, related already", {}, WAITING, "free"],
    ["a member", { ...NAME, "units-added-to-cluster": "3" }, { "unit-initialized": "True" }, "free"],
    ["a member that is to wait", { ...NAME, "units-added-to-cluster": "3" }, {
      ...WAITING,
      "unit-initialized": "True",
    }, "free"],
    ["dissolved", NAME, { "unit-initialized": "True" }, "held"],
    ["dissolved and told", NAME, WAITING, "held"],
    ["hostile number", { ...NAME, "units-added-to-cluster": "many" }, WAITING, "held"],
    ["made a replica", { ...NAME, "units-added-to-cluster": "1" }, WAITING, "given up"],
    ["made a replica, not told", { ...NAME, "units-added-to-cluster": "1" }, {
      ...WAITING,
      "unit-initialized": "True",
    }, "free"],
  ] as const
) {
  Deno.test(`mysql: hold of a unit: ${what}`, () => assertEquals(holdOf(app, unit), hold));
}

Deno.test("mysql: what is shared are the passwords that the interface names, and all of them", () => {
  assertEquals(sharedOf(OWN), undefined);
  const { others } = missingOthers(OWN);
  const shared = sharedOf({ ...OWN, others }) ?? {};
  assertEquals(Object.keys(shared).sort(), USERS.map(({ key }) => key).sort());
  assertEquals([shared["cluster-admin-password"], shared["server-config-password"]], ["c", "r"]);
  assertEquals(missingOthers({ ...OWN, others }).others, others, "what is there stays");
  assertNotEquals(missingOthers(OWN).others, others, "made up at random");
});

Deno.test("mysql: what is taken goes where this charm keeps it", () => {
  assertEquals(ownOf("cluster-admin-password", "x", OWN), { cluster: "x" });
  assertEquals(ownOf("server-config-password", "x", OWN), { recovery: "x" });
  const kept = { ...OWN, others: { "root-password": "a", "backups-password": "b" } };
  assertEquals(ownOf("root-password", "x", kept), { others: { "root-password": "x", "backups-password": "b" } });
});

Deno.test("mysql: addresses of the other side", () => {
  assertEquals(parseEndpoint("10.0.0.1"), { host: "10.0.0.1", port: 3306 });
  assertEquals(parseEndpoint("10.0.0.1:3307"), { host: "10.0.0.1", port: 3307 });
  assertEquals(parseEndpoint("[2001:db8::1]:3307"), { host: "2001:db8::1", port: 3307 });
  assertEquals(parseEndpoint("2001:db8::1"), { host: "2001:db8::1", port: 3306 });
  assertEquals(parseEndpoint("db-0.db.svc.cluster.local."), { host: "db-0.db.svc.cluster.local", port: 3306 });
});

/** The own server of a unit is lost when something is asked of it. */
class LostSite extends Site {
  override ward(): Promise<Ward> {
    return Promise.resolve({ ctx: this.ctx, credentials: OWN } as Ward);
  }

  override own(): Promise<Mysql> {
    const fail = () => Promise.reject(new UnreachableError([{ endpoint: "10.0.0.10:3306", reason: "gone" }]));
    const close = () => Promise.resolve();
    return Promise.resolve({ endpoint: "", query: fail, run: fail, close, [Symbol.asyncDispose]: close });
  }
}

/** A unit that has taken passwords in this hook, of a cluster of which another one does not know that it ends. */
class EndingSite extends LostSite {
  readonly written: Record<string, string> = {};

  override ward(): Promise<Ward> {
    const unit = () => Promise.resolve({ "unit-initialized": "True" });
    const set = (values: Readonly<Record<string, string>>) => void Object.assign(this.written, values);
    const peers = { unit, local: { set }, localApp: { set } };
    const credentials = { ...OWN, version: 2 };
    const ward = { ctx: this.ctx, credentials, record: { passwords: 1 }, others: [{ unit: "mysql/1" }], peers };
    return Promise.resolve(ward as unknown as Ward);
  }
}

Deno.test("mysql: the units that were in the cluster have its data, as far as they are there", () => {
  const others = ["mysql/1", "mysql/2"].map((unit) => ({ unit }));
  assertEquals(ownersOf({ others, record: { clustered: ["mysql/1", "mysql/9"] } }), ["mysql/1"]);
  assertEquals(ownersOf({ others, record: { clustered: ["mysql/9"] } }), []);
});

Deno.test("mysql: the end of a cluster is told together with the passwords that it takes", async () => {
  await inModule("async-replica", { relations: [relation("async-replica", {}, OFFER)] }, async ({ ctx }) => {
    await using site = new EndingSite(ctx);
    await assertRejects(() => dissolve(site), ClusterSetBusyError, "have to know first");
    assertEquals(site.written, { "units-added-to-cluster": "", ...RELEASED });
  });
});

Deno.test("mysql: why a replica cannot be removed now is shown, whatever it is", async () => {
  await inModule("async-primary", {}, async ({ ctx }) => {
    await using site = new LostSite(ctx);
    await assertRejects(() => remove(site, "cluster-b", false), ClusterSetBusyError, "gone");
  });
});
