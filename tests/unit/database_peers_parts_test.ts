/** Databags, names, the rolling lock, options and settings: the parts that decide without asking anybody. */
import { assert, assertEquals, assertNotMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { renderPatroniConfig } from "../../interfaces/clients/patroni/config_file.ts";
import { ContractError, readApplicationBag, readUnitBag, writeMembers } from "../../interfaces/database_peers/bags.ts";
import { hookBudget, UNLIMITED } from "../../interfaces/database_peers/budget.ts";
import { memberOf, podAddress, scopeOf, unitOf } from "../../interfaces/database_peers/names.ts";
import { newPassword } from "../../interfaces/database_peers/passwords.ts";
import { placeOf } from "../../interfaces/database_peers/place.ts";
import { serverRun } from "../../interfaces/database_peers/postmaster.ts";
import { dynamicOf, type SettingsInput, settingsOf } from "../../interfaces/database_peers/settings.ts";
import { hasSecrets } from "../../interfaces/database_peers/vault.ts";
import { type Grant, nextGrants, type Wish } from "../../interfaces/rolling_op/lock.ts";

Deno.test("units, members and pods: application names have hyphens too", () => {
  assertEquals(memberOf("my-pg-k8s/12"), "my-pg-k8s-12");
  assertEquals(unitOf("my-pg-k8s-12"), "my-pg-k8s/12");
  for (const name of ["pg", "-1", "pg-", "pg-x", "PG-1", "pg'; DROP-1"]) assertEquals(unitOf(name), name);
  assertEquals(podAddress("pg", "pg/2"), "pg-2.pg-endpoints");
  assertEquals([scopeOf("pg", "machine"), scopeOf("pg", "kubernetes")], ["pg", "patroni-pg"]);
});

Deno.test("the application's databag: absent and empty are alike, any value of cluster_initialised counts", () => {
  for (const data of [{}, { cluster_initialised: "", members_ips: "" }]) {
    assertEquals(readApplicationBag(data, "machine"), { initialised: false, members: [] });
  }
  assertEquals(readApplicationBag({ cluster_initialised: "False" }, "machine").initialised, true);
  const both = { members_ips: '["10.0.0.1"]', endpoints: '["pg-0.pg-endpoints"]' };
  assertEquals(readApplicationBag(both, "machine").members, ["10.0.0.1"]);
  assertEquals(readApplicationBag(both, "kubernetes").members, ["pg-0.pg-endpoints"]);
  assertEquals(readApplicationBag({ members_ips: '["fd00::1", "fd00::1"]' }, "machine").members, ["fd00::1"]);
});

Deno.test("a list that cannot be right is refused without repeating it", () => {
  const long = JSON.stringify(Array.from({ length: 10_000 }, () => "10.0.0.1"));
  for (const value of ["[", "null", "{}", '[["10.0.0.1"]]', '["a b"]', '["x\\u0000"]', `"${"x".repeat(99_999)}"`]) {
    const error = assertThrows(() => readApplicationBag({ members_ips: value }, "machine"), ContractError);
    assertStringIncludes(error.message, "members_ips of the application's databag");
    assert(error.message.length < 200);
  }
  assertThrows(() => readApplicationBag({ members_ips: long }, "machine"), ContractError, "far too long");
});

Deno.test("a unit's databag: an address that is none counts as absent", () => {
  assertEquals(readUnitBag({}), { tls: false, restarted: false });
  for (const address of ["", "10.0.0.1\n", "'; DROP", "a b", "x".repeat(300)]) {
    assertEquals(readUnitBag({ "private-address": address }).address, undefined);
  }
  assertEquals(readUnitBag({ "private-address": "10.0.0.1", tls: "enabled", postgresql_restarted: "True" }), {
    address: "10.0.0.1",
    tls: true,
    restarted: true,
  });
});

Deno.test("a list is written once each, and an empty one takes the key away", () => {
  assertEquals(writeMembers(["10.0.0.1", "10.0.0.2", "10.0.0.1"]), '["10.0.0.1","10.0.0.2"]');
  assertEquals(writeMembers([]), "");
});

Deno.test("Juju has secrets from version 3 on", () => {
  assertEquals(["3.6.8", "3.0.0", "4.0.1", "10.0"].map((jujuVersion) => hasSecrets({ jujuVersion })), [
    true,
    true,
    true,
    true,
  ]);
  assertEquals(["2.9.49", ""].map((jujuVersion) => hasSecrets({ jujuVersion })), [false, false]);
});

Deno.test("passwords are long, of letters and digits, and differ", () => {
  const made = Array.from({ length: 50 }, newPassword);
  for (const password of made) assert(/^[A-Za-z0-9]{32}$/.test(password));
  assertEquals(new Set(made).size, made.length);
});

const wishes = (...states: (Wish["state"] | null)[]): Wish[] =>
  states.map((state, number) => ({ unit: `pg/${number}`, state: state ?? undefined }));
const grants = (entries: Record<number, Grant>): Map<string, Grant> =>
  new Map(Object.entries(entries).map(([number, grant]) => [`pg/${number}`, grant]));
const changes = (entries: Record<number, Grant | undefined>) =>
  Object.fromEntries(Object.entries(entries).map(([number, grant]) => [`pg/${number}`, grant]));

Deno.test("the lock goes to one unit at a time, by number, and is handed on when it is given back", () => {
  const table: [Wish[], Map<string, Grant>, Record<string, Grant | undefined>][] = [
    [wishes(null, null, null), grants({}), {}],
    [wishes(null, "acquire", "acquire"), grants({}), changes({ 1: "granted" })],
    [wishes("acquire", "acquire", null), grants({ 1: "granted" }), {}],
    [wishes(null, "release", "acquire"), grants({ 1: "granted" }), changes({ 1: "idle", 2: "granted" })],
    [wishes(null, "release", null), grants({ 1: "idle" }), {}],
    [wishes(null, "acquire", null), grants({ 1: "idle" }), changes({ 1: "granted" })],
    [wishes(null, null, null), grants({ 1: "granted" }), changes({ 1: "idle" })],
    [wishes("acquire"), grants({ 4: "granted" }), changes({ 0: "granted", 4: undefined })],
  ];
  for (const [asked, given, expected] of table) {
    assertEquals(Object.fromEntries(nextGrants(asked, given)), expected);
  }
});

Deno.test("ten units restart one after the other, and never two at a time", () => {
  const state = wishes(...Array.from({ length: 10 }, () => "acquire" as const)).map((wish) => ({ ...wish }));
  const given = new Map<string, Grant>();
  const order: string[] = [];
  for (let round = 0; round < 40; round++) {
    for (const [unit, grant] of nextGrants(state, given)) grant ? given.set(unit, grant) : given.delete(unit);
    const holders = state.filter(({ unit }) => given.get(unit) === "granted");
    assert(holders.length <= 1);
    for (const [index, wish] of state.entries()) {
      if (!holders.includes(wish)) continue;
      order.push(wish.unit);
      state[index] = { ...wish, state: "release" };
    }
  }
  assertEquals(order, state.map(({ unit }) => unit));
});

const INPUT: SettingsInput = {
  application: "pg",
  unit: "pg/1",
  model: "prod",
  substrate: "machine",
  address: "10.0.0.2",
  members: ["10.0.0.2", "10.0.0.1"],
  options: {
    dataDirectory: "/var/lib/charmlet",
    ...{ port: 5432, patroniPort: 8008, raftPort: 2222, synchronous: "all", strict: false, tls: false, dcs: "etcd" },
    ...{ ttl: 30, loopWait: 10, retryTimeout: 10, failsafe: false, sharedBuffers: "128MB" },
    clientNetworks: ["0.0.0.0/0"],
  },
  passwords: { operator: "o-pass", replication: "r-pass", rewind: "w-pass", patroni: "p-pass", raft: "f-pass" },
  place: placeOf("/var/lib/charmlet", "pg/1"),
  programs: "/usr/lib/postgresql/15/bin",
  store: { kind: "etcd3", endpoints: "https://10.0.0.9:2379", hosts: ["10.0.0.9:2379"] },
  etcdTls: { ca: "/e/ca.pem", cert: "/e/cert.pem", key: "/e/key.pem" },
  tls: undefined,
};

const render = (changed: Partial<SettingsInput>) =>
  JSON.parse(renderPatroniConfig(settingsOf({ ...INPUT, ...changed })).replace(/^#.*\n/, ""));

Deno.test("a machine's configuration: etcd over TLS, members let each other in, the superuser stays inside", () => {
  const file = render({});
  assertEquals([file.scope, file.name, file.etcd3.hosts], ["pg", "pg-1", ["10.0.0.9:2379"]]);
  assertEquals([file.etcd3.protocol, file.etcd3.key], ["https", "/e/key.pem"]);
  assertEquals(file.postgresql.listen, "10.0.0.2:5432");
  assertEquals(file.postgresql.parameters.ssl, "off");
  const hba: string[] = file.postgresql.pg_hba;
  assert(hba.includes("host replication replication 10.0.0.1/32 scram-sha-256"));
  assert(hba.indexOf("host all operator 0.0.0.0/0 reject") < hba.indexOf("host all all 0.0.0.0/0 scram-sha-256"));
  assert(
    hba.indexOf("host all operator 10.0.0.1/32 scram-sha-256") < hba.indexOf("host all operator 0.0.0.0/0 reject"),
  );
});

Deno.test("the same members in another order make the same configuration", () => {
  const other = { ...INPUT, members: ["10.0.0.1", "10.0.0.2"] };
  assertEquals(renderPatroniConfig(settingsOf(other)), renderPatroniConfig(settingsOf(INPUT)));
});

Deno.test("with TLS nobody is let in without it", () => {
  const file = render({ tls: { ca: "/t/ca.pem", cert: "/t/cert.pem", key: "/t/key.pem" } });
  assertEquals([file.restapi.certfile, file.postgresql.parameters.ssl], ["/t/cert.pem", "on"]);
  for (const line of file.postgresql.pg_hba.filter((each: string) => !each.endsWith("reject"))) {
    assertNotMatch(line, /^host /);
  }
});

Deno.test("Raft's partners are the other members; a pod listens everywhere and is known by its name", () => {
  const raft = render({ store: { kind: "raft" } }).raft;
  assertEquals([raft.self_addr, raft.partner_addrs], ["10.0.0.2:2222", ["10.0.0.1:2222"]]);
  const pod = "pg-1.pg-endpoints";
  const file = render({ substrate: "kubernetes", address: pod, members: [pod], store: { kind: "kubernetes" } });
  assertEquals([file.scope, file.kubernetes.namespace], ["patroni-pg", "prod"]);
  assertEquals(file.kubernetes.labels, { application: "patroni", "cluster-name": "patroni-pg" });
  assertEquals([file.restapi.listen, file.restapi.connect_address], ["0.0.0.0:8008", `${pod}:8008`]);
  assert(file.postgresql.pg_hba.some((line: string) => line.includes(`${pod}.prod.svc.cluster.local`)));
});

Deno.test("synchronous replicas follow the option and the units that there will be", () => {
  const of = (synchronous: "all" | "majority" | number, planned: number) => {
    const { mode, nodeCount } = dynamicOf({ ...INPUT.options, synchronous }, planned).synchronous ?? {};
    return mode ? nodeCount : 0;
  };
  assertEquals([1, 2, 3, 5].map((planned) => of("all", planned)), [0, 1, 2, 4]);
  assertEquals([1, 2, 3, 5].map((planned) => of("majority", planned)), [0, 1, 1, 2]);
  assertEquals([1, 2, 3, 5].map((planned) => of(2, planned)), [0, 1, 2, 2]);
  assertEquals([1, 3].map((planned) => of(0, planned)), [0, 0]);
});

Deno.test("a run of the server is told from the next one by its process id and its beginning", async () => {
  const directory = await Deno.makeTempDir();
  try {
    assertEquals(await serverRun(directory), "");
    await Deno.writeTextFile(`${directory}/postmaster.pid`, `4711\n${directory}\n1700000000\n5432\n`);
    assertEquals(await serverRun(directory), "4711 1700000000");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("a hook waits for servers until its time is over, an action as long as it likes", () => {
  assertEquals([0, 1].map((most) => hookBudget().leftMs(most) <= most), [true, true]);
  assert(hookBudget().leftMs(60_000) <= 7500);
  assertEquals(UNLIMITED.leftMs(60_000), 60_000);
});
