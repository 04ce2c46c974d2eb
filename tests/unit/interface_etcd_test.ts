import { assert, assertEquals, assertMatch, assertNotMatch, assertRejects, assertThrows } from "@std/assert";
import { ValueError } from "../../hooks/errors.ts";
import { parseConnectionString } from "../../interfaces/etcd/connection_string.ts";
import { etcdPeers } from "../../interfaces/etcd/peers.ts";
import { etcdProvider } from "../../interfaces/etcd/provides.ts";
import { etcdClient } from "../../interfaces/etcd/requires.ts";
import { type Bag, TestUnit } from "./interface_unit.ts";

const URLS = "https://10.0.0.1:2379";
const TLS: Bag = { client_cert: "CERT", client_key: "KEY", client_ca: "CA" };
const COMPLETE: Bag = { connection_string: URLS, version: "3.4.23", ...TLS };
const CONNECTED = ["etcd.connected"];
const AVAILABLE = ["etcd.available", "etcd.connected"];
const ALL = ["etcd.available", "etcd.connected", "etcd.tls.available"];

function client(units: Record<string, Bag>): TestUnit {
  const unit = new TestUnit("requires", "etcd", "etcd");
  unit.relations["etcd:1"] = { app: "etcd", units };
  return unit;
}

for (
  const [title, units, flags] of [
    ["units with empty bags", { "etcd/0": {}, "etcd/1": {} }, CONNECTED],
    [
      "one of three has a connection string",
      { "etcd/0": {}, "etcd/1": { connection_string: URLS }, "etcd/2": {} },
      AVAILABLE,
    ],
    [
      "two of three credentials",
      { "etcd/0": { connection_string: URLS, client_cert: "C", client_key: "K" } },
      AVAILABLE,
    ],
    ["certificate and key from two units", {
      "etcd/0": { connection_string: URLS, client_cert: "C", client_ca: "A" },
      "etcd/1": { connection_string: URLS, client_key: "K" },
    }, AVAILABLE],
    ["one unit has all", { "etcd/0": {}, "etcd/1": COMPLETE }, ALL],
    ["credentials without a connection string", { "etcd/0": TLS }, CONNECTED],
    ["a value of more than 64 KiB counts as absent", {
      "etcd/0": { ...COMPLETE, client_key: "K".repeat(65_537) },
    }, AVAILABLE],
  ] as const
) {
  Deno.test(`etcd client flags: ${title}`, async () => {
    const { flags: got } = await client(units).hook("etcd-relation-changed", { relation: "etcd:1", unit: "etcd/0" });
    assertEquals(got, flags);
  });
}

Deno.test("etcd client flags: nobody in the relation", async () => {
  assertEquals((await client({}).hook("etcd-relation-created", { relation: "etcd:1" })).flags, []);
});

Deno.test("etcd client: flags follow the units that remain", async () => {
  const unit = client({ "etcd/0": COMPLETE, "etcd/1": COMPLETE, "etcd/2": {} });
  assertEquals((await unit.hook("etcd-relation-joined", { relation: "etcd:1", unit: "etcd/2" })).flags, ALL);
  unit.relations["etcd:1"] = { app: "etcd", units: { "etcd/1": COMPLETE, "etcd/2": {} } };
  assertEquals((await unit.hook("etcd-relation-departed", { relation: "etcd:1", unit: "etcd/0" })).flags, ALL);
  unit.relations["etcd:1"] = { app: "etcd", units: { "etcd/2": {} } };
  assertEquals((await unit.hook("etcd-relation-departed", { relation: "etcd:1", unit: "etcd/1" })).flags, CONNECTED);
  unit.relations["etcd:1"] = { app: "etcd", units: {} };
  assertEquals((await unit.hook("etcd-relation-departed", { relation: "etcd:1", unit: "etcd/2" })).flags, []);
});

Deno.test("etcd client: the end of one relation leaves what another offers", async () => {
  const unit = client({ "etcd/0": COMPLETE });
  unit.relations["etcd:2"] = { app: "other", units: { "other/0": COMPLETE } };
  await unit.hook("etcd-relation-changed", { relation: "etcd:2", unit: "other/0" });
  unit.relations["etcd:2"] = { app: "other", units: {} };
  assertEquals((await unit.hook("etcd-relation-broken", { relation: "etcd:2" })).flags, ALL);
  delete unit.relations["etcd:2"];
  unit.relations["etcd:1"] = { app: "etcd", units: {} };
  assertEquals((await unit.hook("etcd-relation-broken", { relation: "etcd:1" })).flags, []);
});

Deno.test("etcd client: an upgrade from another framework finds its flags", async () => {
  const unit = client({ "etcd/0": COMPLETE });
  unit.loseState();
  assertEquals((await unit.hook("upgrade-charm")).flags, ALL);
});

Deno.test("etcd client: all values are those of the first complete unit, by number", async () => {
  const unit = client({
    "etcd/0": { connection_string: "https://partial:2379", client_key: "K0" },
    "etcd/10": { ...COMPLETE, client_key: "K10" },
    "etcd/2": { ...COMPLETE, client_key: "K2", version: "" },
  });
  const { result } = await unit.hook("update-status", {}, async (ctx) => {
    const etcd = etcdClient(ctx);
    return [await etcd.getConnectionString(), await etcd.getVersion(), (await etcd.getClientCredentials()).clientKey];
  });
  assertEquals(result, [URLS, null, "K2"]);
});

for (
  const [value, reason] of [
    ["", "no connection string"],
    ["https://a:2379,https://b", "no port"],
    ["ftp://a:2379", "scheme"],
    ["https://user:pw@a:2379", "user name or password"],
    ["https://a:2379/path", "more than a host"],
    ["not a url", "does not parse"],
    ["admin:pw@10.0.0.1:2379", "user name or password"],
    ["https://a:2379/admin:pw@b", "user name or password"],
    ["https://a:2379/?password=pw", "more than a host"],
    ["pw:2379", "does not begin with"],
    ["https:admin:pw", "does not"],
    ["https://a:99999", "does not parse"],
    [Array(65).fill(URLS).join(","), "at most 64"],
  ] as const
) {
  Deno.test(`etcd connection string ${JSON.stringify(value.slice(0, 30))} is refused`, () => {
    const error = assertThrows(() => parseConnectionString(value), ValueError, reason);
    assert(error.message.length < 300);
    assertNotMatch(error.message, /pw/);
  });
}

Deno.test("etcd connection strings may have blanks and IPv6 addresses", () => {
  const urls = parseConnectionString(" https://10.0.0.1:2379 , http://[fd00::1]:2379/ ");
  assertEquals(urls.map(({ host }) => host), ["10.0.0.1:2379", "[fd00::1]:2379"]);
  assertEquals(parseConnectionString("https://a:443")[0]?.hostname, "a");
});

async function identity(dir: string, name: string, days: string): Promise<{ cert: string; key: string }> {
  const [key, cert] = [`${dir}/${name}.key`, `${dir}/${name}.crt`];
  const args = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const { success } = await new Deno.Command("openssl", {
    args: [...args, "-keyout", key, "-out", cert, "-days", days, "-subj", `/O=${name}`],
    stderr: "null",
  }).output();
  assert(success, "openssl made a certificate");
  return { key: await Deno.readTextFile(key), cert: await Deno.readTextFile(cert) };
}

Deno.test("etcd client saves a complete set of credentials, for the owner alone, and only when it changed", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { key, cert } = await identity(dir, "client", "10");
    const ca = (await identity(dir, "ca", "10")).cert;
    const unit = client({ "etcd/0": { ...COMPLETE, client_cert: cert, client_key: key, client_ca: ca } });
    unit.now = Date.now();
    const paths = [`${dir}/out/key.pem`, `${dir}/out/cert.pem`, `${dir}/out/ca/ca.pem`] as const;
    const save = () => unit.hook("update-status", {}, (ctx) => etcdClient(ctx).saveClientCredentials(...paths));
    assertEquals((await save()).result, true);
    assertEquals(await Promise.all(paths.map((path) => Deno.readTextFile(path))), [key, cert, ca]);
    for (const path of paths) assertEquals((await Deno.stat(path)).mode! % 0o1000, 0o600);
    assertEquals((await Deno.stat(`${dir}/out`)).mode! % 0o1000, 0o700);
    assertEquals((await save()).result, false);
    await Deno.chmod(paths[0], 0o644);
    assertEquals((await save()).result, true, "a mode that others can read is mended");
    assertEquals((await Array.fromAsync(Deno.readDir(`${dir}/out`))).map(({ name }) => name).sort(), [
      "ca",
      "cert.pem",
      "key.pem",
    ]);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("etcd client writes nothing when the credentials cannot be used, and repeats none of them", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { key, cert } = await identity(dir, "client", "1");
    const other = await identity(dir, "other", "1");
    const good: Bag = { client_cert: cert, client_key: key, client_ca: other.cert };
    const cases: [Bag, number, string][] = [
      [{ ...good, client_key: "" }, Date.now(), "has not sent its client key"],
      [{ ...good, client_cert: "", client_ca: "" }, Date.now(), "certificate, authority"],
      [{ ...good, client_cert: cert.slice(0, 200) }, Date.now(), "no PEM certificate"],
      [{ ...good, client_cert: cert.replace(/\n.{20}/, "\n") }, Date.now(), "cut short"],
      [{ ...good, client_key: key.slice(0, 80) }, Date.now(), "client key cannot be read"],
      [{ ...good, client_key: other.key }, Date.now(), "not the key of its client certificate"],
      [{ ...good, client_ca: "CA" }, Date.now(), "authority is no PEM certificate"],
      [
        { ...good, client_ca: `${other.cert}${"A".repeat(1_000_000)}` },
        Date.now(),
        "has not sent its client authority",
      ],
      [good, Date.now() + 2 * 86_400_000, "expired"],
    ];
    for (const [bag, now, reason] of cases) {
      const unit = client({ "etcd/0": { connection_string: URLS, ...bag } });
      unit.now = now;
      const save = unit.hook(
        "update-status",
        {},
        (ctx) => etcdClient(ctx).saveClientCredentials(`${dir}/new/k`, `${dir}/new/c`, `${dir}/new/a`),
      );
      const error = await assertRejects(() => save, ValueError, reason);
      assertNotMatch(error.message, /BEGIN|MII/);
      await assertRejects(() => Deno.stat(`${dir}/new`), Deno.errors.NotFound);
    }
    const unit = client({ "etcd/0": { connection_string: URLS, ...good } });
    unit.now = Date.now();
    const same = `${dir}/same`;
    await assertRejects(
      () => unit.hook("update-status", {}, (ctx) => etcdClient(ctx).saveClientCredentials(same, same, same)),
      ValueError,
      "three different files",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("etcd provider publishes to every relation that lives, and only what changed", async () => {
  const unit = new TestUnit("provides", "db", "etcd");
  unit.relations = { "db:1": { app: "a", units: { "a/0": {} } }, "db:2": { app: "b", units: {} } };
  const publish = (version?: string) => async (ctx: Parameters<typeof etcdProvider>[0]) => {
    await etcdProvider(ctx).setConnectionString(URLS, version);
    await etcdProvider(ctx).setClientCredentials("K", "C", null);
  };
  const first = await unit.hook("db-relation-joined", { relation: "db:1", unit: "a/0" }, publish("3.4"));
  assertEquals(first.flags, ["db.connected"]);
  const bag = { connection_string: URLS, version: "3.4", client_key: "K", client_cert: "C" };
  assertEquals(unit.own, { "db:1": bag, "db:2": bag });
  unit.relations["db:1"] = { app: "a", units: {} };
  const broken = await unit.hook("db-relation-broken", { relation: "db:1" }, publish());
  assertEquals(broken.flags, []);
  const { version: _version, ...rest } = bag;
  assertEquals(unit.own, { "db:1": bag, "db:2": rest }, "nothing goes into the relation that breaks");
});

Deno.test("etcd peers: departing units are remembered until they are dismissed, in any hook", async () => {
  const unit = new TestUnit("peers", "cluster", "etcd");
  unit.relations["cluster:0"] = { app: "app", units: { "app/2": { "db-ingress-address": "10.5.0.2" } } };
  await unit.hook("cluster-relation-joined", { relation: "cluster:0", unit: "app/2" });
  unit.relations["cluster:0"] = { app: "app", units: { "app/1": {}, "app/2": { "db-ingress-address": "10.5.0.2" } } };
  const joined = await unit.hook(
    "cluster-relation-joined",
    { relation: "cluster:0", unit: "app/1" },
    (ctx) => etcdPeers(ctx).getPeers(),
  );
  assertEquals([joined.result, joined.flags], [["app/2", "app/1"], ["cluster.joined"]]);
  unit.relations["cluster:0"] = { app: "app", units: { "app/1": {} } };
  unit.gone["cluster:0 app/2"] = { "db-ingress-address": "10.5.0.2" };
  const departed = await unit.hook("cluster-relation-departed", { relation: "cluster:0", unit: "app/2" });
  assertEquals(departed.flags, ["cluster.departing", "cluster.joined"]);
  const later = await unit.hook("update-status", {}, async (ctx) => {
    const peers = etcdPeers(ctx);
    const found = [peers.getPeers(), peers.getDeparting(), await peers.getDepartingDbIngressAddresses()];
    peers.dismiss();
    return found;
  });
  assertEquals(later.result, [["app/1"], ["app/2"], ["10.5.0.2"]]);
  assertEquals(later.flags, ["cluster.joined"]);
});

Deno.test("etcd peers: an address that is none is left out and told about", async () => {
  const unit = new TestUnit("peers", "cluster", "etcd");
  const units = {
    "app/1": { "db-ingress-address": "10.0.0.1;rm -rf /" },
    "app/2": { "db-ingress-address": "db2.example" },
    "app/3": { "db-ingress-address": "fd00::3" },
  };
  unit.relations["cluster:0"] = { app: "app", units };
  for (const name of Object.keys(units)) {
    await unit.hook("cluster-relation-joined", { relation: "cluster:0", unit: name });
  }
  const { result, log } = await unit.hook("update-status", {}, (ctx) => etcdPeers(ctx).getDbIngressAddresses());
  assertEquals(result, ["db2.example", "fd00::3"]);
  assertMatch(log.join("\n"), /app\/1: db-ingress-address "10\.0\.0\.1;rm -rf \/" is neither/);
  await assertRejects(
    () => unit.hook("update-status", {}, (ctx) => etcdPeers(ctx).setDbIngressAddress("$(id)")),
    ValueError,
  );
});

Deno.test("etcd peers: an upgrade from another framework adopts the members", async () => {
  const unit = new TestUnit("peers", "cluster", "etcd");
  unit.relations["cluster:0"] = { app: "app", units: { "app/10": {}, "app/9": {} } };
  const upgrade = await unit.hook("upgrade-charm", {}, (ctx) => etcdPeers(ctx).getPeers());
  assertEquals([upgrade.result, upgrade.flags], [["app/9", "app/10"], ["cluster.joined"]]);
});
