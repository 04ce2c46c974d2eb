/**
 * Units of the etcd charm with real members, someone that reads what they publish, and the table of what was measured.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { type Etcd, openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import type { Member } from "../../../interfaces/clients/etcd/members.ts";
import { writeFileAtomically } from "../../../interfaces/clients/files.ts";
import { ensureDebianPackages } from "../../../build/install.ts";
import { projectDir } from "../../../build/project.ts";
import { type Lab, type LabDeployOptions, type LabOptions, openLab, withLab } from "../units.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { type Access, assertNothingLost, startWriter, type Writer } from "./scenario_writer.ts";

/** The application under test. */
export const APP = "etcd";
const READER = "reader";
/** Milliseconds for one request of the test's own. */
const TIMEOUT_MS = 5000;
const TABLE = join(projectDir, "dist", "etcd-scenarios.json");

/** Units of etcd, related to an application without hooks that only holds the relation. */
export class Scene implements AsyncDisposable {
  constructor(readonly lab: Lab, readonly relationId: number) {}

  /** What the units publish, from the first one that has published all of it. */
  readonly access = (): Access | undefined => {
    return this.units().map((unit) => this.published(unit)).find((access) => access !== undefined);
  };

  /** What one unit has published; undefined when it has not published all. */
  published(unit: string): Access | undefined {
    const bag = this.lab.model.relation(this.relationId).unitBags[unit] ?? {};
    const { connection_string: endpoints, client_ca: ca, client_cert: cert, client_key: key } = bag;
    return endpoints && ca && cert && key ? { endpoints, tls: { ca, cert, key } } : undefined;
  }

  /** The units that are there now. */
  units(): string[] {
    return this.lab.unitsOf(APP);
  }

  /** A client of what is published. */
  open(): Etcd {
    const access = this.access();
    if (!access) throw new Error("no unit has published how to reach etcd");
    return openEtcd({ ...access, timeoutMs: TIMEOUT_MS });
  }

  async members(): Promise<readonly Member[]> {
    using etcd = this.open();
    return await etcd.members.list();
  }

  /** Whether there are so many members and units, all well, and everybody publishes just these members. */
  async isWhole(size: number): Promise<boolean> {
    const units = this.units();
    assertEquals(units.length, size, "units");
    const members = await this.members();
    assertEquals(members.map(({ name }) => name).sort(), units.map((unit) => unit.replace("/", "")).sort(), "members");
    const urls = members.flatMap(({ clientUrls }) => clientUrls).sort();
    for (const unit of units) {
      assertEquals(this.published(unit)?.endpoints.split(",").sort(), urls, `published by ${unit}`);
      assertEquals(this.lab.statusOf(unit).split(":")[0], "active", this.lab.statusOf(unit));
    }
    using etcd = this.open();
    assertEquals((await etcd.maintenance.health()).map(({ healthy }) => healthy), units.map(() => true), "health");
    return true;
  }

  /** Runs hooks until the cluster {@linkcode Scene.isWhole | is whole}. */
  async untilWhole(size: number): Promise<void> {
    await this.lab.settleUntil(`${size} members, all well`, () => this.isWhole(size));
  }

  /** A client that writes all the time. */
  write(): Writer {
    return startWriter(this.access);
  }

  /** Adds units and waits for them. */
  async grow(size: number): Promise<void> {
    await this.lab.model.addUnit(APP, size - this.units().length);
    await this.untilWhole(size);
  }

  /** Removes units, and waits for the rest to be whole. */
  async shrink(units: readonly string[]): Promise<void> {
    for (const unit of units) this.lab.model.removeUnit(unit);
    const left = this.units().length - units.length;
    await this.lab.settleUntil(`${left} units`, () => this.units().length === left);
    for (const unit of units) assertEquals(this.lab.processes(unit), [], `${unit} has gone, its server has not`);
    await this.untilWhole(left);
  }

  get leader(): string {
    return this.lab.model.world.applications[APP]?.leader ?? "";
  }

  /** Ends the lab that the scene is in. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.lab[Symbol.asyncDispose]();
  }

  /** Fails when key material shows anywhere. */
  async assertNoSecretShows(): Promise<void> {
    await assertNoSecretShows(this.lab, await findSecrets(this.lab));
  }
}

/** How units are deployed, and in what lab. */
export interface SceneOptions extends Omit<LabOptions, "server"> {
  /** Address of each unit. */
  readonly address?: NonNullable<LabDeployOptions["address"]>;
  readonly config?: NonNullable<LabDeployOptions["config"]>;
}

/** Deploys units and runs a test when they are whole; what happened is printed when it fails. */
export async function withEtcd(
  units: number,
  test: (scene: Scene) => Promise<void>,
  { address, config, ...options }: SceneOptions = {},
): Promise<void> {
  await installEtcd();
  await withLab({ server: APP, ...options }, async (lab) => {
    const scene = await deployEtcd(lab, units, { ...(address && { address }), ...(config && { config }) });
    await scene.untilWhole(units);
    await test(scene);
  });
}

/** Deploys units in a lab of their own, which nobody has run a hook of yet. */
export async function openScene(units: number, options: Omit<LabOptions, "server"> = {}): Promise<Scene> {
  await installEtcd();
  return await deployEtcd(await openLab({ server: APP, ...options }), units);
}

/** The charm installs it by itself; here it is not a part of the time that anything takes. */
async function installEtcd(): Promise<void> {
  await ensureDebianPackages(["etcd-server", "etcd-client", "strace", "util-linux"]);
}

async function deployEtcd(
  lab: Lab,
  units: number,
  { config, ...more }: Pick<SceneOptions, "address" | "config"> = {},
): Promise<Scene> {
  const charm = join(lab.directory, READER);
  await Deno.mkdir(charm);
  const metadata = { name: READER, summary: "Reads", description: "", requires: { etcd: { interface: "etcd" } } };
  await Deno.writeTextFile(join(charm, "metadata.yaml"), JSON.stringify(metadata));
  // Phases of a rotation follow at once.
  await lab.deploy({ charm: "etcd", name: APP, units, ...more, config: { "rotation-pause": 0, ...config } });
  await lab.model.deploy({ name: READER, charm });
  return new Scene(lab, lab.model.relate(`${READER}:etcd`, `${APP}:db`));
}

/** One line of the table. */
interface Row {
  readonly scenario: string;
  readonly seconds: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly failedWrites: number;
  readonly longestGapMs: number;
  /** The hook that took longest. */
  readonly longestHookMs: number;
}

/**
 * Runs a step while a client writes, fails when a write is lost or a read goes back, and notes what was measured.
 *
 * @param scenario its name in the table
 * @param scene the units
 * @param step what happens
 */
export async function underWrites(scenario: string, scene: Scene, step: () => Promise<void>): Promise<void> {
  const { model } = scene.lab;
  await using writer = scene.write();
  const before = 20;
  await scene.lab.waitFor("the first writes", () => writer.acknowledged() >= before);
  const runs = model.timeline.length;
  const start = performance.now();
  await step();
  const seconds = Math.round((performance.now() - start) / 100) / 10;
  const after = writer.acknowledged() + before;
  await scene.lab.waitFor("writes after it", () => writer.acknowledged() >= after);
  const report = await writer.report();
  const { acknowledged, lost, failedWrites, longestGapMs, reasons } = report;
  const longestHookMs = Math.round(Math.max(0, ...model.timeline.slice(runs).map(({ start, end }) => end - start)));
  await note({ scenario, seconds, acknowledged, lost: lost.length, failedWrites, longestGapMs, longestHookMs });
  for (const reason of reasons) console.log(`  a request failed: ${reason}`);
  assertNothingLost(report);
}

/** Prints a line, and puts it into the table in dist/. */
async function note(row: Row): Promise<void> {
  const { scenario, seconds, acknowledged, lost, failedWrites, longestGapMs, longestHookMs } = row;
  console.log(
    `${scenario}: ${seconds} s, ${acknowledged} writes acknowledged, ${lost} lost, ${failedWrites} failed, ` +
      `longest gap ${longestGapMs} ms, longest hook ${longestHookMs} ms`,
  );
  const others = (await readTable()).filter((other) => other.scenario !== scenario);
  await writeFileAtomically(TABLE, `${JSON.stringify([...others, row], null, 2)}\n`, { mode: 0o644 });
}

async function readTable(): Promise<Row[]> {
  try {
    return JSON.parse(await Deno.readTextFile(TABLE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
