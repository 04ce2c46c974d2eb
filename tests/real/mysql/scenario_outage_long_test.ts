/** Most members, or all of them, are lost, with a client that writes through a Router. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { mysqlForTests } from "../../../build/install_mysql.ts";
import { readKnowledge } from "../../../interfaces/clients/mysql/outage.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit, serverPid, statesOf } from "./formation.ts";
import { HOST } from "./lab.ts";
import { type Scene, underWrites, withMysql } from "./scenario.ts";
import type { Writer } from "../row_writer.ts";
import { WRITE_MS } from "./scenario_writer.ts";

const REBOOT = "reboot-cluster-from-complete-outage";
/** Where a server is does not matter to what it knows. */
const NOWHERE = { host: HOST, port: 0 };
const mysql = await mysqlForTests();

Deno.test({
  name: "mysql: two of three lost, for a while and for good; a complete outage with the newest rows not applied",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    await withMysql(mysql, 3, async (scene) => {
      await underWrites("two of three hang, then go on", scene, (writer) => hang(scene, writer));
      await underWrites("two of three killed, a secondary left; a new start on request", scene, async (writer) => {
        const [left = ""] = await scene.secondaries();
        await killMost(scene, writer, left);
      });
      await underWrites(
        "complete outage, newest rows only received, their primary lost",
        scene,
        (writer) => killAll(scene, writer),
      );
    });
  },
});

/** Waits until a member sees that it is alone, and makes sure that nobody can write. */
async function untilAlone(scene: Scene, writer: Writer, unit: string, lost: readonly string[]): Promise<void> {
  await scene.lab.waitFor("the loss of the majority", async () => {
    return (await statesOf(scene.lab, unit)).filter(({ state }) => state === "UNREACHABLE").length === lost.length;
  });
  const before = writer.acknowledged.size;
  await scene.untilSaid([unit], `blocked: The cluster has lost its majority: bring ${lost.join(", ")} back`);
  const { status, primary, "online-members": online } = await scene.run("cluster-status");
  assertEquals([status, primary, online], ["NO_QUORUM", "", "1"]);
  // Time for the writer to try again at least once.
  await new Promise((resolve) => setTimeout(resolve, WRITE_MS));
  assertEquals(writer.acknowledged.size, before, "rows acknowledged without a majority");
}

async function hang(scene: Scene, writer: Writer): Promise<void> {
  const { lab } = scene;
  const left = await scene.primary();
  const lost = await scene.secondaries();
  lab.model.setLeader(left);
  const pids = await Promise.all(lost.map(async (unit) => await serverPid(lab, unit) ?? 0));
  for (const pid of pids) Deno.kill(pid, "SIGSTOP");
  try {
    await untilAlone(scene, writer, left, lost);
  } finally {
    for (const pid of pids) Deno.kill(pid, "SIGCONT");
  }
  await scene.untilWhole(3);
}

/**
 * The hooks start the servers again, but a member without a majority lets nobody in, and may lack the newest rows. To stop
 * one takes half a minute.
 */
async function killMost(scene: Scene, writer: Writer, left: string): Promise<void> {
  const lost = scene.units().filter((unit) => unit !== left);
  await scene.kill(...lost);
  await untilAlone(scene, writer, left, lost);
  await scene.untilSaid(scene.units(), `bring ${lost.join(", ")} back; if that is not enough, run ${REBOOT}`);
  for (const unit of lost) assert(await serverPid(scene.lab, unit), `${unit} runs again`);
  const { status, "online-members": online } = await scene.run(REBOOT);
  assertEquals([status, online], ["OK", "3"]);
  await scene.untilWhole(3);
}

async function killAll(scene: Scene, writer: Writer): Promise<void> {
  const { lab } = scene;
  const gone = await scene.primary();
  const rest = await scene.secondaries();
  lab.model.setLeader(rest[0] ?? "");
  await using held = await keepFromApplying(scene, writer, gone, rest);
  await scene.kill(...scene.units());
  await held.disposeAsync();
  await scene.whileAway([gone], async () => {
    await scene.untilSaid(rest, `blocked: No member of the cluster answers; bring ${gone} back`);
    const { status, message } = await lab.model.run(scene.leader, REBOOT);
    assertEquals(status, "failed");
    assertMatch(message, /did not answer and may have the newest data/);
    const results = await scene.run(REBOOT, { force: true });
    assertEquals([results.status, results["online-members"]], ["OK_PARTIAL", "2"]);
    assertStringIncludes(results.output ?? "", `"unit":"${gone}"`);
  });
  await scene.untilWhole(3);
}

/**
 * Rows reach members and are acknowledged to the client, but are not executed there while the connections are open. In the
 * end nothing is written any more: what only the primary has would be lost with it.
 */
async function keepFromApplying(
  { lab }: Scene,
  { acknowledged }: Writer,
  primary: string,
  others: readonly string[],
): Promise<AsyncDisposableStack> {
  const held = new AsyncDisposableStack();
  const hold = async (unit: string) => {
    const db = held.use(await openUnit(lab, unit));
    await db.run("hold writes", sql`FLUSH TABLES WITH READ LOCK`);
    return db;
  };
  const replicas = await Promise.all(others.map(hold));
  const before = acknowledged.size;
  await lab.waitFor("rows that are acknowledged", () => acknowledged.size > before + 5);
  const { executed: newest } = await readKnowledge(await hold(primary), NOWHERE);
  for (const [index, db] of replicas.entries()) {
    const { executed } = await lab.waitFor(`all rows received by ${others[index]}`, async () => {
      const known = await readKnowledge(db, NOWHERE);
      return known.all.contains(newest) && known;
    });
    assert(!executed.contains(newest), `${others[index]} has executed all that it has received`);
  }
  return held;
}
