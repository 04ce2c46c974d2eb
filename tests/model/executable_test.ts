/** The compiled executable as the hooks of a charm: what it writes, what it refuses, what it leaves behind. */
import { assertEquals, assertMatch, assertNotMatch } from "@std/assert";
import { join } from "node:path";
import { projectDir } from "../../build/project.ts";
import { executableOf, withBuiltCharm } from "./built_charm.ts";
import { copyCharm } from "./charm_files.ts";
import { tryMode, written } from "./probe_written.ts";

for (const permission of ["run", "net", "write", "read", "env", "sys"]) {
  Deno.test(`a handler that did not declare ${permission} is refused it, in one clear line`, async () => {
    await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
      await model.deploy({ name: "probe", charm });
      await model.settle();
      const before = written(structuredClone(model.status()));
      const { lines, outcome } = await tryMode(model, permission);
      assertEquals(outcome, "failed");
      assertEquals(lines.length, 1, lines.join("\n"));
      assertMatch(lines[0] ?? "", new RegExp(`charmlet: config-changed: NotCapable: Requires ${permission} access`));
      assertEquals(written(model.status()), before);
    });
  });
}

Deno.test("what an action declares it may do", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const task = await model.run("probe/0", "spawn");
    assertEquals([task.status, task.results.output], ["completed", "hello"]);
  });
});

Deno.test("a handler that throws leaves nothing, and the retry of the mended hook does it all", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const before = written(structuredClone(model.status()));
    const { lines, outcome } = await tryMode(model, "throw");
    assertEquals(outcome, "failed");
    assertEquals(lines, ["charmlet: config-changed: Error: thrown after everything was written"]);
    assertEquals(written(model.status()), before);
    model.setConfig("probe", { mode: "write-everywhere" });
    model.resolved("probe/0");
    await model.settle();
    const world = model.status();
    assertEquals(Object.values(world.relations)[0]?.unitBags["probe/0"]?.mark, "x");
    assertEquals(world.units["probe/0"]?.state["charmlet.flags"], '["marked"]');
    assertEquals(world.units["probe/0"]?.ports, [["", "8080/tcp"]]);
    assertEquals(world.applications.probe?.version, "9");
    assertEquals(world.units["probe/0"]?.status.message, "marked");
  });
});

Deno.test("a masked value reaches neither log nor error", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    await tryMode(model, "leak");
    const log = model.log("probe/0").map(({ message }) => message).join("\n");
    assertMatch(log, /the password \[secret\] was refused/);
    assertNotMatch(log, /correct horse/);
  });
});

Deno.test("state that Juju cannot take fails the hook before anything is written", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const { lines, outcome } = await tryMode(model, "too-much-state");
    assertEquals(outcome, "failed");
    assertMatch(lines.join("\n"), /charmlet\.stored\. has grown to 7\d{4} bytes and Juju stores at most 65536/);
  });
});

Deno.test("state written by a newer schema is refused with what to do", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    await model.exec("probe/0", "state-set charmlet=99");
    const { lines, outcome } = await tryMode(model, "write-everywhere");
    assertEquals(outcome, "failed");
    assertEquals(lines.length, 1);
    assertMatch(lines[0] ?? "", /schema version 99, this executable knows 1: .* upgrade the charm again/);
    assertEquals(model.status().units["probe/0"]?.state, { charmlet: "99" });
  });
});

Deno.test("a write as leader that lost the leadership is refused as a whole, and said so", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, units: 2 });
    await model.settle();
    model.setLeader("probe/1");
    await model.settle();
    const { lines, outcome } = await tryMode(model, "as-leader");
    assertEquals(outcome, "failed");
    assertMatch(lines.join("\n"), /not the leader \(any more\), so nothing was written; Juju will retry the hook/);
  });
});

Deno.test("an action's results and failure are told, and a failed one writes nothing", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const failed = await model.run("probe/0", "announce", { fail: true });
    assertEquals([failed.status, failed.message], ["failed", "asked to fail: leave out fail=true"]);
    assertEquals(failed.results.report, { unit: "probe/0", count: "1" });
    assertEquals(failed.log, ["announced"]);
    assertEquals(Object.values(model.status().relations)[0]?.unitBags["probe/0"]?.announced, undefined);
    const done = await model.run("probe/0", "announce");
    assertEquals(done.status, "completed");
    assertEquals(Object.values(model.status().relations)[0]?.unitBags["probe/0"]?.announced, "true");
  });
});

Deno.test("an action that made a secret and fails leaves no secret", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const task = await model.run("probe/0", "secret");
    assertEquals(task.status, "failed");
    assertEquals(model.status().secrets, {});
  });
});

Deno.test("a deferred handler is shown, explained, and runs again with the next hook", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, config: { mode: "defer" } });
    await model.settle();
    const shown = await model.exec("probe/0", "hooks/charmlet --deferred; hooks/charmlet --explain update-status");
    assertEquals(shown.code, 0, shown.stderr);
    assertMatch(shown.stdout, /^:configChanged for config-changed: asked to \(attempts: \d+, since .*, due now\)/);
    assertMatch(shown.stdout, /first runs the deferred :configChanged for config-changed: asked to/);
    model.setConfig("probe", { mode: "quiet" });
    model.updateStatus();
    await model.settle();
    const after = await model.exec("probe/0", "hooks/charmlet --deferred");
    assertEquals(after.stdout, "nothing is deferred\n");
  });
});

Deno.test("--explain asks a definition for its way, which writes nothing", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, units: 3 });
    await model.settle();
    const before = written(structuredClone(model.status()));
    const changed = await model.exec("probe/1", "hooks/charmlet --explain crew-relation-changed");
    assertEquals(changed.stderr, "");
    assertMatch(
      changed.stdout,
      /runs crew:changed\n {4}changed: would see probe\/0 probe\/2 \(relation 0, probe\/0\)\n/,
    );
    const other = await model.exec("probe/1", "hooks/charmlet --explain config-changed");
    assertMatch(other.stdout, /configChanged: would see probe\/0 probe\/2 \(none\)/);
    assertEquals(written(model.status()), before);
  });
});

Deno.test("--dry-run prints what would be written and writes nothing", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    const before = structuredClone(model.status());
    model.setConfig("probe", { mode: "write-everywhere" });
    const env = "JUJU_DISPATCH_PATH=hooks/config-changed";
    const { code, stdout, stderr } = await model.exec("probe/0", `${env} hooks/charmlet --dry-run`);
    assertEquals(code, 0, stderr);
    assertEquals(stdout.trim().split("\n").sort(), [
      "would run: application-version-set 9",
      "would run: open-port 8080/tcp",
      `would run: relation-set -r ${Object.keys(before.relations)[0]} mark=x`,
      "would run: state-set charmlet charmlet.flags charmlet.statuses charmlet.stored.",
      "would run: status-set active marked",
    ]);
    assertEquals(written(model.status()), written(before));
  });
});

Deno.test("--dry-run of an upgrade repairs nothing, and a handler that would do more than look is stopped", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, config: { mode: "quiet" } });
    await model.settle();
    const dry = (path: string) => model.exec("probe/0", `JUJU_DISPATCH_PATH=${path} hooks/charmlet --dry-run`);
    await model.exec("probe/0", "rm hooks/crew-relation-*");
    assertEquals((await dry("hooks/upgrade-charm")).stdout, "would write nothing\n");
    const listed = await model.exec("probe/0", "ls hooks | grep -c crew");
    assertEquals(listed.stdout, "0\n");
    model.setConfig("probe", { mode: "run" });
    const spawning = await dry("hooks/config-changed");
    assertEquals(spawning.code, 0, spawning.stderr);
    assertMatch(spawning.stdout, /would go on with more than reading, which a dry run does not allow: .*run access/);
  });
});

Deno.test("hook commands as processes give the same end as the native protocol", async () => {
  const ends: unknown[] = [];
  for (const kind of ["native", "process"]) {
    await withBuiltCharm("probe", {}, async ({ model, charm }) => {
      const script = `#!/bin/sh\nCHARMLET_HOOK_COMMANDS=${kind} exec "$JUJU_CHARM_DIR/hooks/charmlet"\n`;
      await Deno.writeTextFile(`${charm}/dispatch`, script, { mode: 0o755 });
      await model.deploy({ name: "probe", charm, units: 2, config: { mode: "write-everywhere" } });
      await model.settle();
      assertEquals(model.timeline.filter(({ outcome }) => outcome !== "done"), []);
      ends.push(written(model.status()));
    });
  }
  assertEquals(ends[1], ends[0]);
});

Deno.test("two executables at once on one unit do not disturb each other", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, config: { mode: "write-everywhere" } });
    await model.settle();
    const { code, stdout, stderr } = await model.exec(
      "probe/0",
      "hooks/charmlet --flags > a.txt & hooks/charmlet --flags > b.txt; wait $!; cat a.txt b.txt",
    );
    assertEquals([code, stdout], [0, "marked\nmarked\n"], stderr);
  });
});

Deno.test("an upgrade repairs links that were made on the unit", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm });
    await model.settle();
    // The new revision has an endpoint that the author's links do not know yet.
    const phases = ["created", "joined", "changed", "departed", "broken"];
    for (const phase of phases) await Deno.remove(`${charm}/hooks/crew-relation-${phase}`);
    await model.upgradeCharm("probe", charm);
    await model.settle();
    for (const phase of phases) {
      const link = `${model.charmDir("probe/0")}/hooks/crew-relation-${phase}`;
      assertEquals(await Deno.readLink(link), "charmlet");
    }
  });
});

Deno.test("a charm directory that cannot keep the cache costs nothing but the cache", async () => {
  await withBuiltCharm("probe", {}, async ({ model, charm }) => {
    await Deno.writeTextFile(`${charm}/.charmlet`, "a file where the folder should be");
    await model.deploy({ name: "probe", charm, config: { mode: "write-everywhere" } });
    await model.settle();
    assertEquals(model.timeline.filter(({ outcome }) => outcome !== "done"), []);
    assertEquals(model.status().units["probe/0"]?.status.message, "marked");
  });
});

Deno.test("the agent's token goes to hook commands, and to no program that a handler starts", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await copyCharm(join(projectDir, "tests/charms/probe"), `${directory}/charm`);
    const program = `#!/bin/sh\necho "$(basename "$0") $JUJU_AGENT_TOKEN" >>${directory}/seen\necho '{}'\n`;
    for (const name of ["state-get", "state-set", "action-get", "action-set", "action-fail", "juju-log", "echo"]) {
      await Deno.writeTextFile(`${directory}/${name}`, program, { mode: 0o755 });
    }
    const { code, stderr } = await new Deno.Command(await executableOf("tests/charms/probe/charm.ts", "probe"), {
      clearEnv: true,
      env: {
        PATH: `${directory}:/usr/bin:/bin`,
        CHARMLET_HOOK_COMMANDS: "process",
        JUJU_CONTEXT_ID: "probe/0-spawn-1",
        JUJU_DISPATCH_PATH: "actions/spawn",
        JUJU_ACTION_UUID: "1",
        JUJU_UNIT_NAME: "probe/0",
        JUJU_CHARM_DIR: `${directory}/charm`,
        JUJU_AGENT_TOKEN: "token-4Zt8",
      },
    }).output();
    assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
    const seen = (await Deno.readTextFile(`${directory}/seen`)).trimEnd().split("\n").sort();
    assertEquals(seen, ["action-get token-4Zt8", "action-set token-4Zt8", "echo ", "state-get token-4Zt8"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
