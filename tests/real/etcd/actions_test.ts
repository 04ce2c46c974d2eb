/** The actions of a charm that runs etcd, on real members. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { healthResults, listResults, observe, reportMembers } from "../../../actions/etcd_members.ts";
import { replaceData, type StartingMember } from "../../../actions/etcd_replace_data.ts";
import { inspectSnapshot, saveSnapshot } from "../../../actions/etcd_tools.ts";
import { ActionFailed } from "../../../hooks/errors.ts";
import { ServiceError } from "../../../interfaces/clients/errors.ts";
import { openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import { eventually, startCluster } from "./cluster.ts";

const PATIENCE_MS = 60_000;

Deno.test({
  name: "members are told apart, and a snapshot is saved, checked and restored",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  fn: useMembers,
});

async function useMembers(t: Deno.TestContext): Promise<void> {
  await using cluster = await startCluster(3);
  const [first, second, third] = cluster.members;
  assert(first && second && third);
  await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
  const tls = { ca: cluster.authority.cert, cert: cluster.client.cert, key: cluster.client.key };
  const open = (endpoints: readonly string[]) => openEtcd({ endpoints, tls });
  using etcd = open([first.clientUrl]);

  await t.step("health of all members, though only one endpoint is known", async () => {
    const results = healthResults(reportMembers(await observe(etcd, open)));
    const { output: _output, ...rest } = results;
    assertEquals({ ...rest, leader: "" }, {
      healthy: true,
      quorum: true,
      members: 3,
      "healthy-members": 3,
      leader: "",
      version: (await etcd.maintenance.version()).server,
      alarms: "",
    });
    assert(cluster.members.some(({ name }) => name === results.leader));
  });

  await t.step("a member that is down is told, with the reason", async () => {
    await cluster.kill(third);
    const reports = await eventually("the cluster to go on", PATIENCE_MS, async () => {
      const seen = reportMembers(await observe(etcd, open));
      return healthResults(seen)["healthy-members"] === 2 && seen;
    });
    assertEquals([healthResults(reports).healthy, healthResults(reports).quorum], [false, true]);
    const down = reports.find(({ name }) => name === third.name);
    assertEquals([down?.healthy, down?.version, down?.dbSize], [false, "", 0]);
    assert(down?.reason.includes("connection refused"), down?.reason);
    assertEquals(listResults(await etcd.members.list()).started, 3);
  });

  const file = `${cluster.directory}/one.db`;
  const { certFile, keyFile } = cluster.client;
  const files = { ca: cluster.authority.certFile, cert: certFile, key: keyFile };
  const key = "/snapshot/key";
  await t.step("a snapshot has what was written before it, and is for its owner alone", async () => {
    const revision = Number(await etcd.kv.put(key, "before"));
    await saveSnapshot(first.clientUrl, file, files);
    await etcd.kv.put(key, "after");
    assertEquals(((await Deno.stat(file)).mode ?? 0) % 0o1000, 0o600);
    const facts = await inspectSnapshot(file);
    assertEquals([facts.revision, facts.bytes], [revision, (await Deno.stat(file)).size]);
    const sum = await new Deno.Command("sha256sum", { args: [file] }).output();
    assertEquals(new TextDecoder().decode(sum.stdout).split(" ")[0], facts.sha256);
    const save = () => saveSnapshot(third.clientUrl, `${file}2`, files, 1000);
    const error = await assertRejects(save, ActionFailed, "etcdctl failed: ");
    assert(!error.message.includes("\n"), error.message);
  });

  const own: StartingMember = {
    name: first.name,
    peerUrl: first.peerUrl,
    clientUrl: first.clientUrl,
    dataDirectory: first.dataDir,
    files,
    owner: await ownerOf(cluster.directory),
    start: () => cluster.start(first),
    stop: () => cluster.stop(first),
  };
  const steps: string[] = [];
  const progress = (message: string) => Promise.resolve(void steps.push(message));
  const urls = cluster.members.map(({ clientUrl }) => clientUrl);

  await t.step("a snapshot with which the member does not serve: the old data comes back", async () => {
    await cluster.kill(second);
    await eventually("no majority", PATIENCE_MS, async () => {
      return (await etcd.maintenance.status(first.clientUrl)).leader === "0";
    });
    for (const start of [() => Promise.reject(new ServiceError("it did not start")), () => Promise.resolve()]) {
      let starts = 0;
      const broken = { ...own, start: () => starts++ === 0 ? start() : own.start() };
      await assertRejects(
        () => replaceData(broken, file, urls, open, progress, 1000),
        ActionFailed,
        "is as it was before; look at",
      );
    }
    steps.length = 0;
    for (const member of [second, third]) await cluster.start(member);
    assertEquals(await eventually("the old data", PATIENCE_MS, () => etcd.kv.getText(key)), "after");
  });

  await t.step("members that serve without the own one are not left behind", async () => {
    await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
    const { memberId } = await etcd.maintenance.status(first.clientUrl);
    await cluster.kill(first);
    for (const { clientUrl } of [second, third]) {
      using other = open([clientUrl]);
      await eventually("a new leader", PATIENCE_MS, async () => {
        return !["0", memberId].includes((await other.maintenance.status(clientUrl)).leader);
      });
    }
    const error = await assertRejects(() => replaceData(own, file, urls, open, progress), ActionFailed);
    for (const { clientUrl } of [second, third]) assertStringIncludes(error.message, clientUrl);
    assertMatch(error.message, /serve without this unit's member; mend it first/);
    assertEquals(steps, []);
    await cluster.start(first);
  });

  await t.step("a snapshot becomes the data of a cluster whose other members are removed first", async () => {
    await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
    const { removed, oldData } = await replaceData(own, file, urls, open, progress);
    assertEquals([[...removed].sort(), oldData], [[second.name, third.name], `${first.dataDir}.before-restore`]);
    assertEquals(await eventually("the restored key", PATIENCE_MS, () => etcd.kv.getText(key)), "before");
    assertEquals((await etcd.members.list()).map(({ name }) => name), [first.name]);
    assert((await Array.fromAsync(Deno.readDir(oldData ?? ""))).length > 0);
    await eventually("the others to have ended by themselves", PATIENCE_MS, () => {
      return Promise.resolve([second, third].every((member) => !cluster.isRunning(member)));
    });
    assertMatch(steps.join("\n"), /^making the data .*\nremoving the member m\d\nremoving the member m\d\nstarting /);
  });
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number }> {
  const { uid, gid } = await Deno.stat(path);
  return { uid: uid ?? 0, gid: gid ?? 0 };
}
