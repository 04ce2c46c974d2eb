/** The charm that uses etcd, compiled, under the simulated agent: against real members, and against bad providers. */
import { assert, assertEquals, assertGreaterOrEqual, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import type { Model } from "../../model/mod.ts";
import { withBuiltCharm } from "../../model/built_charm.ts";
import { watchProcesses } from "../units_watch.ts";
import { createAuthority } from "./certificates.ts";
import { type Cluster, eventually, startCluster } from "./cluster.ts";
import { issueExpired } from "./expired.ts";
import { deployProvider, type Offer, offerOf } from "./simulated_provider.ts";

const PATIENCE_MS = 60_000;
const UNIT = "etcd-client/0";
const KEY = `/test/${UNIT}`;

/** A deployed client of a cluster. */
interface Scene {
  readonly model: Model;
  readonly cluster: Cluster;
  /** The client's data directory. */
  readonly directory: string;
}

async function withClient(members: number, test: (scene: Scene) => Promise<void>): Promise<void> {
  await using cluster = await startCluster(members);
  await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
  await withBuiltCharm("etcd-client", { retries: 0 }, async ({ model, charm }) => {
    const directory = join(model.root, "data");
    await model.deploy({ name: "etcd-client", charm, config: { key: "/test/", "data-directory": directory } });
    await model.settle();
    await test({ model, cluster, directory });
  });
}

function statusOf(model: Model): string {
  const { status, message } = model.world.units[UNIT]?.status ?? {};
  return `${status}: ${message}`;
}

function flagsOf(model: Model): string[] {
  return JSON.parse(model.world.units[UNIT]?.state["charmlet.flags"] ?? "[]");
}

function isReady(model: Model): boolean {
  return flagsOf(model).includes("etcd-client.ready");
}

/** Names and contents of the saved credentials; undefined when there are none. */
async function saved(directory: string): Promise<Record<string, string> | undefined> {
  const place = join(directory, "etcd-client-0", "etcd");
  try {
    const names = (await Array.fromAsync(Deno.readDir(place))).map(({ name }) => name).sort();
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await Deno.readTextFile(join(place, name))] as const)),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** How often the client wrote its key. */
async function writes(cluster: Cluster): Promise<number> {
  const { kvs } = JSON.parse(await cluster.etcdctl("get", KEY, "--write-out=json"));
  return kvs?.[0]?.version ?? 0;
}

/** Everything that the client's hooks left for others to see. */
function traces(model: Model): string {
  const runs = model.timeline.filter(({ unit }) => unit === UNIT);
  return JSON.stringify([runs, model.log(UNIT), model.world.units[UNIT]]);
}

/** Parts of a text that would betray it, each long enough not to be there by chance. */
function canaries(pem: string): string[] {
  return pem.split("\n").filter((line) => line.length >= 16 && !line.startsWith("-----"));
}

function assertNoTrace(model: Model, secrets: readonly string[]): void {
  const seen = traces(model);
  assert(secrets.length > 0 && secrets.every((secret) => !seen.includes(secret)), "key material was left somewhere");
}

/** Runs update-status until the client's status is as wanted: members need a moment to find each other. */
async function untilStatus(model: Model, wanted: RegExp): Promise<void> {
  await eventually(`status ${wanted}`, PATIENCE_MS, async () => {
    model.updateStatus("etcd-client");
    await model.settle();
    return wanted.test(statusOf(model));
  });
}

Deno.test("a charm that uses etcd follows the cluster that it is related to", async (t) => {
  await withClient(3, async ({ model, cluster, directory }) => {
    let offer = offerOf(cluster);
    assertMatch(statusOf(model), /^blocked: no unit of etcd is related: juju integrate/);
    const provider = await deployProvider(model, "etcd", "etcd-client:etcd", 2);
    const filesOf = ({ client_ca, client_cert, client_key }: Offer) => ({
      "ca.pem": client_ca,
      "cert.pem": client_cert,
      "key.pem": client_key,
    });

    await t.step("before all is there it waits and writes nothing", async () => {
      assertEquals(statusOf(model), "waiting: etcd has not sent its connection string yet");
      await provider.publish({ connection_string: offer.connection_string });
      assertMatch(statusOf(model), /^waiting: etcd has not sent all of its client certificate, key and authority/);
      assertEquals([isReady(model), await saved(directory), await writes(cluster)], [false, undefined, 0]);
    });

    await t.step("then it saves the credentials, writes its key and tells what the cluster is", async () => {
      await provider.publish(offer);
      assertEquals(statusOf(model), "active: etcd 3.4.23, 3 members");
      assert(isReady(model));
      // More than once where the first answer was late.
      assertGreaterOrEqual(await writes(cluster), 1);
      assertEquals(await saved(directory), filesOf(offer));
      for (const file of Object.keys(filesOf(offer))) {
        const { mode } = await Deno.stat(join(directory, "etcd-client-0/etcd", file));
        assertEquals((mode ?? 0) % 0o1000, 0o600);
      }
    });

    await t.step("it asks etcd again only when something changed, and in update-status", async () => {
      const [before, first] = [model.timeline.length, await writes(cluster)];
      await provider.publish({ ...offer, version: "3.4.22" }, 1);
      const quiet = model.timeline.slice(before).filter(({ unit, name }) =>
        unit === UNIT && name === "etcd-relation-changed"
      );
      assertEquals([quiet.length > 0, await writes(cluster)], [true, first]);
      console.log(`relation-changed without news: ${quiet.map(({ start, end }) => `${Math.round(end - start)} ms`)}`);
      model.updateStatus("etcd-client");
      await model.settle();
      const second = await writes(cluster);
      assertGreaterOrEqual(second, first + 1);
      await provider.publish({ ...offer, version: "3.4.24" });
      assertEquals(statusOf(model), "active: etcd 3.4.24, 3 members");
      assertGreaterOrEqual(await writes(cluster), second + 1);
    });

    await t.step("files move with the option data-directory", async () => {
      const other = join(model.root, "other");
      model.setConfig("etcd-client", { "data-directory": other });
      await model.settle();
      assertEquals([await saved(directory), await saved(other)], [undefined, filesOf(offer)]);
      model.setConfig("etcd-client", { "data-directory": directory });
      await model.settle();
      assertEquals([await saved(directory), await saved(other)], [filesOf(offer), undefined]);
    });

    await t.step("a member that joins is told", async () => {
      const joining = await cluster.prepareMember();
      const peers = cluster.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
      const add = ["member", "add", joining.name, `--peer-urls=${joining.peerUrl}`];
      const endpoints = `--endpoints=${cluster.members[0]?.clientUrl}`;
      await eventually("the join", PATIENCE_MS, () => cluster.etcdctl(...add, endpoints));
      await cluster.start(joining, { state: "existing", initialCluster: peers });
      await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
      offer = offerOf(cluster);
      await provider.publish(offer);
      assertEquals(statusOf(model), "active: etcd 3.4.23, 4 members");
    });

    await t.step("new certificates replace the old ones", async () => {
      const renewed = await cluster.authority.issue("renewed", { subject: "/O=client" });
      assertNotEquals(renewed.key, offer.client_key);
      offer = offerOf(cluster, renewed);
      await provider.publish(offer);
      assertEquals([statusOf(model), isReady(model)], ["active: etcd 3.4.23, 4 members", true]);
      assertEquals(await saved(directory), filesOf(offer));
    });

    await t.step("what does not work never replaces files that work, and the status says why", async () => {
      const other = await createAuthority(await Deno.makeTempDir({ dir: cluster.directory }), "other");
      const stranger = await other.issue("stranger", { subject: "/O=client" });
      const nobody = "https://127.0.0.1:1,https://127.0.0.1:2";
      const troubles: [Partial<Offer>, RegExp][] = [
        [{ client_key: stranger.key, client_cert: stranger.cert }, /^blocked: no trusted .* refuses our client cert/],
        [{ client_ca: other.cert }, /^blocked: no trusted connection .*its certificate is not trusted: UnknownIssuer/],
        [{ connection_string: nobody }, /^waiting: cannot reach https:\/\/127\.0\.0\.1:1 \(connection refused\)/],
      ];
      for (const [trouble, status] of troubles) {
        await provider.publish({ ...offer, ...trouble });
        assertMatch(statusOf(model), status);
        assertEquals([isReady(model), await saved(directory)], [false, filesOf(offer)]);
        await provider.publish(offer);
        assertEquals([statusOf(model), isReady(model)], ["active: etcd 3.4.23, 4 members", true]);
      }
      assertNoTrace(model, canaries(stranger.key));
    });

    await t.step("a cluster without quorum is told, and when it is back", async () => {
      const lost = cluster.members.slice(0, 2);
      for (const member of lost) await cluster.kill(member);
      await untilStatus(model, /^waiting: .*no quorum/);
      assertEquals([isReady(model), await saved(directory)], [false, filesOf(offer)]);
      for (const member of lost) await cluster.start(member);
      await untilStatus(model, /^active: etcd 3\.4\.23, 4 members$/);
      assert(isReady(model));
    });

    await t.step("a second provider takes over from the first; without any the files go", async () => {
      const second = await deployProvider(model, "spare", "etcd-client:etcd");
      const another = offerOf(cluster, await cluster.authority.issue("spare", { subject: "/O=spare" }));
      await second.publish({ ...another, version: "3.4.99" });
      assertEquals([statusOf(model), await saved(directory)], ["active: etcd 3.4.23, 4 members", filesOf(offer)]);
      model.removeRelation("etcd:db", "etcd-client:etcd");
      await model.settle();
      assertEquals([statusOf(model), await saved(directory)], ["active: etcd 3.4.99, 4 members", filesOf(another)]);
      model.removeRelation("spare:db", "etcd-client:etcd");
      await model.settle();
      assertMatch(statusOf(model), /^blocked: no unit of etcd is related/);
      assertEquals([isReady(model), await saved(directory)], [false, undefined]);
    });
    assertNoTrace(model, [cluster.client.key, offer.client_key].flatMap(canaries));
  });
});

Deno.test("what a bad provider sends gets a clear status: not ready, nothing on disk, no secret anywhere", async (t) => {
  using watch = watchProcesses();
  await withClient(1, async ({ model, cluster, directory }) => {
    const { publish } = await deployProvider(model, "etcd", "etcd-client:etcd");
    const good = offerOf(cluster);
    const [url] = cluster.members.map(({ clientUrl }) => clientUrl);
    const expired = await issueExpired(cluster.authority, await Deno.makeTempDir({ dir: cluster.directory }));
    const other = await cluster.authority.issue("other", { subject: "/O=client" });
    const half = (pem: string) => pem.slice(0, pem.length / 2);
    const damaged = good.client_cert.replace(/\n[^-]{10}/, "\nAAAAAAAAAA");
    const password = "canary-password";

    const cases: readonly (readonly [title: string, sent: Partial<Offer>, status: RegExp])[] = [
      ["blanks for a connection string", { connection_string: "  , " }, /^blocked: .*no connection string/],
      ["a blank inside a URL", { connection_string: url?.replace(":2379", " :2379") ?? "" }, /^blocked: .*not parse/],
      ["no port", { connection_string: "https://127.0.0.1" }, /^blocked: .*no port/],
      ["another scheme", { connection_string: "ftp://127.0.0.1:2379" }, /^blocked: .*scheme "ftp:" instead of https/],
      ["no TLS", { connection_string: "http://127.0.0.1:2379" }, /^blocked: .*http URLs: this charm needs https/],
      [
        "a user and password",
        { connection_string: `https://admin:${password}@127.0.0.1:2379` },
        /^blocked: .*user name or password; fix the provider/,
      ],
      [
        "a thousand members",
        { connection_string: Array.from({ length: 1000 }, (_, i) => `https://10.0.${i >> 8}.${i & 255}:2379`).join() },
        /^blocked: .*1000 URLs/,
      ],
      ["a key for a connection string", { connection_string: good.client_key }, /^blocked: .*does not parse/],
      ["a key that is cut short", { client_key: half(good.client_key) }, /^blocked: the client key .*cut short/],
      ["a certificate that is cut short", { client_cert: half(good.client_cert) }, /^blocked: the client cert.*cut sh/],
      [
        "an authority that is cut short",
        { client_ca: half(good.client_ca) },
        /^blocked: the certificate auth.*cut sho/,
      ],
      [
        "a certificate that is damaged",
        { client_cert: damaged },
        /^blocked: the client cert.*get it from the provider/,
      ],
      ["a key of another certificate", { client_key: other.key }, /^blocked: the client key is not the key of the cli/],
      [
        "key and certificate mixed up",
        { client_cert: good.client_key },
        /^blocked: the client certificate has a block/,
      ],
      [
        "an expired certificate",
        { client_cert: expired.cert, client_key: expired.key },
        /^blocked: no trusted connection .*refuses our client certificate/,
      ],
      ["a key of 1 MB", { client_key: good.client_key.repeat(4200) }, /^waiting: etcd has not sent all of its client/],
      [
        "a certificate of 1 MB",
        { client_cert: good.client_cert.repeat(1500) },
        /^waiting: etcd has not sent all of its/,
      ],
      ["an authority of 1 MB", { client_ca: good.client_ca.repeat(1500) }, /^waiting: etcd has not sent all of its/],
      [
        "an authority that is no certificate",
        { client_ca: good.client_key },
        /^blocked: the certificate authority has a/,
      ],
      ["a certificate of 60 KB", { client_cert: "x".repeat(60_000) }, /^blocked: the client certificate has no PEM/],
      ["no version", { version: "" }, /^blocked: etcd has not sent its version, which means etcd 2/],
      ["version 2", { version: "2.3.8" }, /^blocked: etcd's version is not 3\.x\.y/],
      ["no version at all", { version: "banana" }, /^blocked: etcd's version is not 3\.x\.y/],
      ["a key for a version", { version: good.client_key }, /^blocked: etcd has not sent its version|is not 3\.x\.y/],
      ["no key", { client_key: "" }, /^waiting: etcd has not sent all of its client/],
      ["no certificate", { client_cert: "" }, /^waiting: etcd has not sent all of its client/],
      ["no authority", { client_ca: "" }, /^waiting: etcd has not sent all of its client/],
      ["no connection string", { connection_string: "" }, /^waiting: etcd has not sent its connection string yet/],
    ];
    const secrets = [password, ...[good.client_key, other.key, expired.key].flatMap(canaries)];
    for (const [title, sent, status] of cases) {
      await t.step(title, async () => {
        await publish({ ...good, ...sent });
        assertMatch(statusOf(model), status);
        assert(statusOf(model).length < 400, "one line that can be read");
        assertEquals([isReady(model), await saved(directory)], [false, undefined]);
        assertNoTrace(model, secrets);
      });
    }
    assertEquals(await writes(cluster), 0);
    const seen = [...watch.commandLines, ...watch.environments];
    assertEquals(seen.filter((text) => secrets.some((secret) => text.includes(secret))), []);
    await publish(good);
    assertEquals(statusOf(model), "active: etcd 3.4.23, 1 member");
    assertEquals(model.timeline.filter(({ unit, outcome }) => unit === UNIT && outcome === "failed"), []);
  });
});
