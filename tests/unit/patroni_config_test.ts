/** Patroni's configuration: what is rendered, and what is refused before anything is written. */
import { assert, assertEquals, assertNotEquals, assertNotMatch, assertRejects, assertThrows } from "@std/assert";
import { parse } from "@std/yaml";
import { InputError } from "../../interfaces/clients/errors.ts";
import {
  dynamicConfig,
  type PatroniSettings,
  renderPatroniConfig,
  synchronousConfig,
  synchronousNodeCount,
} from "../../interfaces/clients/patroni/config_file.ts";
import { clusterHba, type HbaLine, renderHba } from "../../interfaces/clients/patroni/hba.ts";
import { checkTlsFiles, removeOldTlsFiles, writeTlsFiles } from "../../interfaces/clients/patroni/tls_files.ts";

const TLS = { ca: "/tls/ca.pem", cert: "/tls/cert.pem", key: "/tls/key.pem" };

const SETTINGS: PatroniSettings = {
  scope: "pg",
  name: "pg-0",
  rest: { listen: "10.0.0.1", port: 8008, tls: TLS, auth: { username: "patroni", password: 'p"a\\ss:#{}' } },
  dcs: { kind: "etcd3", hosts: ["10.0.0.7:2379", "[fd00::8]:2379"], tls: TLS },
  bootstrap: { ttl: 20, loopWait: 2, retryTimeout: 3, synchronous: synchronousNodeCount("all", 3), failsafe: true },
  postgresql: {
    listen: "fd00::1",
    port: 5432,
    dataDirectory: "/data/pg",
    binDirectory: "/usr/lib/postgresql/15/bin",
    socketDirectory: "/run/pg",
    passFile: "/data/pgpass",
    superuser: { username: "operator", password: "one" },
    replication: { username: "replication", password: "two" },
    rewind: { username: "rewind", password: "three" },
    tls: TLS,
    hba: clusterHba({ tls: true, superuser: "operator", replication: "replication", addresses: ["10.0.0.1"] }),
    parameters: { shared_buffers: "16MB", ssl: "off" },
  },
  tags: { nofailover: false },
};

Deno.test("the file is YAML with everything that was given, and the same each time", () => {
  const text = renderPatroniConfig(SETTINGS);
  assertEquals(renderPatroniConfig(structuredClone(SETTINGS)), text);
  const file = parse(text) as Record<string, Record<string, unknown>>;
  assertEquals(file.scope, "pg" as unknown);
  assertEquals(file.restapi, {
    listen: "10.0.0.1:8008",
    connect_address: "10.0.0.1:8008",
    certfile: TLS.cert,
    keyfile: TLS.key,
    cafile: TLS.ca,
    authentication: { username: "patroni", password: 'p"a\\ss:#{}' },
  });
  const etcd = { hosts: ["10.0.0.7:2379", "[fd00::8]:2379"], protocol: "https" };
  assertEquals(file.etcd3, { ...etcd, cacert: TLS.ca, cert: TLS.cert, key: TLS.key });
  assertEquals(file.postgresql?.listen, "[fd00::1]:5432");
  assertEquals(file.postgresql?.parameters, {
    shared_buffers: "16MB",
    ssl: "on",
    unix_socket_directories: "/run/pg",
    password_encryption: "scram-sha-256",
    ssl_ca_file: TLS.ca,
    ssl_cert_file: TLS.cert,
    ssl_key_file: TLS.key,
  });
  assertEquals(file.postgresql?.pg_hba, [
    "local all operator scram-sha-256",
    "hostssl replication replication 10.0.0.1/32 scram-sha-256",
    "hostssl all operator 10.0.0.1/32 scram-sha-256",
  ]);
  assertEquals(file.bootstrap?.dcs, {
    ttl: 20,
    loop_wait: 2,
    retry_timeout: 3,
    failsafe_mode: true,
    synchronous_mode: true,
    synchronous_mode_strict: false,
    synchronous_node_count: 2,
    postgresql: { use_pg_rewind: true, use_slots: true },
  });
});

Deno.test("without TLS nothing names a certificate; the other stores have their own sections", () => {
  const { tls: _, ...rest } = SETTINGS.rest;
  const { tls: __, ...postgresql } = SETTINGS.postgresql;
  const raft = { kind: "raft", self: "10.0.0.1:2222", partners: ["10.0.0.2:2222"], directory: "/data/raft" } as const;
  const text = renderPatroniConfig({ ...SETTINGS, rest, postgresql, dcs: raft });
  assertNotMatch(text, /pem|https/);
  const file = parse(text) as Record<string, Record<string, unknown>>;
  assertEquals(file.raft, { data_dir: "/data/raft", self_addr: "10.0.0.1:2222", partner_addrs: ["10.0.0.2:2222"] });
  assertEquals((file.postgresql?.parameters as Record<string, unknown>).ssl, "off");
  const labels = { application: "patroni" };
  const kubernetes = { kind: "kubernetes", namespace: "model", labels, podIp: "10.1.0.1" } as const;
  const other = parse(renderPatroniConfig({ ...SETTINGS, dcs: kubernetes })) as Record<string, unknown>;
  assertEquals(other.kubernetes, { namespace: "model", labels, use_endpoints: true, pod_ip: "10.1.0.1" });
});

Deno.test("settings that cannot be used are refused without their passwords", () => {
  const { postgresql, rest } = SETTINGS;
  const wrong: Partial<PatroniSettings>[] = [
    { name: "pg/0" },
    { scope: "" },
    { scope: "a\nb" },
    { namespace: "service" },
    { rest: { ...rest, port: 0 } },
    { rest: { ...rest, listen: "a b" } },
    { rest: { ...rest, auth: { username: "a:b", password: "hunter2" } } },
    { dcs: { kind: "etcd3", hosts: [] } },
    { dcs: { kind: "etcd3", hosts: ["10.0.0.1"] } },
    { dcs: { kind: "etcd3", hosts: ['10.0.0.1:1", "x:1'] } },
    { bootstrap: { ttl: 19 } },
    { bootstrap: { ttl: 20, loopWait: 10, retryTimeout: 10 } },
    { postgresql: { ...postgresql, dataDirectory: "data" } },
    { postgresql: { ...postgresql, superuser: { username: "operator", password: "hunter2\n" } } },
    { postgresql: { ...postgresql, superuser: { username: "operator", password: "hunter2 ü" } } },
    { postgresql: { ...postgresql, superuser: { username: 'a"b', password: "hunter2" } } },
    { postgresql: { ...postgresql, parameters: { max_connections: 100 } } },
    { postgresql: { ...postgresql, parameters: { "a b": 1 } } },
    { postgresql: { ...postgresql, parameters: { search_path: "ü" } } },
    { tags: { a: "ü" } },
  ];
  for (const change of wrong) {
    const error = assertThrows(() => renderPatroniConfig({ ...SETTINGS, ...change }), InputError);
    assertNotMatch(error.message, /hunter2/);
  }
});

Deno.test("synchronous replicas: all, majority or a number, never more than there will be", () => {
  const count = (setting: "all" | "majority" | number, planned: number, strict = false) => {
    const result = synchronousNodeCount(setting, planned, strict);
    return [result.mode, result.nodeCount, result.strict];
  };
  assertEquals([count("all", 1), count("all", 3), count("all", 5)], [[false, 0, false], [true, 2, false], [
    true,
    4,
    false,
  ]]);
  assertEquals([1, 2, 3, 4, 5].map((planned) => count("majority", planned)[1]), [0, 1, 1, 2, 2]);
  assertEquals([0, 1, 2, 7, -1, 1.9].map((wanted) => count(wanted, 3)[1]), [0, 1, 2, 2, 0, 1]);
  assertEquals([count("all", 3, true), count("all", 1, true), count("all", 0, true)], [
    [true, 2, true],
    [false, 0, false],
    [false, 0, false],
  ]);
  assertEquals(synchronousConfig(synchronousNodeCount(0, 3)), {
    synchronous_mode: false,
    synchronous_mode_strict: false,
    synchronous_node_count: 1,
  });
  assertEquals(dynamicConfig({}).ttl, 30);
});

Deno.test("pg_hba lines: masks, quotes, and no second line in disguise", () => {
  const line: HbaLine = { type: "host", database: "all", user: "app", address: "10.0.0.1", method: "scram-sha-256" };
  const render = (change: Partial<HbaLine>) => renderHba([{ ...line, ...change }])[0];
  assertEquals(render({}), "host all app 10.0.0.1/32 scram-sha-256");
  assertEquals(render({ address: "fd00::1" }), "host all app fd00::1/128 scram-sha-256");
  assertEquals(render({ address: "10.0.0.0/8" }), "host all app 10.0.0.0/8 scram-sha-256");
  assertEquals(render({ address: "pg-0.pg-endpoints" }), "host all app pg-0.pg-endpoints scram-sha-256");
  assertEquals(render({ user: "+group" }), 'host all "+group" 10.0.0.1/32 scram-sha-256');
  assertEquals(render({ database: "a b" }), 'host "a b" app 10.0.0.1/32 scram-sha-256');
  const wrong: Partial<HbaLine>[] = [
    { user: 'a"b' },
    { user: "a\nhost all all all trust" },
    { user: "" },
    { database: "x".repeat(64) },
    { address: "10.0.0.1 trust" },
    { address: "" },
    { type: "local" },
  ];
  for (const change of wrong) assertThrows(() => render(change), InputError);
  assertEquals(renderHba([{ type: "local", database: "all", user: "app", method: "peer" }]), ["local all app peer"]);
});

async function makeCertificate(directory: string): Promise<{ cert: string; key: string }> {
  const files = ["-keyout", `${directory}/key`, "-out", `${directory}/cert`];
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=test"];
  const command = new Deno.Command("openssl", {
    args: ["req", "-x509", ...kind, ...files],
    stderr: "null",
    stdin: "null",
  });
  assert((await command.output()).success, "openssl makes a certificate");
  return { cert: await Deno.readTextFile(`${directory}/cert`), key: await Deno.readTextFile(`${directory}/key`) };
}

Deno.test("certificates are checked first, written for their owner only, and never changed in place", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const [made, other] = [await makeCertificate(directory), await makeCertificate(directory)];
    const home = `${directory}/tls`;
    await Deno.mkdir(home);
    await assertRejects(() => writeTlsFiles(home, { ca: made.cert, cert: made.cert, key: other.key }), InputError);
    await assertRejects(() => writeTlsFiles(home, { ca: "no PEM", ...made }), InputError);
    assertEquals(await Array.fromAsync(Deno.readDir(home)), []);
    const first = await writeTlsFiles(home, { ca: made.cert, ...made });
    assertEquals(await writeTlsFiles(home, { ca: made.cert, ...made }), first);
    assertEquals(((await Deno.stat(first.key)).mode ?? 0) & 0o777, 0o600);
    assertEquals(((await Deno.stat(first.key.replace("/key.pem", ""))).mode ?? 0) & 0o777, 0o700);
    await checkTlsFiles(first);
    const second = await writeTlsFiles(home, { ca: other.cert, ...other });
    assertNotEquals(first.key, second.key);
    await assertRejects(() => checkTlsFiles({ ...first, key: second.key }), InputError, "not the key");
    await removeOldTlsFiles(home, [second]);
    await checkTlsFiles(second);
    await assertRejects(() => checkTlsFiles(first), InputError, "is not there");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
