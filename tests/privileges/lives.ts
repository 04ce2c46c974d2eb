/**
 * Lives of units with real servers, in which as many handlers and actions as possible have something to do.
 *
 * @module
 */
import { ensureDebianPackages } from "../../build/install.ts";
import { mysqlForTests, type MysqlPrograms } from "../../build/install_mysql.ts";
import type { ConfigValues } from "../model/mod.ts";
import { deploySites, EAST, Sites, WEST } from "../real/async_replication/sites.ts";
import { startCluster } from "../real/etcd/cluster.ts";
import { deployProvider, offerOf } from "../real/etcd/simulated_provider.ts";
import { deployMysql, isWhole, killServer, PATIENCE_MS } from "../real/mysql/formation.ts";
import { PACKAGES, QUICK } from "../real/postgresql/scenario.ts";
import { DENIED } from "./tried.ts";
import type { Trial } from "./trial.ts";

/** A life; see {@linkcode LIVES}. */
interface Life {
  /** What is declared for it; see `Declared`. */
  readonly sides: readonly string[];
  /** Name of the servers' program. */
  readonly server: string;
  readonly run: (trial: Trial) => Promise<void>;
}

/** By the name of what lives. */
export const LIVES: Readonly<Record<string, Life>> = {
  etcd: { sides: ["etcd peers"], server: "etcd", run: liveEtcd },
  magpie: { sides: ["magpie peers"], server: "iperf3", run: liveMagpie },
  mysql: { sides: ["mysql-innodb-cluster peers"], server: "mysqld", run: liveMysql },
  postgresql: { sides: ["postgresql_peers peers"], server: "postgres", run: livePostgresql },
  "async-replication": {
    sides: ["async_replication provides", "async_replication requires"],
    server: "mysqld",
    run: liveReplication,
  },
};

async function liveEtcd(trial: Trial): Promise<void> {
  await ensureDebianPackages(["etcd-server", "etcd-client"]);
  await trial.narrow("etcd");
  await trial.lab.deploy({ charm: "etcd", units: 2 });
  await untilWell(trial, "etcd", 2);
  const leader = leaderOf(trial, "etcd");
  await trial.act(leader, "health");
  await trial.act(leader, "member-list");
  const { file } = await trial.act(leader, "snapshot");
  await trial.act(leader, "rotate-certificates");
  await untilWell(trial, "etcd", 2);
  await trial.act(leader, "restore", { snapshot: file, confirm: true });
  await untilWell(trial, "etcd", 2);
  await growAndEnd(trial, "etcd", 2, { "election-timeout": 2000 });
}

async function liveMagpie(trial: Trial): Promise<void> {
  await ensureDebianPackages(["iputils-ping", "iperf3"]);
  await trial.narrow("magpie");
  // Nobody answers there, which is told at once.
  const config = { dns_server: "127.0.0.1", dns_time: 1, ping_tries: 3, required_mtu: 1400 };
  await trial.lab.deploy({ charm: "magpie", units: 2, config });
  const well = /^(active|blocked: dns failed|blocked: .*127\.0\.0\.1)/;
  await untilWell(trial, "magpie", 2, well);
  await trial.act("magpie/0", "ping", { "required-mtu": 1400 });
  await trial.act("magpie/0", "dns", { server: "127.0.0.1", timeout: 1 });
  await trial.act("magpie/0", "iperf", {
    "batch-time": 1,
    "total-run-time": 1,
    "concurrency-progression": "1",
    "min-speed": "1",
  });
  await trial.act("magpie/0", "info");
  await growAndEnd(trial, "magpie", 2, { iperf_port: 5202, iperf_listen_cidr: "127.0.0.0/8" }, well);
}

async function liveMysql(trial: Trial): Promise<void> {
  const { lab } = trial;
  await trial.narrow("mysql");
  await deployMysql(lab, await mysql(), 3);
  const whole = () => lab.settleUntil("a whole cluster", () => isWhole(lab, 3), PATIENCE_MS);
  await whole();
  const leader = leaderOf(trial, "mysql");
  const [other = ""] = lab.unitsOf("mysql").filter((unit) => unit !== leader);
  await trial.act(leader, "cluster-status");
  await trial.act(leader, "create-cluster");
  await trial.act(leader, "set-cluster-primary", { address: other });
  await trial.act(leader, "remove-instance", { address: other });
  await trial.act(leader, "add-instance", { address: other });
  await trial.act(leader, "rejoin-instance", { address: other });
  await whole();
  await trial.act(leader, "set-password");
  await whole();
  for (const unit of lab.unitsOf("mysql")) await killServer(lab, unit);
  await untilWell(trial, "mysql", 3, /run reboot-cluster-from-complete-outage/);
  await trial.act(leader, "reboot-cluster-from-complete-outage");
  await whole();
  await growAndEnd(trial, "mysql", 3, { "max-connections": 321 });
}

async function livePostgresql(trial: Trial): Promise<void> {
  await ensureDebianPackages(PACKAGES);
  await using etcd = await startCluster(1);
  await trial.narrow("postgresql");
  await trial.lab.deploy({ charm: "postgresql", units: 2, config: { ...QUICK, tls: true } });
  const { publish } = await deployProvider(trial.lab.model, "etcd", "postgresql:etcd");
  await publish(offerOf(etcd));
  await untilWell(trial, "postgresql", 2);
  const leader = leaderOf(trial, "postgresql");
  const { primary } = await trial.act(leader, "get-primary");
  const [replica = ""] = trial.lab.unitsOf("postgresql").filter((unit) => unit !== primary);
  await trial.act(leader, "get-cluster-status");
  await trial.act(replica, "reinitialize");
  await untilWell(trial, "postgresql", 2);
  for (const action of ["switchover", "rotate-certificate", "set-password", "restart"]) {
    await trial.lab.settleUntil("members that are ready", async () => {
      return (await trial.lab.model.run(leader, "get-cluster-status")).results.ready === "2";
    }, PATIENCE_MS);
    await trial.act(leader, action);
  }
  await untilWell(trial, "postgresql", 2);
  await growAndEnd(trial, "postgresql", 2, { "shared-buffers": "24MB" });
}

async function liveReplication(trial: Trial): Promise<void> {
  const { lab } = trial;
  const programs = await mysql();
  await trial.narrow("mysql");
  await deploySites(lab, programs, { eastUnits: 1, westUnits: 1 });
  await using sites = new Sites(lab, programs);
  const [east, west] = [sites.leader(EAST), sites.leader(WEST)];
  sites.relate();
  await trial.act(east, "create-replication");
  await sites.untilReplicating();
  const set = { "cluster-set-name": sites.setName(EAST) };
  await trial.act(east, "fence-writes", set);
  await trial.act(east, "unfence-writes", set);
  await trial.act(east, "rejoin-cluster", { "cluster-name": sites.clusterName(WEST) });
  await trial.act(west, "promote-standby-cluster", set);
  await sites.untilReplicating(EAST);
  await trial.act(east, "promote-to-primary", { scope: "cluster" });
  await sites.untilReplicating(WEST);
  await lab.model.run(east, "set-password");
  lab.model.updateStatus();
  await sites.untilReplicating(WEST);
  sites.unrelate();
  await lab.settleUntil(
    "the end of the relation",
    () => !/active: Unit is ready/.test(lab.statusOf(west)),
    PATIENCE_MS,
  );
  await trial.act(west, "recreate-cluster");
  for (const app of [EAST, WEST]) lab.model.removeApplication(app);
  await lab.settleUntil("no unit", () => sites.allUnits().length === 0, PATIENCE_MS);
}

/** A new option, a new revision of the charm, one unit more, one less, and the end. */
async function growAndEnd(
  trial: Trial,
  charm: string,
  size: number,
  config: ConfigValues,
  well?: RegExp,
): Promise<void> {
  const { lab } = trial;
  lab.model.setConfig(charm, config);
  await untilWell(trial, charm, size, well);
  await lab.model.upgradeCharm(charm, lab.model.world.applications[charm]?.charmSource ?? "");
  await lab.model.addUnit(charm);
  await untilWell(trial, charm, size + 1, well);
  lab.model.removeUnit(leaderOf(trial, charm));
  await untilWell(trial, charm, size, well);
  lab.model.removeApplication(charm);
  await lab.settleUntil("no unit", () => lab.unitsOf(charm).length === 0, PATIENCE_MS);
}

/** Runs hooks until there are so many units and all say that they are well. */
async function untilWell({ lab }: Trial, charm: string, size: number, well = /^active/): Promise<void> {
  await lab.settleUntil(`${size} units that are well`, () => {
    const statuses = lab.unitsOf(charm).map((unit) => lab.statusOf(unit));
    const odd = statuses.find((status) => !well.test(status) || DENIED.test(status));
    if (odd !== undefined) throw new Error(odd);
    return statuses.length === size;
  }, PATIENCE_MS);
}

function leaderOf({ lab }: Trial, charm: string): string {
  return lab.model.world.applications[charm]?.leader ?? "";
}

async function mysql(): Promise<MysqlPrograms> {
  const programs = await mysqlForTests();
  if (!programs) throw new Error("there is no MySQL");
  return programs;
}
