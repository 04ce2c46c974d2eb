/** How a unit joins: against Patroni alone, and while the entry of one that has left is still there. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { deferralsOf } from "../../demo/facts.ts";
import type { Cluster } from "../etcd/cluster.ts";
import { sendSignal } from "../units_processes.ts";
import { changeUser, ownerOf } from "./machine.ts";
import { endMember, spawnPatroni } from "./processes.ts";
import { APP, type Scene, underWrites, withPostgresql } from "./scenario.ts";
import { withSql } from "./scenario_writer.ts";

const POLL_MS = 20;
/** Milliseconds. */
const STREAMING_MS = 200_000;
/** Seconds that an entry of a member lives. */
const LEASE_S = 60;

Deno.test({
  name: "postgresql: a third unit's join beside Patroni's own time; a unit is added right after another has left",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await withPostgresql(2, async (scene, etcd) => {
      await measuresJoin(scene);
      await joinsAfterAnother(scene, etcd);
    });
  },
});

/** From the start of the hook that starts Patroni to the first byte of the primary's log. */
async function measuresJoin(scene: Scene): Promise<void> {
  const { lab } = scene;
  const [unit = ""] = await lab.model.addUnit(APP);
  const starts: number[] = [];
  lab.intercept = (ranBy, command) => {
    if (ranBy === unit) starts.push(Date.now());
    return command;
  };
  const [streaming] = await Promise.all([untilStreaming(scene, unit), scene.untilWhole(3)]);
  lab.intercept = undefined;
  const home = join(lab.unitDirectory(unit), "postgresql");
  // The hook that starts Patroni makes its directory for the sockets.
  const made = (await Deno.stat(join(home, "sockets"))).birthtime?.getTime() ?? 0;
  const start = starts.findLast((each) => each <= made);
  assert(start !== undefined, "a hook has started Patroni");
  const own = await patroniAlone(scene, unit, home);
  const hook = streaming - start;
  console.log(
    `third unit: hook start to streaming ${hook} ms; Patroni alone, process start to streaming ${own} ms; ` +
      `ratio ${(hook / own).toFixed(2)}`,
  );
  await scene.untilWhole(3);
}

/** When the primary first sends to a unit's member; milliseconds since 1970. */
async function untilStreaming(scene: Scene, unit: string): Promise<number> {
  const access = scene.access();
  assert(access);
  return await withSql(access, scene.addressOf(await scene.primary()), async (sql) => {
    for (const deadline = Date.now() + STREAMING_MS; Date.now() < deadline;) {
      const rows = await sql`SELECT 1 FROM pg_stat_replication WHERE application_name = ${
        unit.replace("/", "-")
      } AND state = 'streaming'`;
      if (rows.length > 0) return Date.now();
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`waited ${STREAMING_MS} ms for ${unit} to stream`);
  });
}

/** Copies a unit's data anew with its own configuration, without any hook. @returns milliseconds */
async function patroniAlone(scene: Scene, unit: string, home: string): Promise<number> {
  const { lab } = scene;
  for (const { pid, argv } of lab.processes(unit)) {
    if (argv.some((text) => text.endsWith("/patroni"))) sendSignal(pid, "SIGTERM");
  }
  await lab.waitFor(`the end of ${unit}'s servers`, () => lab.processes(unit).length === 0);
  const data = join(home, "data");
  await Deno.remove(data, { recursive: true });
  const owner = await ownerOf("postgres");
  const start = Date.now();
  const process = await spawnPatroni(owner ? changeUser(owner) : [], join(home, "patroni.yml"), home);
  try {
    return await untilStreaming(scene, unit) - start;
  } finally {
    await endMember(process, data);
  }
}

async function joinsAfterAnother(scene: Scene, etcd: Cluster): Promise<void> {
  const { lab, leader } = scene;
  const gone = scene.units().find((unit) => unit !== leader && unit !== `${APP}/0`) ?? "";
  const key = `/service/${APP}/members/${gone.replace("/", "-")}`;
  const record: Record<string, unknown> = JSON.parse(await etcd.etcdctl("get", key, "--print-value-only"));
  await underWrites("a unit goes and another comes at once", scene, async () => {
    lab.model.removeUnit(gone);
    await lab.model.addUnit(APP);
    await scene.untilWhole(3);
  });
  // The leader deletes such an entry; without etcd's answer it stays until its lease ends.
  await underWrites("a unit comes while a stopped entry is there", scene, async () => {
    const granted = /lease ([0-9a-f]+) granted/.exec(await etcd.etcdctl("lease", "grant", String(LEASE_S)))?.[1];
    await etcd.etcdctl("put", key, JSON.stringify({ ...record, state: "stopped" }), `--lease=${granted}`);
    const from = lab.model.timeline.length;
    await lab.model.addUnit(APP);
    await lab.model.settle();
    const reasons = lab.model.timeline.slice(from).filter(({ unit }) => unit === leader)
      .flatMap((run) => deferralsOf(run).added);
    assertMatch(
      reasons.join("\n"),
      new RegExp(`for the cluster's members: ${gone.replace("/", "-")} \\(stopped\\)`),
    );
    assertEquals(scene.listed().length, 3, "the new unit is not added yet");
    await scene.untilWhole(4);
  });
}
