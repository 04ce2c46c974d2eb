/**
 * The demo's story of PostgreSQL: Patroni, PostgreSQL and etcd are real, on loopback addresses of this machine.
 *
 * @module
 */
import { ensureDebianPackages } from "../../build/install.ts";
import { deployScene, PACKAGES, rowsDuring, type Scene } from "../real/postgresql/scenario.ts";
import { costInWords } from "../real/row_writer.ts";
import type { Lab } from "../real/units.ts";
import { expect, expectEqual } from "./expect.ts";
import { removeEverything, type Stage, type Step } from "./stage.ts";

const ETCD_PACKAGES = ["etcd-server", "etcd-client"];

/**
 * The steps in their order.
 *
 * @param lab where the units keep their servers
 */
export function postgresqlStory(lab: Lab): Step[] {
  let scene: Scene | undefined;
  /** The scene that the second step has made. */
  const at = (): Scene => {
    expect(scene !== undefined, "PostgreSQL is deployed");
    return scene;
  };
  return [
    { title: "form an etcd cluster of 3", run: (stage) => formStore(stage, lab) },
    {
      title: "make the first member",
      async run(stage) {
        scene = await deployScene(lab, 1, { tls: true });
        return await makeFirst(stage, scene);
      },
    },
    { title: "grow to 3 units", run: (stage) => grow(stage, at()) },
    { title: "hand over on request", run: () => switchOver(at()) },
    { title: "kill the primary", run: () => killPrimary(at()) },
    { title: "remove the primary", run: (stage) => removePrimary(stage, at()) },
    { title: "remove everything", run: removeEverything },
  ];
}

async function formStore(stage: Stage, lab: Lab): Promise<string> {
  await ensureDebianPackages([...ETCD_PACKAGES, ...PACKAGES]);
  await lab.deploy({ charm: "etcd", units: 3 });
  await lab.settleUntil("an etcd cluster of three", () => {
    const units = stage.units("etcd");
    return units.length === 3 && units.every(({ status: { message } }) => message === "Healthy with 3 known peers");
  });
  return "3 members over mutual TLS: what PostgreSQL's members agree on is kept there";
}

async function makeFirst({ model }: Stage, scene: Scene): Promise<string> {
  model.relate("postgresql:etcd", "etcd:db");
  await scene.untilWhole(1);
  await scene.lab.settleUntil("the primary", () => scene.lab.statusOf("postgresql/0") === "active: Primary");
  return `the leader made passwords and an authority, then the cluster; clients read from ${scene.readOnlyEndpoints()}`;
}

async function grow(stage: Stage, scene: Scene): Promise<string> {
  const cost = await rowsDuring(scene, () => scene.grow(3));
  await scene.lab.waitFor("encrypted replication", async () => {
    const sessions = await scene.replicationSessions();
    return sessions.length === 2 && sessions.every((session) => session !== "clear");
  });
  stage.status += `\n\n${stage.model.formatStatus()}`;
  return `2 synchronous replicas over TLS, one copied after the other; ${costInWords(cost)}`;
}

async function switchOver(scene: Scene): Promise<string> {
  const before = await scene.primary();
  const unit = other(scene, before);
  const cost = await rowsDuring(scene, async () => {
    const task = await scene.lab.model.run(scene.leader, "switchover", { unit });
    expectEqual([task.status, task.results.primary], ["completed", unit], `switchover to ${unit}`);
    await scene.untilWhole(3);
  });
  return `${before} handed over to ${unit}; ${costInWords(cost)}`;
}

async function killPrimary(scene: Scene): Promise<string> {
  const dead = await scene.primary();
  let next = "";
  const cost = await rowsDuring(scene, async () => {
    await scene.killMember(dead);
    // No hook runs meanwhile: the members do it among themselves.
    next = await scene.lab.waitFor("another primary", async () => {
      const unit = await leaderBeside(scene, dead);
      return unit === dead ? undefined : unit;
    });
    await scene.untilWhole(3);
  });
  return `${dead} was killed with SIGKILL, ${next} took over, and ${dead} follows it; ${costInWords(cost)}`;
}

/** Who leads, as a member says that is alive. */
async function leaderBeside(scene: Scene, dead: string): Promise<string | undefined> {
  const { members } = await scene.view(other(scene, dead));
  const name = members.find(({ role }) => role === "leader")?.name;
  return scene.units().find((unit) => unit.replace("/", "-") === name);
}

async function removePrimary(stage: Stage, scene: Scene): Promise<string> {
  const unit = await scene.primary();
  const cost = await rowsDuring(scene, () => scene.shrink([unit]));
  expectEqual(stage.units("postgresql").length, 2, "number of units");
  return `${unit} handed over to ${await scene.primary()} before it stopped; ${costInWords(cost)}`;
}

function other(scene: Scene, unit: string): string {
  const found = scene.units().find((each) => each !== unit);
  expect(found !== undefined, `there is a unit beside ${unit}`);
  return found;
}
