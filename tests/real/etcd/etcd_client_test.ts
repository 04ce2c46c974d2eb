/** The etcd client against three real members with mutual TLS. */
import { assert, assertEquals, assertGreaterOrEqual, assertRejects } from "@std/assert";
import { type Etcd, type EtcdOptions, openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import type { WatchEvent } from "../../../interfaces/clients/etcd/watch.ts";
import { asText, hexId } from "../../../interfaces/clients/etcd/values.ts";
import {
  AuthenticationError,
  CertificateError,
  ClientError,
  CommonNameError,
  CompactedError,
  MissingError,
  NoQuorumError,
  NotPermittedError,
  UnhealthyClusterError,
  UnreachableError,
} from "../../../interfaces/clients/errors.ts";
import { createAuthority } from "./certificates.ts";
import { type Cluster, eventually, type Member, startCluster } from "./cluster.ts";

const PATIENCE_MS = 60_000;

function tlsOf(cluster: Cluster) {
  return { ca: cluster.authority.cert, cert: cluster.client.cert, key: cluster.client.key };
}

function open(cluster: Cluster, options: Partial<EtcdOptions> = {}): Etcd {
  return openEtcd({ endpoints: cluster.connectionString, tls: tlsOf(cluster), ...options });
}

async function untilHealthy(etcd: Etcd): Promise<void> {
  await eventually("all members healthy", PATIENCE_MS, async () => {
    return (await etcd.maintenance.health()).every(({ healthy }) => healthy);
  });
}

async function leaderOf(cluster: Cluster, etcd: Etcd): Promise<Member> {
  const statuses = await Promise.all(etcd.endpoints.map((endpoint) => etcd.maintenance.status(endpoint)));
  const leader = statuses.find(({ memberId, leader }) => memberId === leader);
  const member = cluster.members.find(({ clientUrl }) => clientUrl === leader?.endpoint);
  assert(member, "the cluster has a leader");
  return member;
}

/** Follows keys in the background; resolves once the watch stands. */
async function follow(etcd: Etcd, prefix: string) {
  const events: WatchEvent[] = [];
  const ready = Promise.withResolvers<void>();
  const stop = new AbortController();
  const done = (async () => {
    const options = { prefix: true, previous: true, signal: stop.signal, onReady: () => ready.resolve() };
    for await (const event of etcd.watch(prefix, options)) events.push(event);
  })();
  await Promise.race([ready.promise, done]);
  return {
    events,
    async stop() {
      stop.abort();
      await done;
    },
  };
}

// Deno 2.7.11 keeps a reply's resource when fetch is aborted in the instant in which the reply arrives: this test has
// members that answer when the client has just given up.
Deno.test({ name: "the etcd client on a real cluster", sanitizeResources: false }, async (t) => {
  await using cluster = await startCluster(3);
  using etcd = open(cluster);
  await untilHealthy(etcd);

  await t.step("keys and values are those that etcdctl sees, as text and as bytes", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
    const revision = await etcd.kv.put("kv/text", "grüße\n");
    await etcd.kv.put(Uint8Array.of(0xff, 0, 1), bytes);
    assertEquals(await cluster.etcdctl("get", "--print-value-only", "kv/text"), "grüße\n\n");
    assertEquals((await etcd.kv.get(Uint8Array.of(0xff, 0, 1)))?.value, bytes);
    const found = await etcd.kv.get("kv/text");
    assertEquals([found?.createRevision, found?.modRevision, found?.version], [revision, revision, 1n]);
    assertEquals(await etcd.kv.getText("kv/none"), undefined);
    await cluster.etcdctl("put", "kv/empty", "");
    assertEquals(await etcd.kv.getText("kv/empty", { serializable: false }), "");
    assertEquals([await etcd.kv.delete("kv/empty"), await etcd.kv.delete("kv/empty")], [true, false]);
  });

  await t.step("a prefix is read in pages, in order and as of one revision", async () => {
    const names = Array.from({ length: 25 }, (_, i) => `list/${String(i).padStart(2, "0")}`);
    for (const name of names) await etcd.kv.put(name, name);
    await etcd.kv.put("list0", "beyond the prefix");
    const keys: string[] = [];
    for await (const { key, value } of etcd.kv.list("list/", { pageSize: 10 })) {
      keys.push(asText(key));
      assertEquals(asText(value), asText(key));
      if (keys.length === 1) await etcd.kv.deletePrefix("list/2");
    }
    assertEquals(keys, names);
    const some: string[] = [];
    for await (const { key, value } of etcd.kv.list("list/", { limit: 7, pageSize: 5, keysOnly: true })) {
      some.push(asText(key) + asText(value));
    }
    assertEquals(some, names.slice(0, 7));
    assertEquals([await etcd.kv.count("list/"), await etcd.kv.deletePrefix("list/")], [20, 20]);
    assertEquals(await etcd.kv.getText("list0"), "beyond the prefix");
  });

  await t.step("a transaction does one side or the other, whole", async () => {
    const claim = () =>
      etcd.transaction({
        when: [{ key: "txn/owner", createRevision: 0n }],
        then: [{ put: "txn/owner", value: "first" }, { put: "txn/log", value: "1" }],
        otherwise: [{ get: "txn/owner" }, { getPrefix: "txn/" }, { delete: "txn/log" }],
      });
    const first = await claim();
    assertEquals([first.succeeded, first.results.length], [true, 2]);
    const second = await claim();
    assertEquals(second.succeeded, false);
    const [owner, all, deleted] = second.results;
    assertEquals(owner?.found.map(({ value }) => asText(value)), ["first"]);
    assertEquals([all?.found.length, deleted?.deleted], [2, 1]);
    const swap = (is: string) =>
      etcd.transaction({
        when: [{ key: "txn/owner", value: is }, { key: "txn/owner", modRevision: first.revision }],
        then: [{ put: "txn/owner", value: "next" }],
      });
    assertEquals((await swap("other")).succeeded, false);
    assertEquals((await swap("first")).succeeded, true);
    assertEquals((await swap("next")).succeeded, false);
  });

  await t.step("keys end with their lease", async () => {
    const { id, ttlSeconds } = await etcd.leases.grant(60);
    assertEquals(ttlSeconds, 60);
    await etcd.kv.put("lease/key", "alive", { lease: id });
    assertEquals((await etcd.kv.get("lease/key"))?.lease, id);
    // Each member answers by itself.
    await eventually("the lease in a list", PATIENCE_MS, async () => {
      return (await cluster.etcdctl("lease", "list")).includes(hexId(id));
    });
    assertEquals(await etcd.leases.keepAlive(id), 60);
    const state = await etcd.leases.timeToLive(id);
    assertEquals([state.ttlSeconds, state.keys.map(asText)], [60, ["lease/key"]]);
    assertEquals([await etcd.leases.revoke(id), await etcd.leases.revoke(id)], [true, false]);
    assertEquals(await etcd.kv.get("lease/key"), undefined);
    await assertRejects(() => etcd.leases.keepAlive(id), MissingError, "has ended");
    await assertRejects(() => etcd.leases.timeToLive(id), MissingError, "has ended");
    await assertRejects(() => etcd.kv.put("lease/key", "dead", { lease: id }), MissingError);
  });

  await t.step("a watch tells each change once and in order, also past ones", async () => {
    const first = await etcd.kv.put("watch/a", "1");
    await etcd.kv.put("watch/a", "2");
    await etcd.kv.delete("watch/a");
    const seen: string[] = [];
    for await (const { type, kv, previous } of etcd.watch("watch/a", { startRevision: first, previous: true })) {
      seen.push(`${type} ${asText(kv.value)} was ${previous ? asText(previous.value) : "-"}`);
      if (seen.length === 3) break;
    }
    assertEquals(seen, ["put 1 was -", "put 2 was 1", "delete  was 2"]);
    await cluster.etcdctl("compact", `${await etcd.kv.put("watch/a", "3")}`);
    // Another member may have compacted; this one has as well when it has caught up for a read.
    assertEquals(await etcd.kv.getText("watch/a"), "3");
    await assertRejects(() => etcd.watch("watch/a", { startRevision: first }).next(), CompactedError, "deleted");
  });

  await t.step("status, health, version and alarms", async () => {
    const [status] = await Promise.all(etcd.endpoints.map((endpoint) => etcd.maintenance.status(endpoint)));
    assert(status && status.leader !== "0" && status.dbSizeBytes > 0 && status.errors.length === 0);
    const version = await etcd.maintenance.version();
    assertEquals(version.server, status.version);
    assert(version.cluster.startsWith("3."));
    assertEquals(await etcd.maintenance.alarms(), []);
    await etcd.maintenance.disarm();
    for (const endpoint of etcd.endpoints) await etcd.maintenance.defragment(endpoint);
    await untilHealthy(etcd);
    assertEquals((await etcd.maintenance.health()).length, 3);
  });

  await t.step("certificates that are not trusted, on either side, are told from servers that are away", async () => {
    const directory = `${cluster.directory}/other`;
    await Deno.mkdir(directory);
    const other = await createAuthority(directory, "other");
    const stranger = await other.issue("stranger", { subject: "/O=client" });
    const tls = tlsOf(cluster);
    const refusals: [string, EtcdOptions["tls"]][] = [
      ["UnknownIssuer", { ...tls, ca: other.cert }],
      ["refuses our client certificate", { ca: tls.ca }],
      ["refuses our client certificate", { ...tls, cert: stranger.cert, key: stranger.key }],
    ];
    for (const [reason, wrong] of refusals) {
      using client = open(cluster, { tls: wrong ?? {} });
      const error = await assertRejects(() => client.kv.put("tls/key", "value"), CertificateError, reason);
      assertEquals([error.attempts.length, error.outcomeUnknown], [3, false]);
    }
    using plain = open(cluster, { endpoints: cluster.connectionString.replaceAll("https:", "http:"), tls: {} });
    await assertRejects(() => plain.kv.get("tls/key"), UnreachableError, "if it speaks TLS, use https");
    using nobody = open(cluster, { endpoints: "https://127.0.0.1:1,https://127.0.0.1:2" });
    const error = await assertRejects(() => nobody.kv.get("tls/key"), UnreachableError, "connection refused");
    assertEquals(error.attempts.map(({ endpoint }) => endpoint), ["https://127.0.0.1:1", "https://127.0.0.1:2"]);
    assertEquals(await etcd.kv.count("tls/"), 0);
  });

  await t.step(
    "members are added and removed one at a time; a join that would risk the quorum is refused",
    async () => {
      const before = await etcd.members.list();
      assertEquals(before.map(({ name }) => name).sort(), ["m0", "m1", "m2"]);
      const joining = await cluster.prepareMember();
      // etcd refuses changes until all members have been connected for five seconds.
      const { member, members, added } = await eventually("a join", PATIENCE_MS, async () => {
        return await etcd.members.add([joining.peerUrl]);
      });
      assertEquals([member.name, members.length, added], ["", 4, true]);
      const again = await etcd.members.add([joining.peerUrl]);
      assertEquals([again.member.id, again.members.length, again.added], [member.id, 4, false]);
      await assertRejects(() => etcd.members.add(["https://127.0.0.1:9"]), UnhealthyClusterError, "wait until all");
      const initialCluster = members.map(({ name, peerUrls }) => `${name || joining.name}=${peerUrls[0]}`).join(",");
      await cluster.start(joining, { state: "existing", initialCluster });
      using wider = open(cluster);
      await untilHealthy(wider);
      assertEquals((await etcd.members.list()).find(({ id }) => id === member.id)?.name, joining.name);
      assertEquals([await etcd.members.remove(member.id), await etcd.members.remove(member.id)], [true, false]);
      await cluster.forget(joining);
      assertEquals((await etcd.members.list()).length, 3);
    },
  );

  await t.step("reads, writes and a watch go on when the leader is killed", async () => {
    const killed = await leaderOf(cluster, etcd);
    const others = cluster.members.filter((member) => member !== killed).map(({ clientUrl }) => clientUrl);
    using watcher = open(cluster, { endpoints: [killed.clientUrl, ...others] });
    const watched = await follow(watcher, "failover/");
    const acknowledged: string[] = [];
    const write = async (i: number): Promise<void> => {
      await etcd.kv.put(`failover/${i}`, `${i}`, { repeatable: true });
      acknowledged.push(`failover/${i}`);
    };
    for (let i = 0; i < 20; i++) await write(i);
    await cluster.kill(killed);
    for (let i = 20; i < 40; i++) await eventually(`write ${i}`, PATIENCE_MS, async () => (await write(i), true));
    assertEquals(await etcd.kv.count("failover/"), 40);
    await eventually("all but the killed one healthy", PATIENCE_MS, async () => {
      const health = await etcd.maintenance.health();
      assertEquals(health.filter(({ healthy }) => !healthy).map(({ endpoint }) => endpoint), [killed.clientUrl]);
      return true;
    });
    await eventually("the watch to have all", PATIENCE_MS, () => {
      const keys = new Set(watched.events.map(({ kv }) => asText(kv.key)));
      return Promise.resolve(acknowledged.every((key) => keys.has(key)));
    });
    const revisions = watched.events.map(({ kv }) => kv.modRevision);
    assertEquals(revisions, [...new Set(revisions)].sort((a, b) => Number(a - b)), "each change once, in order");
    await watched.stop();
    await cluster.start(killed);
    await untilHealthy(etcd);
  });

  await t.step("a write avoids a member that is paused, and a watch leaves it", async () => {
    const leader = await leaderOf(cluster, etcd);
    const paused = cluster.members.find((member) => member !== leader);
    assert(paused);
    const endpoints = [paused.clientUrl, leader.clientUrl];
    using client = open(cluster, { endpoints, timeoutMs: 6000 });
    using watcher = open(cluster, { endpoints });
    const watched = await follow(watcher, "paused");
    cluster.pause(paused);
    try {
      assertGreaterOrEqual(Number(await client.kv.put("paused", "1")), 1);
      await eventually("the change from another member", PATIENCE_MS, () => Promise.resolve(watched.events.length > 0));
      assertEquals(watched.events.map(({ kv }) => asText(kv.value)), ["1"]);
    } finally {
      cluster.resume(paused);
    }
    await watched.stop();
    assertEquals(await etcd.kv.getText("paused"), "1");
  });

  await t.step("without quorum requests fail in time and say so; old data can be read; it comes back", async () => {
    const [survivor, ...lost] = cluster.members;
    assert(survivor);
    await etcd.kv.put("quorum", "before");
    // Two members suffice to acknowledge a write: the third may not have it yet.
    using alone = open(cluster, { endpoints: survivor.clientUrl });
    await eventually("the survivor to have the write", PATIENCE_MS, async () => {
      return await alone.kv.getText("quorum", { serializable: true }) === "before";
    });
    for (const member of lost) await cluster.kill(member);
    await eventually("the survivor to notice", PATIENCE_MS, async () => {
      return (await etcd.maintenance.status(survivor.clientUrl)).leader === "0";
    });
    const calls = [
      () => etcd.kv.getText("quorum"),
      () => etcd.kv.put("quorum", "during"),
      () => etcd.members.add(["https://127.0.0.1:9"]),
    ];
    for (const call of calls) {
      const error = await assertRejects(call, NoQuorumError, "no quorum");
      assertEquals(error.outcomeUnknown, false, "nothing was sent to a member without a leader");
    }
    assertEquals(await etcd.kv.getText("quorum", { serializable: true }), "before");
    assertEquals((await etcd.members.list()).length, 3);
    for (const member of lost) await cluster.start(member);
    await untilHealthy(etcd);
    assertEquals(await etcd.kv.getText("quorum"), "before");
  });

  await t.step("with authentication on, users may do what their roles say", () => withAuthentication(cluster));
});

async function withAuthentication(cluster: Cluster): Promise<void> {
  for (const user of ["root:root-password", "app:app-password"]) await cluster.etcdctl("user", "add", user);
  for (const role of ["root", "app"]) {
    await cluster.etcdctl("role", "add", role);
    await cluster.etcdctl("user", "grant-role", role, role);
  }
  await cluster.etcdctl("role", "grant-permission", "app", "--prefix=true", "readwrite", "app/");
  await cluster.etcdctl("auth", "enable");
  const failure = async (options: Partial<EtcdOptions>, key: string): Promise<ClientError> => {
    using client = open(cluster, options);
    const error = await assertRejects(() => client.kv.put(key, "the-value"), ClientError);
    for (const secret of ["password", "the-value", "PRIVATE"]) {
      assert(!error.message.includes(`-${secret}`), error.message);
    }
    return error;
  };
  const auth = { user: "app", password: "app-password" };
  using app = open(cluster, { auth });
  await app.kv.put("app/key", "1");
  assertEquals(await app.kv.getText("app/key"), "1");

  assert(await failure({ auth }, "other/key") instanceof NotPermittedError);
  assert(await failure({ auth: { ...auth, password: "wrong-password" } }, "app/key") instanceof AuthenticationError);
  assert(await failure({}, "app/key") instanceof AuthenticationError);
  const named = await cluster.authority.issue("named", { subject: "/O=client/CN=app" });
  const tls = { ca: cluster.authority.cert, cert: named.cert, key: named.key };
  assert(await failure({ auth, tls }, "app/key") instanceof CommonNameError);

  const watched = await follow(app, "app/");
  await app.kv.put("app/key", "2");
  await eventually("the change", PATIENCE_MS, () => Promise.resolve(watched.events.length === 1));
  await watched.stop();
  await assertRejects(() => app.watch("other/key").next(), NotPermittedError);

  // A member's tokens are gone when it starts again: the client gets a new one by itself.
  for (const member of cluster.members) {
    await cluster.stop(member);
    await cluster.start(member);
    await untilHealthy(app);
  }
  await app.kv.put("app/key", "3");
  assertEquals(await app.kv.getText("app/key"), "3");
}
