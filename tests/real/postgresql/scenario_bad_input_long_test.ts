/** What units do with what cannot be: another server on Patroni's port, keys of others, lists and names by enemies. */
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { createAuthority, issue } from "../../../interfaces/clients/certificates/authority.ts";
import { sendSignal } from "../units_processes.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import { completed } from "../tasks.ts";
import { ANSWER_KINDS, startFakePatroni } from "./fake_patroni.ts";
import { APP, REST_PORT, type Scene, withPostgresql } from "./scenario.ts";

// Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
const sanitizeResources = false;
/** Words of programs, not of statuses. */
const EXCEPTION_TEXT = /Error|Unexpected|undefined|\bat \S+:\d+|JSON|<html|token/;

Deno.test({
  name: "postgresql: something else answers on Patroni's port",
  sanitizeResources,
  async fn() {
    await withPostgresql(1, async (scene) => {
      const { lab } = scene;
      const unit = `${APP}/0`;
      const configFile = join(lab.unitDirectory(unit), "postgresql", "patroni.yml");
      const kept = async () => ({
        listed: scene.listed(),
        config: await Deno.readTextFile(configFile),
        password: scene.secretValue("operator-password"),
      });
      const before = await kept();
      const secrets = await findSecrets(lab);
      killPatroni(scene, unit);
      {
        await using fake = await lab.waitFor(
          "Patroni's port",
          () => startFakePatroni(scene.addressOf(unit), REST_PORT),
        );
        await lab.model.addUnit(APP);
        for (const kind of ANSWER_KINDS) {
          fake.answer = kind;
          const [asked, runs] = [fake.requests, lab.model.timeline.length];
          lab.model.setConfig(APP, { failsafe: kind.length % 2 === 0 });
          lab.model.updateStatus();
          await lab.model.settle();
          assert(fake.requests > asked, "it was asked");
          const status = lab.statusOf(unit);
          assertMatch(
            status,
            /^waiting: awaiting for member to start: postgresql\/0 \([a-z ]+\) since [\d:]{8}Z$/,
            kind,
          );
          assertNotMatch(status, EXCEPTION_TEXT);
          assertMatch(lab.statusOf(`${APP}/1`), /^waiting: the leader does not list this unit as a member$/);
          assertEquals({ ...await kept(), config: "" }, { ...before, config: "" }, `${kind}: nothing is overwritten`);
          const ms = lab.model.timeline.slice(runs).map(({ start, end }) => Math.round(end - start));
          console.log(`Patroni's port answers ${kind}: longest hook ${Math.max(...ms)} ms`);
        }
        await assertNoSecretShows(lab, secrets);
      }
      await scene.untilWhole(2);
    });
  },
});

/** Its PostgreSQL goes on. */
function killPatroni({ lab }: Scene, unit: string): void {
  for (const { pid, argv } of lab.processes(unit)) {
    if (argv.some((text) => text.endsWith("/patroni"))) sendSignal(pid, "SIGKILL");
  }
}

Deno.test({
  name: "postgresql: a key that is not its certificate's, and certificates that are none",
  sanitizeResources,
  async fn() {
    await withPostgresql(1, async (scene) => {
      const { lab } = scene;
      const unit = `${APP}/0`;
      const home = join(lab.unitDirectory(unit), "postgresql");
      const config = () => Deno.readTextFile(join(home, "patroni.yml"));
      const [before, uri] = [await config(), scene.unitBag(unit)["internal-secret"] ?? ""];
      const field = (name: string) => ownSecret(scene, uri, name);
      const good = { key: field("key"), cert: field("cert"), cauth: field("cauth") };
      const other = await createAuthority({ name: "another", days: 1 });
      const foreign = await issue(other, { addresses: [scene.addressOf(unit)], usage: ["server"], days: 1 });
      const broken = [
        { ...good, key: foreign.key },
        { ...good, key: "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" },
        { ...good, cert: "no certificate" },
      ];
      for (const texts of broken) {
        await setSecret(scene, unit, uri, texts);
        lab.model.updateStatus();
        await lab.model.settle();
        assertEquals(
          lab.statusOf(unit),
          "blocked: this unit's key and certificate cannot be used: run the action rotate-certificate",
        );
        assertEquals(await config(), before, "Patroni's file is as it was");
        assertEquals((await scene.view()).members.map(({ state }) => state), ["running"], "and Patroni runs");
        const secrets = [foreign.key.split("\n")[1] ?? "", good.key.split("\n")[1] ?? ""];
        await assertNoSecretShows(lab, secrets);
      }
      await completed(lab.model.run(unit, "rotate-certificate"));
      await scene.untilWhole(1);
      assert(await config() !== before);
    }, { config: { tls: true } });
  },
});

function ownSecret({ lab }: Scene, uri: string, field: string): string {
  const found = Object.entries(lab.model.world.secrets).find(([id]) => uri.endsWith(id))?.[1];
  return atob(found?.revisions.at(-1)?.content[field] ?? "");
}

/** As an operator who keeps certificates of another kind. */
async function setSecret({ lab }: Scene, unit: string, uri: string, texts: Record<string, string>): Promise<void> {
  const file = await Deno.makeTempFile({ dir: lab.directory });
  await Deno.writeTextFile(file, JSON.stringify(texts));
  const { code, stderr } = await lab.model.exec(unit, `secret-set ${uri} --owner unit --file ${file}`);
  assertEquals([code, stderr], [0, ""]);
}

Deno.test({
  name: "postgresql: lists and members' names by an enemy",
  sanitizeResources,
  async fn() {
    await withPostgresql(2, async (scene, etcd) => {
      const { lab, leader } = scene;
      const good = scene.applicationBag().members_ips ?? "";
      const addresses = Array.from(
        { length: 10_000 },
        (_, index) => `10.${index >> 16}.${(index >> 8) % 256}.${index % 256}`,
      );
      const lists = [
        JSON.stringify(addresses),
        JSON.stringify(addresses.slice(0, 1000)),
        JSON.stringify(["10.0.0.1'; DROP TABLE written; --"]),
        JSON.stringify([scene.addressOf(leader), 'a"\nb']),
        JSON.stringify([scene.addressOf(leader), ["x"]]),
      ];
      for (const list of lists) {
        await setList(scene, list);
        for (const unit of scene.units()) {
          assertMatch(lab.statusOf(unit), /^blocked: members_ips of the application's databag /);
          assertNotMatch(lab.statusOf(unit), /DROP|Error|10\.0/);
        }
        assertEquals(scene.applicationBag().members_ips, list, "it is not overwritten");
      }
      // Names twice are one; a foreign address is a unit that has gone.
      const foreign = "192.0.2.77";
      await setList(
        scene,
        JSON.stringify([...JSON.parse(good), ...JSON.parse(good), foreign]),
      );
      await scene.untilWhole(2);
      for (const name of [`x'; DROP TABLE written; --`, 'q"uo\nte', "<b>x<b>"]) {
        const record = {
          conn_url: `postgres://192.0.2.1:5432/postgres`,
          api_url: "http://192.0.2.1:8008/patroni",
          state: "running",
          role: "replica",
        };
        const key = `/service/${APP}/members/${name}`;
        await etcd.etcdctl("put", key, JSON.stringify(record));
        await lab.waitFor("Patroni to list it", async () => await isRefused(scene));
        lab.model.updateStatus();
        await lab.model.settle();
        for (const unit of scene.units()) {
          assertMatch(lab.statusOf(unit), /^(waiting: no primary in the cluster|active: .*)$/);
        }
        assertEquals([...scene.listed()].sort(), [...JSON.parse(good)].sort());
        await etcd.etcdctl("del", key);
        await scene.untilWhole(2);
      }
      await leavesAllTheSame(scene);
    });
  },
});

/** Nothing of a unit goes on when it has gone, whatever the databag and the options say. */
async function leavesAllTheSame(scene: Scene): Promise<void> {
  const { lab, leader } = scene;
  const gone = scene.units().find((unit) => unit !== leader) ?? "";
  lab.model.setConfig(APP, { ttl: 1 });
  await setList(scene, "{");
  for (const unit of scene.units()) assertMatch(lab.statusOf(unit), /^blocked: (option ttl|members_ips of) /);
  lab.model.removeUnit(gone);
  await lab.settleUntil("one unit", () => scene.units().length === 1);
  assertEquals(lab.processes(gone), [], "its servers have gone, too");
  lab.model.setConfig(APP, { ttl: 20 });
  await setList(scene, JSON.stringify([scene.addressOf(leader)]));
  await scene.untilWhole(1);
}

/** Whether the client refuses what Patroni lists. */
async function isRefused(scene: Scene): Promise<boolean> {
  try {
    await scene.view();
    return false;
  } catch (error) {
    assertStringIncludes(String(error), "Patroni lists a member whose name is not");
    return true;
  }
}

async function setList(scene: Scene, list: string): Promise<void> {
  const { lab, leader } = scene;
  const file = await Deno.makeTempFile({ dir: lab.directory });
  await Deno.writeTextFile(file, JSON.stringify({ members_ips: list }));
  const relation = `database-peers:${scene.peerRelation().id}`;
  const { code, stderr } = await lab.model.exec(leader, `relation-set --app -r ${relation} --file ${file}`);
  assertEquals([code, stderr], [0, ""]);
  lab.model.updateStatus();
  await lab.model.settle();
}
