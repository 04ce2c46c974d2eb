/** Clients behind a real Router while two sites of three units each change roles, there and back, twice. */
import { assert, assertEquals, assertMatch, fail } from "@std/assert";
import { mysqlForTests, type MysqlPrograms } from "../../../build/install_mysql.ts";
import { account, sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import { type Login, Router } from "../mysql/router.ts";
import { WRITE_MS } from "../mysql/scenario_writer.ts";
import { EAST, makeWriterTable, PATIENCE_MS, type Sites, WEST, withSites } from "./sites.ts";
import { underWrites } from "./writes.ts";

const mysql = await mysqlForTests();
const CLIENT: Login = { user: "client", password: "not-a-secret-1" };
/** Who becomes the primary, and who was it. */
const ROUND = [[WEST, EAST], [EAST, WEST]] as const;

Deno.test({
  name: "async replication: Router leads clients through two switchovers there and back, six servers have every row",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withSites(mysql, { westUnits: 3 }, async (sites) => {
      const primary = await sites.writable(EAST) ?? fail("east takes no writes");
      await makeWriterTable(sites.lab, primary);
      await makeClient(sites, primary);
      sites.relate();
      await sites.untilReplicating();
      sites.sampler.begin();
      await using router = await openRouter(sites, mysql, primary);
      await sites.lab.waitFor("Router to let clients write", () => leadsTo(sites, router, EAST), PATIENCE_MS);
      for (const [to, from] of [...ROUND, ...ROUND]) {
        await underWrites(
          `switchover to ${to}, written through Router`,
          sites,
          () => switchOver(sites, router, to, from),
          () => router.write(CLIENT, WRITE_MS),
        );
      }
      console.log(`  no server took writes for at most ${sites.sampler.longestGapMs()} ms`);
    });
  },
});

async function switchOver(sites: Sites, router: Router, to: string, from: string): Promise<void> {
  const unit = sites.leader(to);
  const began = performance.now();
  const promoted = await sites.run(to, "promote-standby-cluster", { "cluster-set-name": sites.setName(to) });
  const took = performance.now() - began;
  assertMatch(promoted, /promoted to primary/);
  await sites.lab.waitFor("Router to follow", () => leadsTo(sites, router, to), PATIENCE_MS);
  const followed = performance.now() - began;
  const said = sites.lab.model.log(unit).findLast(({ message }) => message.startsWith("promoted in"));
  console.log(`  ${unit}: ${said?.message ?? fail("the promotion left no line in the log")}`);
  console.log(`  the action took ${Math.round(took)} ms, Router followed after ${Math.round(followed)} ms`);
  await sites.untilReplicating(from);
  assertEquals(await sites.writable(from), undefined);
  assert(await sites.writable(to));
}

/** Whether Router lets clients write on a unit of this application. */
async function leadsTo(sites: Sites, router: Router, app: string): Promise<boolean> {
  await using db = await router.write(CLIENT, WRITE_MS);
  const [row] = await db.query("ask who it is", sql`SELECT @@port AS port, @@global.read_only AS closed`);
  const ports = sites.units(app).map((unit) => Number(sites.unitBag(unit)["cluster-port"]));
  return ports.includes(Number(row?.port)) && Number(row?.closed) === 0;
}

async function makeClient(sites: Sites, unit: string): Promise<void> {
  await using db = await openUnit(sites.lab, unit);
  const who = account(CLIENT.user, "%");
  await db.run("make the client's user", sql`CREATE USER ${who} IDENTIFIED BY ${CLIENT.password}`);
  await db.run("let it write", sql`GRANT SELECT, INSERT ON test.* TO ${who}`);
}

/** A Router that is told about the set by the unit that takes writes. */
function openRouter(sites: Sites, programs: MysqlPrograms, unit: string): Promise<Router> {
  const told = sites.unitBag(unit);
  const [user = "", password = ""]: string[] = [told["cluster-user"], told["cluster-password"]].map((text) =>
    JSON.parse(text ?? '""')
  );
  return Router.bootstrap({
    programs,
    directory: sites.lab.directory,
    port: Number(told["cluster-port"]),
    admin: { user, password },
  });
}
