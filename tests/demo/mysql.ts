/**
 * The demo's story of MySQL: servers and Router are real, on one loopback address of this machine.
 *
 * @module
 */
import { mysqlForTests } from "../../build/install_mysql.ts";
import { APP, form, rowsDuring, Scene } from "../real/mysql/scenario.ts";
import { costInWords } from "../real/row_writer.ts";
import type { Lab } from "../real/units.ts";
import { expect, expectEqual } from "./expect.ts";
import { removeEverything, type Stage, type Step } from "./stage.ts";

/**
 * The steps in their order.
 *
 * @param lab where the units keep their servers
 */
export function mysqlStory(lab: Lab): Step[] {
  let scene: Scene | undefined;
  /** The scene that the first step has made. */
  const at = (): Scene => {
    expect(scene !== undefined, "MySQL is deployed");
    return scene;
  };
  return [
    {
      title: "form a cluster of 3",
      async run(stage) {
        scene = await formCluster(stage, lab);
        return await describeCluster(scene);
      },
    },
    { title: "make another the primary", run: () => movePrimary(at()) },
    { title: "kill the primary", run: () => killPrimary(at()) },
    { title: "add a unit", run: (stage) => addUnit(stage, at()) },
    { title: "remove the primary", run: (stage) => removePrimary(stage, at()) },
    { title: "remove everything", run: (stage) => tearDown(stage, at()) },
  ];
}

async function formCluster(stage: Stage, lab: Lab): Promise<Scene> {
  const programs = await mysqlForTests();
  expect(programs !== undefined, "this machine can have MySQL from Debian sid");
  await form(lab, programs, 3);
  stage.remember();
  return await Scene.open(lab, programs);
}

async function describeCluster(scene: Scene): Promise<string> {
  await scene.untilWhole(3);
  const { status, "cluster-name": name } = await scene.run("cluster-status");
  expectEqual(status, "OK", "status of the cluster");
  return `${name} was made by ${scene.leader}, two joined it; a real MySQL Router leads to ${await scene.writesGoTo()}`;
}

async function movePrimary(scene: Scene): Promise<string> {
  const before = await scene.primary();
  const [unit = ""] = await scene.secondaries();
  const cost = await rowsDuring(scene, async () => {
    await scene.run("set-cluster-primary", { address: unit });
    await scene.lab.waitFor("Router at the new primary", async () => await scene.writesGoTo() === unit);
  });
  return `${before} handed over to ${unit}, Router followed; ${costInWords(cost)}`;
}

async function killPrimary(scene: Scene): Promise<string> {
  const dead = await scene.primary();
  let next = "";
  const cost = await rowsDuring(scene, async () => {
    await scene.kill(dead);
    // No hook runs meanwhile: the members do it among themselves.
    next = await scene.primary();
    await scene.untilWhole(3);
  });
  return `${dead} was killed with SIGKILL, ${next} took over, and ${dead} came back; ${costInWords(cost)}`;
}

async function addUnit(stage: Stage, scene: Scene): Promise<string> {
  const cost = await rowsDuring(scene, () => scene.grow(4));
  stage.status += `\n\n${stage.model.formatStatus()}`;
  return `${scene.units().at(-1)} joined, and Router knows of it; ${costInWords(cost)}`;
}

async function removePrimary(stage: Stage, scene: Scene): Promise<string> {
  const unit = await scene.primary();
  const cost = await rowsDuring(scene, () => scene.shrink([unit]));
  expectEqual(stage.units(APP).length, 3, "number of units");
  return `${unit} handed over to ${await scene.primary()} before it stopped; ${costInWords(cost)}`;
}

async function tearDown(stage: Stage, scene: Scene): Promise<string> {
  await scene[Symbol.asyncDispose]();
  return await removeEverything(stage);
}
