/** Hooks of the example charm `mysql` that are killed: the end is that of hooks that are not. */
import { assert, assertEquals } from "@std/assert";
import { mysqlForTests, type MysqlPrograms } from "../../../build/install_mysql.ts";
import { type Lab, withLab } from "../units.ts";
import { deployMysql, isWhole, PATIENCE_MS } from "./formation.ts";
import { endState, killAgainAndAgain, killsSince } from "./killed.ts";

const LEADER = "mysql/0";
const SIZE = 3;
/** Least kills of a part; it would be a test of nothing else. */
const MIN_KILLS = 20;

/** How the hooks of one part are killed, the leader's and the others': see {@linkcode killAgainAndAgain}. */
type Killing = readonly [when: "before" | "after", leaderStride: number, stride: number];

interface Part {
  readonly what: string;
  readonly killing: Killing;
  begin(lab: Lab, mysql: MysqlPrograms): Promise<void>;
  isOver(lab: Lab): boolean;
}

const PARTS: readonly Part[] = [
  {
    what: "three units become a cluster",
    killing: ["before", 1, 3],
    begin: (lab, mysql) => deployMysql(lab, mysql, SIZE),
    isOver: (lab) => isWhole(lab, SIZE),
  },
  {
    what: "new passwords",
    killing: ["before", 1, 2],
    begin: renewPasswords,
    isOver: (lab) => isWhole(lab, SIZE) && haveOnePassword(lab),
  },
  {
    what: "a fourth unit joins",
    killing: ["after", 3, 5],
    begin: (lab) => lab.model.addUnit("mysql", 1).then(() => undefined),
    isOver: (lab) => isWhole(lab, SIZE + 1),
  },
];

const mysql = await mysqlForTests();

Deno.test({
  name: "mysql charm: hooks killed at each hook command and each statement still make one cluster, the same one",
  ignore: mysql === undefined,
  async fn() {
    if (!mysql) return;
    const wanted: unknown[] = [];
    await withLab({ server: "mysqld" }, async (lab) => {
      for (const { begin, isOver, what } of PARTS) {
        await begin(lab, mysql);
        await lab.settleUntil(what, () => isOver(lab), PATIENCE_MS);
        wanted.push(await settledState(lab));
      }
    });
    await withLab({ server: "mysqld", retries: 10_000 }, async (lab) => {
      for (const [index, { begin, isOver, what, killing: [when, leader, others] }] of PARTS.entries()) {
        const from = lab.model.timeline.length;
        const start = performance.now();
        {
          await using _ = killAgainAndAgain(lab, when, (unit) => unit === LEADER ? leader : others);
          await begin(lab, mysql);
          await lab.settleUntil(what, () => isOver(lab), PATIENCE_MS);
        }
        const { points, runs } = killsSince(lab, from);
        console.log(`  ${what}: ${runs} runs killed at ${points} points, ${Math.round(performance.now() - start)} ms`);
        assert(points >= MIN_KILLS, `only ${points} kills`);
        await lab.waitFor(`${what}: the end without kills`, async () => {
          assertEquals(await settledState(lab), wanted[index]);
          return true;
        });
      }
    });
  },
});

/** When all is told: what the last hooks said may still have to reach the others. */
async function settledState(lab: Lab): Promise<unknown> {
  lab.model.updateStatus();
  await lab.model.settle();
  return await endState(lab);
}

/** An action that is killed has failed: whoever asked for it asks again. */
async function renewPasswords(lab: Lab): Promise<void> {
  for (let status = ""; status !== "completed";) ({ status } = await lab.model.run(LEADER, "set-password"));
}

/** Whether all units tell the password of the record's version, which is not the first one any more. */
function haveOnePassword({ model: { world } }: Lab): boolean {
  const [relation] = Object.values(world.relations);
  const told = Object.values(relation?.unitBags ?? {}).map((bag) => bag["cluster-password"]);
  const [secret] = Object.values(world.secrets);
  const valid = secret?.revisions.at(-1)?.content["cluster-password"] ?? "";
  assertEquals(told, told.map(() => JSON.stringify(atob(valid))));
  return relation?.appBags.mysql?.["passwords-version"] !== "1";
}
