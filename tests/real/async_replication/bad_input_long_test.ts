/** A remote side that is not what it says: clear failures, and nothing is changed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { HOST } from "../mysql/lab.ts";
import { EAST, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";

const mysql = await mysqlForTests();
const HUGE = "x".repeat(20_000);

/** What the replica side seems to answer, and what the primary side's leader says to that. */
const ANSWERS: readonly (readonly [Readonly<Record<string, string>>, RegExp])[] = [
  [{ endpoint: "10.0.0.1" }, /sent no valid cluster-name, node-label/],
  [
    { endpoint: "10.0.0.1", "cluster-name": "'; DROP DATABASE mysql; --", "node-label": "west-0" },
    /no valid cluster-name/,
  ],
  [{ endpoint: "10.0.0.1", "cluster-name": HUGE, "node-label": "west-0" }, /no valid cluster-name/],
  [{ endpoint: "--socket=/tmp/x", "cluster-name": "other", "node-label": "west-0" }, /no valid endpoint/],
  [{ endpoint: "10.0.0.1", "cluster-name": "jujuCluster", "node-label": "west-0" }, /own name/],
  [{ endpoint: "NOT-MYSQL", "cluster-name": "other", "node-label": "west-0" }, /is not MySQL/],
];

Deno.test({
  name: "async replication: answers that cannot be used, secrets that are none, actions with wrong names",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, {}, async (sites) => {
      await wrongAnswers(sites);
      await wrongSecret(sites);
      await wrongNames(sites);
      assert(await sites.writable(EAST) && await sites.writable(WEST), "a cluster takes no writes any more");
    });
  },
});

/** Nothing of what is sent is done; when the relation is gone, all is as before. */
async function wrongAnswers(sites: Sites): Promise<void> {
  const { lab } = sites;
  using listener = Deno.listen({ hostname: HOST, port: 0 });
  const greeting = greet(listener);
  for (const [answer, says] of ANSWERS) {
    const endpoint = answer.endpoint === "NOT-MYSQL"
      ? `${HOST}:${(listener.addr as Deno.NetAddr).port}`
      : answer.endpoint;
    await pretend(sites, WEST, { ...answer, ...(endpoint ? { endpoint } : {}) }, async () => {
      await lab.settleUntil(`${says}`, () => {
        assertMatch(lab.statusOf(sites.leader(EAST)), says);
        return lab.statusOf(sites.leader(EAST)).length < 1000;
      }, PATIENCE_MS);
    });
  }
  listener.close();
  await greeting;
}

/** A secret's id that is no id, and one that leads to other things than passwords. */
async function wrongSecret(sites: Sites): Promise<void> {
  const { lab } = sites;
  const foreign = await lab.model.exec(sites.leader(EAST), "secret-add token=nothing");
  const offer = { "cluster-name": "east", "mysql-version": "9.7.4", "cluster-set-name": "set" };
  const id = foreign.stdout.trim();
  for (const [secret, says] of [["--refresh", /Awaiting sync data/], [id, /Syncing credentials/]] as const) {
    await pretend(sites, EAST, { ...offer, "secret-id": secret }, async () => {
      await lab.settleUntil(`${says}`, () => {
        assertMatch(lab.statusOf(sites.leader(WEST)), says);
        return true;
      }, PATIENCE_MS);
    });
  }
}

/** Actions change nothing for names that mean nothing. */
async function wrongNames(sites: Sites): Promise<void> {
  const east = sites.leader(EAST);
  for (const name of ["", "other", "x".repeat(63)]) {
    assertMatch(await sites.refused(east, "fence-writes", { "cluster-set-name": name }), /cluster set name/);
    assertMatch(await sites.refused(east, "promote-standby-cluster", { "cluster-set-name": name }), /standby/);
    assertMatch(await sites.refused(east, "rejoin-cluster", { "cluster-name": name }), /cluster/i);
  }
  assertMatch(await sites.refused(east, "recreate-cluster"), /is in a cluster/);
  assertMatch(await sites.refused(east, "create-replication"), /integrate one first/);
  const other = sites.units(EAST).find((unit) => unit !== east) ?? "";
  assertMatch(await sites.refused(other, "fence-writes", { "cluster-set-name": sites.setName(EAST) }), /leader/);
}

/** Relates the sites, and shows the other side values instead of those that an application sends. */
async function pretend(
  sites: Sites,
  app: string,
  values: Readonly<Record<string, string>>,
  check: () => Promise<void>,
): Promise<void> {
  const { lab } = sites;
  sites.relate();
  const id = sites.relationId;
  lab.intercept = (_unit, command) => {
    const bag = lab.model.world.relations[id]?.appBags[app];
    if (bag && app === WEST) Object.assign(bag, values);
    if (bag?.["secret-id"] !== undefined) Object.assign(bag, values);
    return command;
  };
  try {
    await check();
  } finally {
    lab.intercept = undefined;
  }
  assert(await sites.writable(EAST) && await sites.writable(WEST), "a cluster takes no writes any more");
  sites.unrelate();
  await lab.settleUntil("both on their own", () => sites.allReady(EAST, WEST), PATIENCE_MS);
  assertEquals(lab.model.world.relations[id], undefined);
}

/** Answers as another kind of server. */
async function greet(listener: Deno.Listener): Promise<void> {
  for await (const connection of listener) {
    await connection.write(new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n")).catch(() => 0);
    connection.close();
  }
}
