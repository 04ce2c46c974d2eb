/**
 * The demo's second part: units that run servers. etcd and its clients are real, on loopback addresses of this machine.
 *
 * @module
 */
import { ensureDebianPackages } from "../../build/install.ts";
import type { Lab } from "../real/units.ts";
import { expectEqual } from "./expect.ts";
import { magpieStory } from "./magpie.ts";
import { removeEverything, type Stage, type Step } from "./stage.ts";

const ETCD = "etcd:db etcd-client:etcd";
const PACKAGES = ["etcd-server", "etcd-client", "openssl", "iputils-ping"];

/**
 * The steps in their order. Without etcd on this machine they show the relation alone.
 *
 * @param lab where the units keep their servers
 */
export async function workloads(lab: Lab): Promise<Step[]> {
  const missing = await missingPackages();
  if (missing !== undefined) {
    const alone = (stage: Stage) => relationAlone(stage, lab, missing);
    return [{ title: "deploy etcd, which this machine cannot have", run: alone }, {
      title: "remove it",
      run: removeEverything,
    }];
  }
  return [
    ...magpieStory(lab),
    { title: "form an etcd cluster of 3", run: (stage) => formCluster(stage, lab) },
    { title: "serve two clients", run: (stage) => serveClients(stage, lab) },
    { title: "kill a member", run: (stage) => killMember(stage, lab) },
    { title: "save a snapshot", run: saveSnapshot },
    { title: "remove the leading unit", run: (stage) => removeLeader(stage, lab) },
    { title: "remove etcd and its clients", run: removeEverything },
  ];
}

/** Why a package cannot be had; undefined when all are there. */
async function missingPackages(): Promise<string | undefined> {
  try {
    await ensureDebianPackages(PACKAGES);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function formCluster(stage: Stage, lab: Lab): Promise<string> {
  await lab.deploy({ charm: "etcd", units: 3 });
  await lab.settleUntil("an etcd cluster of three", () => allActive(stage, "etcd", /^Healthy with 3 known peers$/));
  return `3 members over mutual TLS, made and joined by the hooks; ${stage.leader("etcd")} leads in Juju`;
}

async function serveClients(stage: Stage, lab: Lab): Promise<string> {
  await lab.deploy({ charm: "etcd-client", units: 2 });
  stage.model.relate("etcd:db", "etcd-client:etcd");
  await lab.settleUntil("two clients", () => allActive(stage, "etcd-client", /^etcd 3\.\S+, 3 members$/));
  stage.remember();
  stage.status += `\n\n${stage.model.formatStatus()}`;
  const bags = stage.units("etcd").map(({ name }) => stage.relation(ETCD).unitBags[name] ?? {});
  expectEqual(new Set(bags.map((bag) => bag.connection_string)).size, 1, "number of different connection strings");
  const [client] = stage.units("etcd-client");
  return `2 clients wrote and read a key: "${client?.status.message}"`;
}

async function killMember(stage: Stage, lab: Lab): Promise<string> {
  const unit = stage.follower("etcd");
  await lab.killServer(unit);
  await lab.settleUntil(
    "the member again",
    () => lab.serverPid(unit) !== undefined && allActive(stage, "etcd", /^Healthy/),
  );
  return `etcd of ${unit} was killed with SIGKILL and runs again; clients kept 3 members`;
}

async function saveSnapshot(stage: Stage): Promise<string> {
  const unit = stage.follower("etcd");
  const task = await stage.model.run(unit, "snapshot");
  expectEqual([task.status, task.message], ["completed", ""], "end of snapshot");
  const health = await stage.model.run(unit, "health");
  expectEqual(health.status, "completed", "end of health");
  return `snapshot on ${unit}: ${task.results["size-bytes"]} bytes, SHA-256 ${
    String(task.results.sha256).slice(0, 12)
  }…`;
}

async function removeLeader(stage: Stage, lab: Lab): Promise<string> {
  const unit = stage.leader("etcd");
  stage.model.removeUnit(unit);
  await lab.settleUntil("clients of two members", () => allActive(stage, "etcd-client", /, 2 members$/));
  expectEqual(lab.processes(unit).length, 0, `processes of ${unit}`);
  return `${unit} left the cluster before it stopped; its clients use the 2 that stay`;
}

async function relationAlone(stage: Stage, lab: Lab, why: string): Promise<string> {
  await lab.deploy({ charm: "etcd", units: 3 });
  await lab.deploy({ charm: "etcd-client", units: 2 });
  stage.model.relate("etcd:db", "etcd-client:etcd");
  await stage.model.settle();
  const [member, client] = [stage.units("etcd")[0], stage.units("etcd-client")[0]];
  expectEqual([member?.status.status, client?.status.status], ["blocked", "waiting"], "statuses without a server");
  return `${why}: units say "${member?.status.message}", clients "${client?.status.message}"`;
}

function allActive(stage: Stage, app: string, message: RegExp): boolean {
  const units = stage.units(app);
  return units.length > 0 && units.every(({ status }) => status.status === "active" && message.test(status.message));
}
