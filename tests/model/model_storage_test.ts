/**
 * The simulated Juju: what a unit has beside its relations, such as storage, resources, containers and its charm.
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ModelError } from "./mod.ts";
import { APP, DB, runsOf, scripted, withModel } from "./test_charm.ts";

Deno.test("storage is there before install, can be added, and goes before the unit", async () => {
  const db = scripted(DB, {
    "hooks/install": "storage-add data=1",
    "hooks/data-storage-attached":
      'location=$(storage-get location)\ntouch "$location/used"\njuju-log "$JUJU_STORAGE_ID"',
  });
  await withModel({}, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.settle();
    assertEquals(runsOf(model, "db/0").slice(0, 3), ["data-storage-attached", "install", "cluster-relation-created"]);
    assertEquals(model.log("db/0").map((line) => line.message), ["data/0", "data/1"]);
    const storage = model.world.units["db/0"]?.storage ?? [];
    for (const { location } of storage) assertEquals((await Deno.stat(`${location}/used`)).isFile, true);
    const mark = model.timeline.length;
    model.removeUnit("db/0");
    await model.settle();
    const detaching = ["data-storage-detaching", "data-storage-detaching"];
    assertEquals(runsOf(model, "db/0", mark), [...detaching, "stop", "remove"]);
    for (const { location } of storage) await assertRejects(() => Deno.stat(location), Deno.errors.NotFound);
  });
});

Deno.test("juju-reboot: at once runs the hook again, afterwards runs start again", async () => {
  const app = scripted(APP, {
    "hooks/install": "[ -e booted ] || { touch booted; juju-reboot --now; sleep 60; }",
    "hooks/update-status": "juju-reboot",
  });
  await withModel({}, { app }, async (model, directory) => {
    await model.deploy({ name: "app", charm: directory("app") });
    await model.settle();
    assertEquals(runsOf(model, "app/0"), ["install (killed)", "install", "leader-elected", "config-changed", "start"]);
    model.updateStatus();
    await model.settle();
    assertEquals(runsOf(model, "app/0").slice(-2), ["update-status", "start"]);
  });
});

Deno.test("an upgrade replaces the files of the charm and keeps those that it made; resources and containers", async () => {
  const first = scripted({ ...APP, metadata: `${APP.metadata}containers: {web: {}}\n` }, {
    "hooks/web-pebble-ready": 'juju-log "$JUJU_WORKLOAD_NAME is ready"',
    "hooks/start": 'cat "$(resource-get binary)"; echo mine > own',
  });
  const old = scripted(first, { "old/file": "" });
  const second = scripted(first, { "hooks/upgrade-charm": "cat marker own; [ ! -e old/file ]", "marker": "new" });
  await withModel({}, { first: old, second }, async (model, directory) => {
    const resources = { binary: `${directory("first")}/metadata.yaml` };
    await model.deploy({ name: "app", charm: directory("first"), resources });
    await model.settle();
    assertEquals(model.log("app/0")[0], { level: "DEBUG", module: "unit.app/0.start", message: "name: app" });
    model.notify("app/0", "pebble-ready", { container: "web" });
    assertThrows(() => model.notify("app/0", "pebble-ready", { container: "db" }), ModelError, 'no container "db"');
    await model.upgradeCharm("app", directory("second"));
    await model.settle();
    assertEquals(runsOf(model, "app/0").slice(-3), ["web-pebble-ready", "upgrade-charm", "config-changed"]);
    assertEquals(model.log("app/0").slice(-5).map((line) => line.message), [
      "web is ready",
      "#!/bin/sh",
      "set -eu",
      "new",
      "mine",
    ]);
  });
});

Deno.test("what cannot be done to a unit or application twice is refused", async () => {
  await withModel({}, { db: DB, app: APP }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    await model.settle();
    model.removeUnit("db/1");
    assertThrows(() => model.removeUnit("db/1"), ModelError, 'unit "db/1" is being removed already');
    assertThrows(() => model.setLeader("db/1"), ModelError, "it cannot lead");
    assertThrows(() => model.resolved("db/0"), ModelError, 'unit "db/0" is not in an error state');
    assertThrows(() => model.cancel("77"), ModelError, "action 77 not found");
    model.removeApplication("db");
    assertThrows(() => model.removeApplication("db"), ModelError, 'application "db" is being removed already');
    await assertRejects(() => model.addUnit("db"), ModelError, "is being removed");
    await assertRejects(() => model.deploy({ name: "db", charm: directory("db") }), ModelError, "already exists");
    await model.settle();
    await model.deploy({ name: "db", charm: directory("db") });
    await assertRejects(() => model.run("db/0", "greet").then(() => model.run("db/9", "greet")), ModelError);
  });
});
