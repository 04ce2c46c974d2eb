/**
 * The actions of the deployed charm, on three units with a real member each.
 *
 * @module
 */
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { completed, refused } from "../tasks.ts";
import { assertNoSecretShows, findSecrets } from "../units_canaries.ts";
import type { Scene } from "./scenario.ts";

const UNITS = 3;
const KEY = "/actions/key";

async function put(scene: Scene, value: string): Promise<void> {
  using etcd = scene.open();
  await etcd.kv.put(KEY, value);
}

async function get(scene: Scene): Promise<string | undefined> {
  using etcd = scene.open();
  return await etcd.kv.getText(KEY);
}

/** Runs each of them on three units, and what has to be refused. */
export async function runActions(t: Deno.TestContext, scene: Scene): Promise<void> {
  const { lab } = scene;
  const { model } = lab;
  const leader = (): string => scene.leader;
  const follower = (): string => scene.units().find((name) => name !== leader()) ?? "";
  const run = (unit: string, action: string, params = {}) => model.run(unit, action, params);

  await t.step("health and member-list", async () => {
    const health = await completed(run(follower(), "health"));
    assertEquals([health.healthy, health.quorum, health.members, health.alarms], ["true", "true", "3", ""]);
    assertEquals(JSON.parse(health.output ?? "").length, UNITS);
    const list = await completed(run(leader(), "member-list"));
    assertEquals([list.members, list.started], ["3", "3"]);
    assertEquals(list["connection-string"], scene.access()?.endpoints.split(",").sort().join(","));
  });

  const file = `${lab.directory}/one.db`;
  await t.step("snapshot", async () => {
    await put(scene, "before");
    const results = await completed(run(leader(), "snapshot", { path: file }));
    const { size, mode } = await Deno.stat(file);
    assertEquals([results.file, results["size-bytes"], (mode ?? 0) % 0o1000], [file, `${size}`, 0o600]);
    assertMatch(results.sha256 ?? "", /^[0-9a-f]{64}$/);
    const named = await completed(run(follower(), "snapshot"));
    assertMatch(named.file ?? "", /\/etcd-\d\/snapshots\/20\d\d-[0-9T-]+Z\.db$/);
    assertStringIncludes(named.file ?? "", lab.unitDirectory(follower()));
    await refused(run(leader(), "snapshot", { path: file }), /is there already; give another path/);
    await refused(run(leader(), "snapshot", { path: "one.db" }), /must be the absolute path/);
    await refused(run(leader(), "snapshot", { path: `${lab.directory}/none/one.db` }), /there is no directory/);
  });

  await t.step("restore is refused where it makes no sense", async () => {
    const params = { snapshot: file, confirm: true };
    await refused(run(follower(), "restore", params), /only the leader does this; run it on etcd\/leader/);
    await refused(run(leader(), "restore", { snapshot: file }), /all data .* is replaced; .* add confirm=true/);
    await refused(run(leader(), "restore", { ...params, snapshot: `${file}.none` }), /there is no file .*juju scp/);
    await Deno.writeTextFile(`${file}.bad`, "x".repeat(544));
    await refused(run(leader(), "restore", { ...params, snapshot: `${file}.bad` }), /the checksum of .* is wrong/);
    assertEquals(await get(scene), "before");
  });

  await t.step("restore: the cluster has the data of the snapshot, and all units are in it again", async () => {
    await put(scene, "after");
    const began = Date.now();
    const results = await completed(run(leader(), "restore", { snapshot: file, confirm: true }));
    const restored = Date.now();
    assertEquals(results["removed-members"]?.split(",").length, UNITS - 1);
    await scene.untilWhole(UNITS);
    console.log(`restore: ${restored - began} ms, all units back after ${Date.now() - restored} ms more`);
    assertEquals(await get(scene), "before");
  });

  const read = (unit: string, file: string): Promise<string> =>
    Deno.readTextFile(`${lab.unitDirectory(unit)}/tls/${file}`);
  const readAll = (file: string): Promise<string[]> => Promise.all(scene.units().map((unit) => read(unit, file)));
  const secrets = await findSecrets(lab);
  await t.step("rotate-certificates: every unit gets new ones of the same authority", async () => {
    await refused(run(follower(), "rotate-certificates"), /only the leader does this/);
    const [before, authorities] = [await readAll("server.pem"), await readAll("ca.pem")];
    assertEquals(new Set(authorities).size, 1);
    await completed(run(leader(), "rotate-certificates"));
    await lab.settleUntil("new certificates everywhere", async () => {
      for (const [unit, certificate] of (await readAll("server.pem")).entries()) {
        assertNotEquals(certificate, before[unit]);
      }
      return true;
    });
    await scene.untilWhole(UNITS);
    assertEquals(await readAll("ca.pem"), authorities);
    assertEquals(await get(scene), "before");
    secrets.push(...await findSecrets(lab));
  });

  await t.step("no key shows anywhere", () => assertNoSecretShows(lab, secrets));
}
