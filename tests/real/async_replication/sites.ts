/**
 * Two applications of the example charm `mysql` in two models, and what tests ask their servers.
 *
 * @module
 */
import { assert, assertEquals, fail } from "@std/assert";
import { dirname } from "node:path";
import type { MysqlPrograms } from "../../../build/install_mysql.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { textIn } from "../../../interfaces/clients/mysql/rows.ts";
import { killServer, openUnit } from "../mysql/formation.ts";
import { HOST } from "../mysql/lab.ts";
import { freePorts } from "../mysql/ports.ts";
import { makeWritten, WRITE_MS } from "../mysql/scenario_writer.ts";
import { type Lab, withLab } from "../units.ts";
import { completed } from "../tasks.ts";
import { type Sampler, startSampler, takesWrites, unlessGone } from "./sampler.ts";

/** The application that offers itself at first, and the one that becomes its replica. */
export const EAST = "east";
export const WEST = "west";
/** Endpoints of the charm. */
export const OFFER = "replication-offer";
export const REPLICA = "replication";
/** Milliseconds: a member that died is expelled after 20 s; machines are slow. */
export const PATIENCE_MS = 240_000;
/** Milliseconds for a look at a server that may not answer. */
const LOOK_MS = 2000;
/** Ports in a row for the units of an application, those that come later included. */
const PORT_STEP = 10;
const READY = /^active: Unit is ready: Mode: R\/[OW], Cluster is ONLINE/;

/** What {@linkcode withSites} makes. */
export interface SitesOptions {
  readonly eastUnits?: number;
  readonly westUnits?: number;
  /** Units that run hooks at the same time; 2 when absent. */
  readonly concurrency?: number;
  /** How often a hook that fails is run again; not at all when absent: none has to. Killed ones always are. */
  readonly retries?: number;
  readonly config?: Readonly<Record<string, Readonly<Record<string, string | number | boolean>>>>;
}

/** The channel from the other cluster, as one server has it. */
export interface Channel {
  readonly exists: boolean;
  /** `ON`, `OFF` or `CONNECTING`; empty without the channel. */
  readonly receiver: string;
}

/** Two clusters that are not related yet. */
export class Sites implements AsyncDisposable {
  readonly sampler: Sampler;
  #relation: { readonly id: number; readonly sides: readonly [string, string] } | undefined;

  constructor(readonly lab: Lab, readonly programs: MysqlPrograms) {
    this.sampler = startSampler(() => this.allUnits(), (unit) => openUnit(lab, unit, LOOK_MS));
  }

  units(app: string): string[] {
    return this.lab.unitsOf(app);
  }

  allUnits(): string[] {
    return [...this.units(EAST), ...this.units(WEST)];
  }

  leader(app: string): string {
    return this.lab.model.world.applications[app]?.leader ?? fail(`${app} has no leader`);
  }

  /** Relates the sites, the first one being the primary. */
  relate(primary = EAST, replica = WEST): void {
    const sides = [`${primary}:${OFFER}`, `${replica}:${REPLICA}`] as const;
    this.#relation = { id: this.lab.model.relate(...sides), sides };
  }

  unrelate(): void {
    const { sides } = this.#relation ?? fail("the sites are not related");
    this.lab.model.removeRelation(...sides);
    this.#relation = undefined;
  }

  get relationId(): number {
    return this.#relation?.id ?? fail("the sites are not related");
  }

  /** An application's databag of the relation between the sites. */
  bag(app: string): Readonly<Record<string, string>> {
    return this.lab.model.world.relations[this.relationId]?.appBags[app] ?? {};
  }

  /** The units of an application whose servers get data from the other site. */
  async replicating(app: string): Promise<string[]> {
    const channels = await this.channels(app);
    return this.units(app).filter((_, index) => channels[index]?.receiver === "ON");
  }

  /** The first unit of them; it may be connecting just now. */
  replicatingUnit(app: string): Promise<string> {
    return this.lab.waitFor("a unit that replicates", async () => (await this.replicating(app))[0]);
  }

  /** A unit's databag among the units of its application. */
  unitBag(unit: string): Readonly<Record<string, string>> {
    return this.#peers(unit.split("/")[0] ?? "")?.unitBags[unit] ?? {};
  }

  /** An application's databag among its units. */
  peerBag(app: string): Readonly<Record<string, string>> {
    return this.#peers(app)?.appBags[app] ?? {};
  }

  #peers(app: string) {
    return Object.values(this.lab.model.world.relations).find(({ sides }) => sides.every((side) => side.app === app));
  }

  setName(app: string): string {
    return this.peerBag(app)["cluster-set-domain-name"] ?? fail(`${app} knows no cluster set`);
  }

  clusterName(app: string): string {
    return this.peerBag(app)["cluster-name"] ?? fail(`${app} knows no cluster name`);
  }

  /** Whether all units of these applications say that all is well. */
  allReady(...apps: readonly string[]): boolean {
    for (const unit of apps.flatMap((app) => this.units(app))) {
      assert(READY.test(this.lab.statusOf(unit)), `${unit}: ${this.lab.statusOf(unit)}`);
    }
    return true;
  }

  /** Runs hooks until the replica has all members, and every unit says that all is well. */
  async untilReplicating(replica = WEST, patienceMs = PATIENCE_MS): Promise<void> {
    this.lab.model.updateStatus();
    await this.lab.settleUntil(`${replica} replicates`, async () => {
      this.allReady(EAST, WEST);
      return await this.follows(replica);
    }, patienceMs);
  }

  /** The channel from the other site, as each unit of an application has it. */
  channels(app: string): Promise<Channel[]> {
    return Promise.all(this.units(app).map((unit) => channelOf(this.lab, unit)));
  }

  /** Whether one unit of a replica gets the other site's data, and all others are ready to. */
  async follows(replica: string): Promise<boolean> {
    const channels = await this.channels(replica);
    assertEquals(channels.filter(({ receiver }) => receiver === "ON").length, 1, "members that replicate");
    assertEquals(channels.filter(({ exists }) => exists).length, channels.length, "members with the channel");
    return true;
  }

  /** Milliseconds of the longest run of a hook or action on a unit. */
  longestRun(unit: string, name: string | RegExp): number {
    const runs = this.lab.model.timeline.filter((run) =>
      run.unit === unit && (typeof name === "string" ? run.name === name : name.test(run.name))
    );
    return Math.round(Math.max(0, ...runs.map(({ start, end }) => end - start)));
  }

  /** Runs an action on an application's leader. @returns its message */
  async run(app: string, action: string, params: Readonly<Record<string, unknown>> = {}): Promise<string> {
    return (await completed(this.lab.model.run(this.leader(app), action, params), `end of ${action}`)).message ?? "";
  }

  /** Runs an action that has to be refused. @returns why */
  async refused(unit: string, action: string, params: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { status, message } = await this.lab.model.run(unit, action, params);
    assertEquals(status, "failed", `end of ${action}`);
    return message;
  }

  /** The unit that takes writes, of one application or of both. */
  async writable(...apps: readonly string[]): Promise<string | undefined> {
    const units = apps.length === 0 ? this.allUnits() : apps.flatMap((app) => this.units(app));
    const isWritable = (unit: string) => unlessGone(() => openUnit(this.lab, unit, LOOK_MS), takesWrites);
    const found = await Promise.all(units.map(async (unit) => await isWritable(unit) ? unit : undefined));
    return found.find((unit) => unit !== undefined);
  }

  /** Connects to the unit that takes writes. */
  async openForWrites(): Promise<Mysql> {
    const unit = await this.writable();
    return await openUnit(this.lab, unit ?? this.leader(EAST), WRITE_MS);
  }

  /** Does something while some units' hooks do nothing, as when Juju's word does not reach the charm. */
  async whileDeaf<T>(isDeaf: (unit: string, hook: string) => boolean, work: () => Promise<T>): Promise<T> {
    this.lab.intercept = (unit, command, hook) => isDeaf(unit, hook) ? ["true"] : command;
    try {
      return await work();
    } finally {
      this.lab.intercept = undefined;
    }
  }

  /** Kills all servers of an application, as a site that loses its power; none of its hooks runs until {@linkcode revive}. */
  async lose(app: string): Promise<void> {
    const units = this.units(app);
    this.lab.intercept = (unit, command) => units.includes(unit) ? ["false"] : command;
    await Promise.all(units.map((unit) => killServer(this.lab, unit)));
  }

  /** The lost site has power again: its hooks run, and start its servers. */
  revive(): void {
    this.lab.intercept = undefined;
    const stopped = this.allUnits().filter((unit) => this.lab.statusOf(unit).startsWith("error:"));
    for (const unit of stopped) this.lab.model.resolved(unit);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    console.log(`  between two answers of a server that ran lay at most ${this.sampler.longestPauseMs()} ms`);
    await this.sampler.stop();
  }
}

/** Deploys both sites and runs a test when each is a cluster; what happened is printed when it fails. */
export async function withSites(
  programs: MysqlPrograms,
  options: SitesOptions,
  test: (sites: Sites) => Promise<void>,
): Promise<void> {
  const { concurrency = 2, retries = 0 } = options;
  await withLab({ server: "mysqld", concurrency, retries }, async (lab) => {
    const began = performance.now();
    await deploySites(lab, programs, options);
    console.log(`  two clusters from nothing: ${Math.round(performance.now() - began)} ms`);
    await using sites = new Sites(lab, programs);
    await test(sites);
  });
}

/** Deploys both sites and waits until each is a cluster. */
export async function deploySites(lab: Lab, programs: MysqlPrograms, options: SitesOptions = {}): Promise<void> {
  const { eastUnits = 3, westUnits = 2, config = {} } = options;
  const sizes: Readonly<Record<string, number>> = { [EAST]: eastUnits, [WEST]: westUnits };
  for (const [app, units] of Object.entries(sizes)) {
    await lab.deploy({
      charm: "mysql",
      name: app,
      model: app,
      units,
      address: () => HOST,
      config: {
        "mysql-directory": dirname(programs.mysqld),
        port: freePorts(1, PORT_STEP)[0] ?? fail("no free ports"),
        "port-per-unit": true,
        "buffer-pool-size": 16,
        ...config[app],
      },
    });
  }
  const small = Object.keys(sizes).filter((app) => (sizes[app] ?? 0) < 3);
  for (const app of small) {
    const first = `${app}/0`;
    await lab.settleUntil(`servers of ${app}`, () => {
      for (const unit of lab.unitsOf(app)) {
        assert(/^waiting: Waiting for more units/.test(lab.statusOf(unit)), lab.statusOf(unit));
      }
      return true;
    }, PATIENCE_MS);
    await completed(lab.model.run(first, "create-cluster"));
  }
  await lab.settleUntil("two clusters", async () => {
    for (const [app, size] of Object.entries(sizes)) {
      const units = lab.unitsOf(app);
      for (const unit of units) assert(READY.test(lab.statusOf(unit)), `${unit}: ${lab.statusOf(unit)}`);
      await using db = await openUnit(lab, units[0] ?? "");
      assertEquals((await readGroup(db)).online, size, `members of ${app}`);
    }
    return true;
  }, PATIENCE_MS);
}

/** Makes the writer's table on the unit that takes writes. */
export async function makeWriterTable(lab: Lab, unit: string): Promise<void> {
  await using db = await openUnit(lab, unit);
  await makeWritten(db);
}

async function channelOf(lab: Lab, unit: string): Promise<Channel> {
  await using db = await openUnit(lab, unit);
  const [row] = await db.query(
    "read the channel",
    sql`SELECT SERVICE_STATE AS state FROM performance_schema.replication_connection_status
      WHERE CHANNEL_NAME = 'clusterset_replication'`,
  );
  return row ? { exists: true, receiver: textIn(row, "state") } : { exists: false, receiver: "" };
}
