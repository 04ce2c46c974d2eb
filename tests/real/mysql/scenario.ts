/**
 * Units of the example charm `mysql`, a real MySQL Router in front of them, a client that writes through it, and what is
 * true at the end of every part of a scenario.
 *
 * @module
 */
import { assert, assertEquals, fail } from "@std/assert";
import type { MysqlPrograms } from "../../../build/install_mysql.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { account, sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { type Lab, withLab } from "../units.ts";
import { completed } from "../tasks.ts";
import {
  deployMysql,
  isWhole,
  killServer,
  membersOf,
  openUnit,
  PATIENCE_MS,
  primaryUnit,
  statesOf,
} from "./formation.ts";
import { type Login, Router } from "./router.ts";
import { type Sampler, startSampler } from "./scenario_sampler.ts";
import { type Cost, measureUnderWrites, printCost, type Writer } from "../row_writer.ts";
import { makeWritten, startMysqlWriter, WRITE_MS, writtenBy } from "./scenario_writer.ts";

/** The application under test. */
export const APP = "mysql";
const CLIENT: Login = { user: "client", password: "not-a-secret-1" };
/** Milliseconds for a look at a server that may not answer. */
const LOOK_MS = 2000;

/** Units with a Router in front of them. */
export class Scene implements AsyncDisposable {
  private constructor(
    readonly lab: Lab,
    readonly router: Router,
    readonly sampler: Sampler,
  ) {}

  /** Starts a Router for a cluster that there is, and watches its servers. */
  static async open(lab: Lab, programs: MysqlPrograms): Promise<Scene> {
    const units = () => lab.unitsOf(APP);
    const primary = await lab.waitFor("a primary", () => primaryUnit(lab, units()));
    await using db = await openUnit(lab, primary);
    await makeWritten(db);
    const who = account(CLIENT.user, "%");
    await db.run("make the client's user", sql`CREATE USER ${who} IDENTIFIED BY ${CLIENT.password}`);
    await db.run("let it write", sql`GRANT SELECT, INSERT ON test.* TO ${who}`);
    const { port, ...admin } = toldBy(lab, primary);
    const router = await Router.bootstrap({ programs, directory: lab.directory, port, admin });
    return new Scene(lab, router, startSampler(units, (unit) => openUnit(lab, unit, LOOK_MS)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sampler.stop();
    await this.router.close();
  }

  units(): string[] {
    return this.lab.unitsOf(APP);
  }

  get leader(): string {
    return this.lab.model.world.applications[APP]?.leader ?? "";
  }

  async primary(): Promise<string> {
    return await this.lab.waitFor("a primary", () => primaryUnit(this.lab, this.units()));
  }

  async secondaries(): Promise<string[]> {
    const primary = await this.primary();
    return this.units().filter((unit) => unit !== primary);
  }

  /** Runs hooks until all units are members, all are well, and Router's list has them and nobody else. */
  async untilWhole(size: number): Promise<void> {
    await this.lab.settleUntil(`${size} members, all well`, async () => {
      if (!isWhole(this.lab, size)) return false;
      // Statuses are those of the last hooks, and members may not have noticed yet that another is dead.
      for (const unit of this.units()) {
        const states = (await statesOf(this.lab, unit)).map(({ state }) => state);
        assertEquals(states, Array(size).fill("ONLINE"), `states of the members, as ${unit} sees them`);
      }
      const primary = await primaryUnit(this.lab, this.units()) ?? fail("there is no primary");
      assertEquals([...await membersOf(this.lab, primary)].sort(), this.units().sort(), "Router's list");
      return true;
    }, PATIENCE_MS);
  }

  async grow(size: number): Promise<void> {
    await this.lab.model.addUnit(APP, size - this.units().length);
    await this.untilWhole(size);
  }

  async shrink(units: readonly string[]): Promise<void> {
    for (const unit of units) this.lab.model.removeUnit(unit);
    const left = this.units().filter((unit) => !units.includes(unit));
    await this.lab.settleUntil(`${left.length} units`, () => this.units().length === left.length);
    for (const unit of units) assertEquals(this.lab.processes(unit), [], `${unit} has gone, its server has not`);
    await this.untilWhole(left.length);
  }

  /** Kills servers at once, as a power failure would; the next hook of its unit starts each again. */
  async kill(...units: readonly string[]): Promise<void> {
    await Promise.all(units.map((unit) => killServer(this.lab, unit)));
  }

  /** Does something while the hooks of some units do nothing, as when their machines are away. One such thing at a time. */
  async whileAway<T>(units: readonly string[], work: () => Promise<T>): Promise<T> {
    this.lab.intercept = (unit, command) => units.includes(unit) ? ["true"] : command;
    try {
      return await work();
    } finally {
      this.lab.intercept = undefined;
    }
  }

  /** Runs an action on the leader. @returns its results, as text */
  async run(action: string, params: Readonly<Record<string, unknown>> = {}): Promise<Readonly<Record<string, string>>> {
    return await completed(this.lab.model.run(this.leader, action, params), `end of ${action}`);
  }

  /** Runs hooks until every one of these units says so. */
  async untilSaid(units: readonly string[], text: string): Promise<void> {
    await this.lab.settleUntil(`"${text}"`, () => {
      for (const unit of units) assert(this.lab.statusOf(unit).includes(text), `${unit}: ${this.lab.statusOf(unit)}`);
      return true;
    }, PATIENCE_MS);
  }

  /** The unit that the Router lets clients write on. */
  async writesGoTo(): Promise<string> {
    await using db = await this.openForWrites();
    const [row] = await db.query("ask who it is", sql`SELECT @@port AS port`);
    const unit = this.units().find((each) => this.told(each).port === Number(row?.port));
    assert(unit, "Router leads to no unit");
    return unit;
  }

  /** What a unit tells its peers: how to connect to its server. */
  told(unit: string): Login & { readonly port: number } {
    return toldBy(this.lab, unit);
  }

  openForWrites(): Promise<Mysql> {
    return this.router.write(CLIENT, WRITE_MS);
  }

  /** Waits until all servers have the same rows of a writer, all that were acknowledged among them. */
  async assertNothingLost(writer: Writer): Promise<void> {
    await this.lab.waitFor("the same rows on all members", async () => {
      const sets = await Promise.all(
        this.units().map(async (unit) => {
          await using db = await openUnit(this.lab, unit);
          assertEquals((await readGroup(db)).self?.state, "ONLINE", unit);
          return await writtenBy(writer, db);
        }),
      );
      for (const [index, rows] of sets.entries()) {
        const lost = [...writer.acknowledged].filter((number) => !rows.has(number));
        assertEquals(lost, [], `acknowledged rows that ${this.units()[index]} does not have`);
        assertEquals(rows.size, sets[0]?.size, "number of rows");
      }
      return true;
    });
  }
}

/** Deploys units and runs a test when they are a cluster; what happened is printed when it fails. */
export async function withMysql(
  programs: MysqlPrograms,
  units: number,
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  await withLab({ server: "mysqld" }, async (lab) => {
    const began = performance.now();
    await form(lab, programs, units);
    console.log(`formed from nothing, ${units} units: ${Math.round(performance.now() - began)} ms`);
    await using scene = await Scene.open(lab, programs);
    await test(scene);
  });
}

/** Deploys units that become a cluster; one unit does so only on request. */
export async function form(lab: Lab, programs: MysqlPrograms, units: number): Promise<void> {
  await deployMysql(lab, programs, units);
  if (units === 1) {
    const said = "waiting: Waiting for more units: 1 of 3 are there";
    await lab.settleUntil("a server without a cluster", () => lab.statusOf(`${APP}/0`) === said);
    await completed(lab.model.run(`${APP}/0`, "create-cluster"));
  }
  await lab.settleUntil(`a cluster of ${units}`, () => isWhole(lab, units), PATIENCE_MS);
}

/** Runs a part of a scenario under writes and prints what it cost. */
export async function underWrites(what: string, scene: Scene, part: (writer: Writer) => Promise<void>): Promise<void> {
  printCost(what, await rowsDuring(scene, part));
}

/** Runs a part under writes; fails when an acknowledged row is lost, or two servers took writes at the same time. */
export async function rowsDuring(scene: Scene, part: (writer: Writer) => Promise<void>): Promise<Cost> {
  const writer = startMysqlWriter(() => scene.openForWrites());
  return await measureUnderWrites(scene.lab, writer, () => part(writer), async () => {
    await scene.assertNothingLost(writer);
    scene.sampler.assertOnePrimary();
  });
}

function toldBy(lab: Lab, unit: string): Login & { readonly port: number } {
  const [relation] = Object.values(lab.model.world.relations);
  const bag = relation?.unitBags[unit] ?? {};
  const text = (key: string): string => JSON.parse(bag[key] ?? '""');
  return { user: text("cluster-user"), password: text("cluster-password"), port: Number(bag["cluster-port"]) };
}
