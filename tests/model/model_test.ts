/**
 * The simulated Juju against charms that are shell scripts: real processes, real sockets, hook commands on PATH.
 */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ModelError } from "./mod.ts";
import { APP, DB, runsOf, scripted, withModel } from "./test_charm.ts";

Deno.test("a whole life runs the hooks in Juju's order", async () => {
  await withModel({ concurrency: 1 }, { db: DB, app: APP }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    await model.deploy({ name: "app", charm: directory("app") });
    model.relate("app", "db");
    await model.settle();
    assertEquals(runsOf(model, "db/0"), [
      "data-storage-attached",
      "install",
      "cluster-relation-created",
      "server-relation-created",
      "leader-elected",
      "config-changed",
      "start",
      "cluster-relation-joined db/1",
      "cluster-relation-changed db/1",
      "server-relation-joined app/0",
      "server-relation-changed app/0",
    ]);
    assertEquals(runsOf(model, "db/1").slice(0, 7), [
      "data-storage-attached",
      "install",
      "cluster-relation-created",
      "server-relation-created",
      "config-changed",
      "start",
      "cluster-relation-joined db/0",
    ]);

    let mark = model.timeline.length;
    assertEquals(await model.addUnit("db"), ["db/2"]);
    await model.settle();
    assertEquals(runsOf(model, "db/0", mark), ["cluster-relation-joined db/2", "cluster-relation-changed db/2"]);
    assertEquals(runsOf(model, "app/0", mark), ["database-relation-joined db/2", "database-relation-changed db/2"]);

    mark = model.timeline.length;
    model.setConfig("db", { color: "blue" });
    model.updateStatus("app");
    model.setLeader("db/2");
    await model.settle();
    assertEquals(runsOf(model, "db/0", mark), ["config-changed"]);
    assertEquals(runsOf(model, "db/2", mark), ["leader-elected", "config-changed"]);
    assertEquals(runsOf(model, "app/0", mark), ["update-status"]);

    mark = model.timeline.length;
    await model.upgradeCharm("app", directory("app"));
    await model.settle();
    assertEquals(runsOf(model, "app/0", mark), ["upgrade-charm", "config-changed"]);

    mark = model.timeline.length;
    model.removeUnit("db/2");
    await model.settle();
    assertEquals(runsOf(model, "db/2", mark), [
      "data-storage-detaching",
      "cluster-relation-departed db/0",
      "cluster-relation-departed db/1",
      "server-relation-departed app/0",
      "server-relation-broken",
      "stop",
      "remove",
    ]);
    assertEquals(runsOf(model, "db/0", mark), ["leader-elected", "cluster-relation-departed db/2"]);
    assertEquals(runsOf(model, "app/0", mark), ["database-relation-departed db/2"]);

    mark = model.timeline.length;
    model.removeRelation("app", "db");
    await model.settle();
    const departed = ["database-relation-departed db/0", "database-relation-departed db/1", "database-relation-broken"];
    assertEquals(runsOf(model, "app/0", mark), departed);
    assertEquals(runsOf(model, "db/1", mark), ["server-relation-departed app/0", "server-relation-broken"]);
    assertEquals(Object.keys(model.world.relations), ["0"]);

    model.removeApplication("db");
    model.removeApplication("app");
    await model.settle();
    assertEquals([model.world.units, model.world.applications, model.world.relations], [{}, {}, {}]);
    assertEquals(runsOf(model, "app/0").slice(-2), ["stop", "remove"]);
  });
});

Deno.test("a hook gets Juju's environment and nothing else", async () => {
  const charm = scripted(DB, { "hooks/cluster-relation-joined": 'pwd; echo "$0"; env' });
  await withModel({ socket: "path" }, { db: charm }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    await model.settle();
    const lines = model.log("db/1").filter((line) => line.module.endsWith("cluster-relation-joined"))
      .map((line) => line.message);
    const dir = model.charmDir("db/1");
    assertEquals(lines.slice(0, 2), [dir, `${dir}/hooks/cluster-relation-joined`]);
    const env = Object.fromEntries(lines.slice(2).map((line) => [line.split("=", 1)[0], line.replace(/^[^=]*=/, "")]));
    for (const shell of ["PWD", "OLDPWD", "SHLVL", "_"]) delete env[shell];
    assert(/^db\/1-cluster-relation-joined-[0-9a-f]{32}$/.test(env.JUJU_CONTEXT_ID ?? ""));
    assertEquals(env.PATH?.split(":")[0], `${model.root}/tools`);
    delete env.JUJU_CONTEXT_ID;
    delete env.PATH;
    assertEquals(env, {
      JUJU_DISPATCH_PATH: "hooks/cluster-relation-joined",
      JUJU_HOOK_NAME: "cluster-relation-joined",
      JUJU_AGENT_SOCKET_ADDRESS: `${model.root}/agents/unit-db-1/agent.socket`,
      JUJU_AGENT_SOCKET_NETWORK: "unix",
      CHARM_DIR: dir,
      JUJU_CHARM_DIR: dir,
      JUJU_UNIT_NAME: "db/1",
      JUJU_MODEL_NAME: "default",
      JUJU_MODEL_UUID: "00000000-0000-4000-8000-000000000001",
      JUJU_API_ADDRESSES: "10.255.0.1:17070 10.255.0.2:17070 10.255.0.3:17070",
      JUJU_MACHINE_ID: "1",
      JUJU_PRINCIPAL_UNIT: "",
      JUJU_AVAILABILITY_ZONE: "",
      JUJU_VERSION: "3.6.8",
      CLOUD_API_VERSION: "",
      JUJU_CHARM_HTTP_PROXY: "",
      JUJU_CHARM_HTTPS_PROXY: "",
      JUJU_CHARM_FTP_PROXY: "",
      JUJU_CHARM_NO_PROXY: "",
      LANG: "C.UTF-8",
      TERM: "tmux-256color",
      DEBIAN_FRONTEND: "noninteractive",
      APT_LISTCHANGES_FRONTEND: "none",
      JUJU_SLA: "unsupported",
      JUJU_RELATION: "cluster",
      JUJU_RELATION_ID: "cluster:0",
      JUJU_REMOTE_UNIT: "db/0",
      JUJU_REMOTE_APP: "db",
    });
  });
});

Deno.test("databags travel: addresses before joined, unit and application data after the commit", async () => {
  const db = scripted(DB, {
    "hooks/leader-elected": "relation-set -r server:1 --app version=8\nstate-set asked=yes",
    "hooks/server-relation-joined": "relation-set port=5432",
  });
  const app = scripted(APP, {
    "hooks/database-relation-joined": "juju-log $(relation-get private-address) $(relation-list)",
    "hooks/database-relation-changed":
      'juju-log "${JUJU_REMOTE_UNIT:-app} $(relation-get port) $(relation-get --app version)"',
  });
  await withModel({ concurrency: 1 }, { db, app }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), address: () => "10.1.2.3" });
    await model.deploy({ name: "app", charm: directory("app"), model: "other" });
    assertEquals(model.relate("app:database", "db:server"), 1);
    await model.settle();
    const log = model.log("app/0").filter((line) => line.level === "INFO").map((line) => line.message);
    assertEquals(log.slice(0, 3), [
      "database:1: app  8",
      "database:1: 10.1.2.3 db/0",
      "database:1: db/0 5432 8",
    ]);
    assertEquals(model.relation(1).unitBags["db/0"], {
      "ingress-address": "10.1.2.3",
      "private-address": "10.1.2.3",
      "egress-subnets": "10.1.2.3/32",
      port: "5432",
    });
    const elected = model.timeline.find((entry) => entry.name === "leader-elected" && entry.unit === "db/0");
    assertEquals(elected?.bags, [{ relationId: 1, bag: "app", owner: "db", before: {}, after: { version: "8" } }]);
    assertEquals(elected?.state, { before: {}, after: { asked: "yes" } });
    assertEquals(elected?.commands.map((command) => command.name), ["relation-set", "state-set"]);

    const mark = model.timeline.length;
    model.setAddress("db/0", "10.9.9.9");
    await model.settle();
    assertEquals(runsOf(model, "db/0", mark), ["config-changed"]);
    assertEquals(runsOf(model, "app/0", mark), ["database-relation-changed db/0"]);
    assertStringIncludes(model.formatStatus(), "cross-model");
  });
});

Deno.test("actions give results, output and failures", async () => {
  const db = scripted(DB, {
    "actions/greet": 'action-set answer.text="hello $(action-get who)"\nstate-set greeted=yes\necho out; echo err >&2',
    "actions/wait": 'if [ "$(action-get fast)" = True ]; then action-fail "no time"; exit 0; fi; sleep 60',
  });
  await withModel({}, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.settle();
    const greeted = await model.run("db/0", "greet");
    assertEquals([greeted.status, greeted.params], ["completed", { who: "world" }]);
    assertEquals(greeted.results, {
      answer: { text: "hello world" },
      "return-code": 0,
      stdout: "out\n",
      stderr: "err\n",
    });
    assertEquals(model.world.units["db/0"]?.state, { greeted: "yes" });
    const none = await model.run("db/0", "none");
    assertEquals([none.status, none.message], ["failed", 'action not implemented on unit "db/0"']);
    const failed = await model.run("db/0", "wait", { fast: true });
    assertEquals([failed.status, failed.message], ["failed", "no time"]);
    const waiting = model.enqueue("db/0", "wait");
    const settled = model.settle();
    while (waiting.status === "pending") await new Promise((resolve) => setTimeout(resolve, 5));
    model.cancel(waiting.id);
    await settled;
    assertEquals([waiting.status, waiting.message], ["aborted", "action cancelled"]);
    await assertRejects(() => model.run("db/0", "dance"), ModelError, 'action "dance" not defined on charm "db"');
    await assertRejects(() => model.run("db/0", "greet", { who: 7 }), ModelError, "must be string, got 7");
  });
});

Deno.test("juju-exec commits whatever its exit status, and takes a relation's context", async () => {
  await withModel({}, { db: DB }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db"), units: 2 });
    await model.settle();
    const script = 'state-set a=1; echo "$JUJU_HOOK_NAME-$JUJU_REMOTE_UNIT-${JUJU_DISPATCH_PATH-unset}"; exit 3';
    const end = await model.exec("db/0", script, { relation: "cluster:0", remoteUnit: "db/1" });
    assertEquals(end, { code: 3, stdout: "-db/1-unset\n", stderr: "", error: "" });
    assertEquals(model.world.units["db/0"]?.state, { a: "1" });
    assert(model.timeline.at(-1)?.contextId.startsWith("db/0-run-commands-"));
    await assertRejects(() => model.exec("db/0", "true", { relation: 9 }), ModelError, 'no relation "9"');
  });
});

Deno.test("dispatch comes before hooks, a missing hook is skipped, one that may not run fails", async () => {
  const dispatch = scripted(APP, { dispatch: 'juju-log "via $JUJU_DISPATCH_PATH"' });
  await withModel({ retries: 0 }, { dispatch, app: APP }, async (model, directory) => {
    await model.deploy({ name: "one", charm: directory("dispatch") });
    await Deno.remove(`${directory("app")}/hooks/start`);
    await Deno.remove(`${directory("app")}/hooks/config-changed`);
    await Deno.writeTextFile(`${directory("app")}/hooks/config-changed`, "#!/bin/sh\n", { mode: 0o644 });
    await model.deploy({ name: "two", charm: directory("app") });
    await model.settle();
    const first = model.log("one/0").map((line) => line.message);
    assertEquals(first, ["install", "leader-elected", "config-changed", "start"].map((name) => `via hooks/${name}`));
    assertEquals(runsOf(model, "two/0"), ["install", "leader-elected", "config-changed (failed)"]);
    assertStringIncludes(model.timeline.find((entry) => entry.outcome === "failed")?.error ?? "", "permission denied");
    assertStringIncludes(model.formatStatus(), 'hook failed: "config-changed"');
    model.resolved("two/0", { retry: false });
    await model.settle();
    assertEquals(runsOf(model, "two/0").slice(-1), ["start (skipped)"]);
  });
});

Deno.test("secrets tell owner and consumer what became of them", async () => {
  const db = scripted(DB, {
    "hooks/leader-elected":
      "id=$(secret-add --label pw --rotate daily password=one1)\nstate-set id=$id\nrelation-set -r server:1 --app id=$id\n" +
      "secret-grant $id -r server:1",
    "hooks/secret-rotate": "secret-set $JUJU_SECRET_ID password=two2",
    "hooks/secret-remove": "secret-remove $JUJU_SECRET_ID --revision $JUJU_SECRET_REVISION",
  });
  const app = scripted(APP, {
    "hooks/database-relation-changed": 'secret-get "$(relation-get --app id)" password --label mine',
    "hooks/secret-changed": 'juju-log "$JUJU_SECRET_LABEL $(secret-get $JUJU_SECRET_ID --refresh password)"',
  });
  await withModel({ concurrency: 1 }, { db, app }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.deploy({ name: "app", charm: directory("app") });
    model.relate("db", "app");
    await model.settle();
    const mark = model.timeline.length;
    model.tick(24 * 3_600_000);
    await model.settle();
    assertEquals(runsOf(model, "db/0", mark), ["secret-rotate", "secret-remove"]);
    assertEquals(runsOf(model, "app/0", mark), ["secret-changed"]);
    assertEquals(model.log("app/0").at(-1)?.message, "mine two2");
    const [secret] = Object.values(model.world.secrets);
    assertEquals(secret?.revisions.map((revision) => revision.revision), [2]);
  });
});

Deno.test("what a unit runs can be run through another program", async () => {
  const db = scripted(DB, {
    "hooks/start": 'status-set active "$0 under $WRAPPED"',
    "actions/greet": 'action-set under="$WRAPPED"',
  });
  const wrap = (
    unit: string,
    command: readonly string[],
    name: string,
  ) => ["env", `WRAPPED=${unit} ${name}`, ...command];
  await withModel({ wrap }, { db }, async (model, directory) => {
    await model.deploy({ name: "db", charm: directory("db") });
    await model.settle();
    assertStringIncludes(model.status().units["db/0"]?.status.message ?? "", "/hooks/start under db/0 start");
    assertEquals((await model.run("db/0", "greet")).results.under, "db/0 greet");
    assertEquals((await model.exec("db/0", 'printf %s "$WRAPPED"')).stdout, "db/0 juju-exec");
  });
});
