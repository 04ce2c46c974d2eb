/**
 * Units of the postgresql charm with real servers, an etcd with mutual TLS beside them, and a client application.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { ensureDebianPackages } from "../../../build/install.ts";
import { openPatroni } from "../../../interfaces/clients/patroni/client.ts";
import type { ClusterView } from "../../../interfaces/clients/patroni/values.ts";
import type { ConfigValues } from "../../model/mod.ts";
import { type Cluster, startCluster } from "../etcd/cluster.ts";
import { deployProvider, offerOf } from "../etcd/simulated_provider.ts";
import { type Cost, measureUnderWrites, printCost, type Writer } from "../row_writer.ts";
import { type Lab, type LabOptions, withLab } from "../units.ts";
import { sendSignal } from "../units_processes.ts";
import { type Access, assertNothingLost, startPostgresWriter } from "./scenario_writer.ts";

/** The application under test. */
export const APP = "postgresql";
const CLIENT = "client";
const PORT = 5432;
/** Where the members' REST APIs are. */
export const REST_PORT = 8008;

/** Quick failovers, and little memory. */
export const QUICK: ConfigValues = { ttl: 20, "loop-wait": 2, "retry-timeout": 3, "shared-buffers": "16MB" };

/** What units of PostgreSQL need of this machine. */
export const PACKAGES = ["postgresql-15", "patroni", "python3-etcd", "python3-idna", "strace", "util-linux"];

/** Units of PostgreSQL with everything around them. */
export class Scene {
  constructor(readonly lab: Lab, readonly clientRelation: number) {}

  units(): string[] {
    return this.lab.unitsOf(APP);
  }

  addressOf(unit: string): string {
    return this.unitBag(unit)["private-address"] ?? "";
  }

  unitBag(unit: string): Readonly<Record<string, string>> {
    return this.peerRelation().unitBags[unit] ?? {};
  }

  applicationBag(): Readonly<Record<string, string>> {
    return this.peerRelation().appBags[APP] ?? {};
  }

  /** Addresses in the databag's list, in its order. */
  listed(): string[] {
    return JSON.parse(this.applicationBag().members_ips ?? "[]");
  }

  get leader(): string {
    return this.lab.model.world.applications[APP]?.leader ?? "";
  }

  /** What clients have been told. */
  readOnlyEndpoints(): string {
    return this.lab.model.relation(this.clientRelation).appBags[APP]?.["read-only-endpoints"] ?? "";
  }

  /** How the superuser connects; undefined until there is a password. */
  readonly access = (): Access | undefined => {
    const password = this.secretValue("operator-password");
    const addresses = this.units().map((unit) => this.addressOf(unit)).filter((address) => address !== "");
    return password === undefined ? undefined : { addresses, port: PORT, password };
  };

  /** A value of the latest revision of one of Juju's secrets, or of the databag where Juju has none. */
  secretValue(field: string): string | undefined {
    for (const { revisions } of Object.values(this.lab.model.world.secrets)) {
      const value = revisions.at(-1)?.content[field];
      if (value !== undefined) return atob(value);
    }
    return this.applicationBag()[field];
  }

  /** Patroni's view, from a unit. */
  async view(unit = this.units()[0] ?? ""): Promise<ClusterView> {
    const ca = this.secretValue("ca-certificate");
    const options = ca === undefined ? {} : { schemes: ["https", "http"] as const, tls: { ca } };
    using patroni = openPatroni({ address: this.addressOf(unit), port: REST_PORT, ...options });
    return await patroni.cluster();
  }

  /** The unit whose member leads. */
  async primary(): Promise<string> {
    for (const unit of this.units()) {
      const view = await this.view(unit).catch(() => undefined);
      const name = view?.members.find(({ role }) => role === "leader")?.name;
      const found = this.units().find((each) => each.replace("/", "-") === name);
      if (found !== undefined) return found;
    }
    throw new Error("nobody leads");
  }

  /** Whether exactly these units are members that run, all well, listed once, and clients know the replicas. */
  async isWhole(size: number): Promise<boolean> {
    const units = this.units();
    assertEquals(units.length, size, "units");
    const { members } = await this.view();
    assertEquals(members.map(({ name }) => name).sort(), units.map((unit) => unit.replace("/", "-")).sort(), "members");
    for (const { name, state } of members) assertEquals(/^(running|streaming)$/.test(state), true, `${name}: ${state}`);
    assertEquals([...this.listed()].sort(), units.map((unit) => this.addressOf(unit)).sort(), "listed");
    for (const unit of units) {
      assertEquals(this.lab.statusOf(unit).split(":")[0], "active", `${unit}: ${this.lab.statusOf(unit)}`);
    }
    const replicas = members.filter(({ role }) => role !== "leader").map(({ host }) => `${host}:${PORT}`).sort();
    const expected = replicas.length > 0 ? replicas.join(",") : `${members[0]?.host}:${PORT}`;
    assertEquals(this.readOnlyEndpoints(), expected, "read-only endpoints");
    if (size > 1) {
      assertEquals(members.filter(({ role }) => role === "sync_standby").length, size - 1, "synchronous replicas");
    }
    return true;
  }

  /** Runs hooks until the cluster {@linkcode Scene.isWhole | is whole}. */
  async untilWhole(size: number): Promise<void> {
    await this.lab.settleUntil(`${size} members, all well`, () => this.isWhole(size), 240_000);
  }

  async grow(size: number): Promise<void> {
    await this.lab.model.addUnit(APP, size - this.units().length);
    await this.untilWhole(size);
  }

  async shrink(units: readonly string[]): Promise<void> {
    for (const unit of units) this.lab.model.removeUnit(unit);
    const left = this.units().length - units.length;
    await this.lab.settleUntil(`${left} units`, () => this.units().length === left);
    for (const unit of units) assertEquals(this.lab.processes(unit), [], `${unit} has gone, its servers have not`);
    await this.untilWhole(left);
  }

  /** Kills a unit's Patroni and its server at once. */
  async killMember(unit: string): Promise<void> {
    for (const { pid, argv } of this.lab.processes(unit)) {
      if (argv.some((text) => text.endsWith("/patroni") || text.includes("bin/postgres"))) sendSignal(pid, "SIGKILL");
    }
    await this.lab.waitFor(`the end of ${unit}'s server`, () => this.lab.serverPid(unit) === undefined);
  }

  write(): Writer {
    return startPostgresWriter(this.access);
  }

  /** What every replica's session with the primary is: `TLSv1.3`, or `clear`. */
  async replicationSessions(): Promise<string[]> {
    const { openPostgres } = await import("../../../interfaces/clients/postgresql/client.ts");
    const access = this.access();
    const ca = this.secretValue("ca-certificate");
    const host = this.addressOf(await this.primary());
    const isTls = this.unitBag(await this.primary()).tls === "enabled";
    const at = { host, port: PORT, ...isTls && ca !== undefined ? { ca } : {} };
    await using server = await openPostgres({ at, user: "operator", password: access?.password ?? "" });
    return (await server.replication()).map(({ ssl, tlsVersion }) => ssl ? tlsVersion ?? "TLS" : "clear");
  }

  /** The longest hook of a unit, or of all, so far, in milliseconds, with its unit and name. */
  longestHook(of?: string): { readonly ms: number; readonly hook: string } {
    const runs = this.lab.model.timeline.filter(({ kind, name, unit }) =>
      kind === "hook" && name !== "install" && (of === undefined || unit === of)
    );
    const longest = runs.reduce((a, b) => a.end - a.start >= b.end - b.start ? a : b);
    return { ms: Math.round(longest.end - longest.start), hook: `${longest.unit} ${longest.name}` };
  }

  peerRelation() {
    const found = Object.values(this.lab.model.world.relations).find(({ sides }) =>
      sides.some(({ app, endpoint }) => app === APP && endpoint.name === "database-peers")
    );
    if (!found) throw new Error("there is no peer relation");
    return found;
  }
}

/** What surrounds a scene. */
export interface SceneOptions extends Omit<LabOptions, "server"> {
  readonly config?: ConfigValues;
  /** Members of etcd; one without it. */
  readonly stores?: number;
  /** Called before any hook has run. */
  readonly prepare?: (lab: Lab) => void;
  /** Called when units know of each other and etcd is about to tell how it is reached. */
  readonly beforeStore?: (scene: Scene) => void;
}

/** Deploys units and runs a test when they are whole; what happened is printed when it fails. */
export async function withPostgresql(
  units: number,
  test: (scene: Scene, etcd: Cluster) => Promise<void>,
  options: SceneOptions = {},
): Promise<void> {
  const { config = {}, stores = 1, prepare = () => {}, beforeStore = () => {}, ...rest } = options;
  await ensureDebianPackages(PACKAGES);
  await using etcd = await startCluster(stores);
  await withLab({ server: "postgres", ...rest }, async (lab) => {
    prepare(lab);
    const scene = await deployScene(lab, units, config);
    const provider = await deployProvider(lab.model, "etcd", `${APP}:etcd`);
    beforeStore(scene);
    await provider.publish(offerOf(etcd));
    await scene.untilWhole(units);
    await test(scene, etcd);
  });
}

/** Deploys units and an application that reads from them; what they keep their agreements in is another's business. */
export async function deployScene(lab: Lab, units: number, config: ConfigValues = {}): Promise<Scene> {
  const charm = join(lab.directory, CLIENT);
  await Deno.mkdir(charm);
  const requires = { database: { interface: "postgresql_client" } };
  await Deno.writeTextFile(
    join(charm, "metadata.yaml"),
    JSON.stringify({ name: CLIENT, summary: "Reads", description: "", requires }),
  );
  await lab.deploy({ charm: APP, units, config: { ...QUICK, ...config } });
  await lab.model.deploy({ name: CLIENT, charm });
  return new Scene(lab, lab.model.relate(`${CLIENT}:database`, `${APP}:database`));
}

/** Runs a part of a scenario under writes and prints what it cost. */
export async function underWrites(what: string, scene: Scene, part: () => Promise<void>): Promise<void> {
  printCost(what, await rowsDuring(scene, part));
}

/** Runs a part of a scenario under writes; fails when an acknowledged row is lost. */
export async function rowsDuring(scene: Scene, part: () => Promise<void>): Promise<Cost> {
  const writer = scene.write();
  return await measureUnderWrites(scene.lab, writer, part, async () => {
    const access = scene.access();
    if (!access) throw new Error("there is no password");
    await assertNothingLost(writer, access, scene.addressOf(await scene.primary()));
  });
}
