/** A charm is upgraded; what a cluster needs is taken away and comes back: etcd, all units, the passwords. */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import type { Cluster } from "../etcd/cluster.ts";
import { deployProvider, offerOf } from "../etcd/simulated_provider.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { APP, type Scene, underWrites, withPostgresql } from "./scenario.ts";
import { assertNothingLost } from "./scenario_writer.ts";

const USERS = ["operator", "replication", "rewind", "patroni", "raft"];

Deno.test({
  name: "postgresql: the relation with etcd, all units and the passwords are lost and come back",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(2, async (scene, etcd) => {
      await underWrites("upgrade-charm", scene, () => upgrades(scene));
      await underWrites("without a relation with etcd for a while", scene, () => losesStore(scene, etcd));
      await losesUnits(scene, etcd);
      await underWrites("without passwords for a while", scene, () => losesPasswords(scene));
      console.log("longest hook", scene.longestHook());
    });
  },
});

/** The servers go on. */
async function upgrades(scene: Scene): Promise<void> {
  const { lab } = scene;
  const servers = () => scene.units().map((unit) => lab.serverPid(unit));
  const before = servers();
  await lab.model.upgradeCharm(APP, join(lab.directory, "charms", APP));
  await lab.model.settle();
  const hooks = lab.model.timeline.filter(({ name, outcome }) => name === "upgrade-charm" && outcome === "done");
  assertEquals(hooks.map(({ unit }) => unit).sort(), scene.units());
  await scene.untilWhole(2);
  assertEquals(servers(), before);
}

/** Patroni goes on with what it was told; only hooks say what is missing. */
async function losesStore(scene: Scene, etcd: Cluster): Promise<void> {
  const { lab } = scene;
  lab.model.removeRelation(`${APP}:etcd`, "etcd:db");
  await lab.settleUntil("units that say it", () => {
    return scene.units().every((unit) => lab.statusOf(unit).startsWith("blocked: etcd is not related: juju"));
  });
  for (const { state } of (await scene.view()).members) assertMatch(state, /^(running|streaming)$/);
  const provider = await deployProvider(lab.model, "etcd-again", `${APP}:etcd`);
  await provider.publish(offerOf(etcd));
  await scene.untilWhole(2);
}

/** A scale to zero leaves the data where it was, which nobody throws away. */
async function losesUnits(scene: Scene, etcd: Cluster): Promise<void> {
  const { lab } = scene;
  const writer = scene.write();
  await lab.waitFor("rows", () => writer.acknowledged.size > 20);
  await writer.stop();
  await scene.shrink([scene.units().find((unit) => unit !== scene.leader) ?? ""]);
  const [last = ""] = scene.units();
  const dataOf = (unit: string) => join(lab.unitDirectory(unit), "postgresql", "data");
  lab.model.removeUnit(last);
  await lab.settleUntil("no unit", () => scene.units().length === 0);
  const systemId = await etcd.etcdctl("get", `/service/${APP}/initialize`, "--print-value-only");
  const [next = ""] = await lab.model.addUnit(APP);
  const blocked = `blocked: no member has the cluster's data: move it to ${dataOf(next)}, or delete ` +
    `/service/${APP}/ in etcd to begin anew`;
  await lab.settleUntil("a unit without data", () => lab.statusOf(next) === blocked);
  assertEquals(await etcd.etcdctl("get", `/service/${APP}/initialize`, "--print-value-only"), systemId);
  // As the status says; nothing is in a directory that Patroni may have made.
  await Deno.remove(dataOf(next)).catch(() => {});
  await Deno.rename(dataOf(last), dataOf(next));
  await scene.untilWhole(1);
  const access = scene.access();
  if (!access) throw new Error("there is no password");
  console.log(
    "scale to zero and back:",
    await assertNothingLost(writer, access, scene.addressOf(next)),
    "rows, 0 lost",
  );
}

/** Others are not made in their place: the server would not know them. */
async function losesPasswords(scene: Scene): Promise<void> {
  const { lab, leader } = scene;
  const secrets = await findSecrets(lab);
  const passwords = Object.fromEntries(USERS.map((user) => {
    const key = `${user}-password`;
    return [key, scene.secretValue(key) ?? ""];
  }));
  const config = () => Deno.readTextFile(join(lab.unitDirectory(leader), "postgresql", "patroni.yml"));
  const [before, uri] = [await config(), scene.applicationBag()["internal-secret"]];
  assertNotEquals(uri, undefined);
  await inBag(scene, `secret-remove ${uri}`);
  for (let round = 0; round < 2; round++) {
    assertStringIncludes(
      lab.statusOf(leader),
      "blocked: the cluster's passwords cannot be read: put operator-password",
    );
    assertEquals([await config(), scene.secretValue("operator-password")], [before, undefined], "nothing is made anew");
    // Nor when the databag has lost the secret's address, too.
    if (round === 0) await inBag(scene, `relation-set --app -r ${relationOf(scene)} internal-secret=`);
  }
  const file = await Deno.makeTempFile({ dir: lab.directory });
  await Deno.writeTextFile(file, JSON.stringify(passwords));
  await inBag(scene, `relation-set --app -r ${relationOf(scene)} --file ${file}`);
  await scene.untilWhole(1);
  await assertNoSecretShows(lab, secrets);
}

function relationOf(scene: Scene): string {
  return `database-peers:${scene.peerRelation().id}`;
}

/** As an operator does it with juju exec, and hooks run. */
async function inBag({ lab, leader }: Scene, command: string): Promise<void> {
  const { code, stderr } = await lab.model.exec(leader, command);
  assertEquals([code, stderr], [0, ""]);
  lab.model.updateStatus();
  await lab.model.settle();
}
