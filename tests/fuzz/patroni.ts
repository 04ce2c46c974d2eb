/**
 * What Patroni's REST API answers, and the decisions of the units that follow from it and from their databag.
 *
 * @module
 */
import fc from "fast-check";
import type { HttpReply } from "../../interfaces/clients/http/exchange.ts";
import { readObject } from "../../interfaces/clients/patroni/answer.ts";
import { longWrites, reads, writes } from "../../interfaces/clients/patroni/requests.ts";
import type { Transport } from "../../interfaces/clients/patroni/transport.ts";
import { type ClusterView, readCluster } from "../../interfaces/clients/patroni/values.ts";
import { peersChanged } from "../../interfaces/database_peers/changed.ts";
import { peersDeparted } from "../../interfaces/database_peers/departed.ts";
import { readApplicationBag, readUnitBag } from "../../interfaces/database_peers/bags.ts";
import { listOf, type Table, worldOf } from "../unit/database_peers_table.ts";
import { attempt, Breach, checkLine, type Surface, surface, type Verdict, worst } from "./surface.ts";
import { bags, damagedJson, damagedTexts, jsonValues, secretTexts, texts } from "./values.ts";

const MEMBER = {
  name: "pg-0",
  role: "leader",
  state: "running",
  api_url: "http://10.0.0.1:8008/patroni",
  host: "10.0.0.1",
};
const CLUSTER = {
  members: [
    { ...MEMBER, port: 5432, timeline: 3 },
    { ...MEMBER, name: "pg-1", role: "sync_standby", state: "streaming", port: 5432, timeline: 3, lag: 0 },
    { ...MEMBER, name: "pg-2", role: "replica", state: "start failed", lag: "unknown", pending_restart: true },
  ],
  scope: "pg",
  pause: true,
};
const STATUS = {
  state: "running",
  postmaster_start_time: "2026-01-01 00:00:00.000000+00:00",
  role: "primary",
  server_version: 150018,
  xlog: { location: 67419584 },
  timeline: 1,
  replication: [{
    usename: "replication",
    application_name: "pg-1",
    client_addr: "10.0.0.2",
    state: "streaming",
    sync_state: "sync",
  }],
  dcs_last_seen: 1_767_225_600,
  database_system_identifier: "7590000000000000000",
  patroni: { version: "4.0.4", scope: "pg", name: "pg-0" },
};
const HISTORY = [[1, 25623960, "no recovery target specified", "2026-01-01T00:00:00+00:00", "pg-1"]];
const CONFIG = { ttl: 30, postgresql: { parameters: { max_connections: 100 } } };
const WORDS = [
  'Successfully switched over to "pg-1"',
  "Switchover failed",
  "switchover scheduled",
  "leader is not member of cluster",
  "restart conditions are not satisfied",
  "status unknown",
  "<html></html>",
  "",
];

/** A reply of any status whose body is damaged JSON, words, or anything; the error must not repeat it. */
function replies(): fc.Arbitrary<HttpReply> {
  const odd = fc.oneof(jsonValues(), secretTexts());
  const json = damagedJson(fc.constantFrom<unknown>(CLUSTER, STATUS, HISTORY, CONFIG), odd)
    .map((value) => JSON.stringify(value));
  return fc.record({
    status: fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(200, 200, 200, 202, 503) },
      fc.constantFrom(400, 401, 403, 404, 405, 409, 412, 422, 500, 501, 502),
      fc.integer({ min: 100, max: 999 }),
    ),
    text: fc.oneof(
      { weight: 6, arbitrary: json },
      fc.constantFrom(...WORDS),
      damagedTexts(fc.constantFrom(...WORDS), fc.oneof(texts(), secretTexts())),
      texts(),
    ),
  });
}

async function ask(reply: HttpReply): Promise<Verdict> {
  const answer = () => Promise.resolve(reply);
  const transport: Transport = { scheme: () => "http", read: answer, write: answer, close() {} };
  const client = { ...reads(transport, 1), ...writes(transport, 1), ...longWrites(transport, 1) };
  const attempts = await Promise.all([
    attempt(() => client.cluster()),
    attempt(() => client.status()),
    attempt(() => client.health()),
    attempt(() => client.history()),
    attempt(() => client.config()),
    attempt(() => client.is("primary")),
    attempt(() => client.is("readiness")),
    attempt(() => client.alive()),
    attempt(() => client.patchConfig({ ttl: 20 })),
    attempt(() => client.reload()),
    attempt(() => client.cancelRestart()),
    attempt(() => client.reinitialize()),
    attempt(() => client.restart()),
    attempt(() => client.switchover({ leader: "pg-0" })),
    attempt(() => client.failover({ candidate: "pg-1" })),
  ]);
  // No reply fits all calls: one that fits any was read.
  return attempts.some(({ verdict }) => verdict === "taken") ? "taken" : "refused";
}

type Given = Partial<Table> & { readonly views: readonly unknown[] };

function tables(): fc.Arbitrary<Given> {
  const list = fc.constantFrom(listOf(0, 1, 2), listOf(0), "", '["pg-0.pg-endpoints"]', "[]", "null", "{}");
  return fc.record({
    substrate: fc.constantFrom("machine", "kubernetes"),
    initialised: fc.boolean(),
    leader: fc.boolean(),
    members: fc.oneof({ weight: 3, arbitrary: list }, damagedTexts(list), texts()),
    others: fc.uniqueArray(fc.nat(120), { maxLength: 4 }),
    views: fc.array(damagedJson(fc.constant(CLUSTER)), { minLength: 1, maxLength: 3 }),
    health: fc.dictionary(
      fc.constantFrom("10.0.0.0", "10.0.0.1", "10.0.0.2"),
      fc.constantFrom("running", "starting", "stopped"),
    ),
    primary: fc.oneof(fc.constantFrom("10.0.0.0", "10.0.0.1"), texts()),
    stalenessMs: fc.nat(100_000),
    synchronous: fc.boolean(),
    planned: fc.nat(5),
  });
}

async function decide({ views, ...table }: Given): Promise<Verdict> {
  const cluster: (ClusterView | undefined)[] = [];
  for (const view of views) {
    const read = await attempt(() => readCluster(readObject({ status: 200, text: JSON.stringify(view) })));
    cluster.push(read.verdict === "taken" ? read.value : undefined);
  }
  const changed = worldOf({ ...table, cluster });
  const departed = worldOf({ ...table, cluster });
  const outcomes = [
    await attempt(() => peersChanged(changed.world)),
    await attempt(() => peersDeparted(departed.world, "pg/2")),
  ];
  for (const outcome of outcomes) {
    if (outcome.verdict === "refused") continue;
    if (outcome.value.kind === "deferred") checkLine("the reason", outcome.value.reason);
    if (outcome.value.kind === "blocked") checkLine("the message", outcome.value.message);
  }
  for (const text of [...changed.done, ...departed.done].filter((each) => each.startsWith("status "))) {
    checkLine("a status", text);
  }
  return worst(outcomes);
}

function peerBags(): fc.Arbitrary<Readonly<Record<string, string>>> {
  return bags({
    cluster_initialised: ["True"],
    members_ips: [listOf(0, 1, 2), "[]"],
    endpoints: ['["pg-0.pg-endpoints"]'],
    "private-address": ["10.0.0.1", "2001:db8::1", "pg-0.pg-endpoints"],
    tls: ["enabled"],
    postgresql_restarted: ["True"],
    "operator-password": ["x"],
  }, ["operator-password"]);
}

async function readBags(bag: Readonly<Record<string, string>>): Promise<Verdict> {
  const attempts = [
    await attempt(() => readApplicationBag(bag, "machine")),
    await attempt(() => readApplicationBag(bag, "kubernetes")),
    await attempt(() => readUnitBag(bag)),
  ];
  for (const each of attempts) {
    if (each.verdict !== "taken") continue;
    const hosts = "members" in each.value ? each.value.members : [each.value.address ?? "10.0.0.1"];
    if (hosts.some((host) => /[\s'"\\/]/.test(host))) throw new Breach(`${JSON.stringify(hosts)} were taken for hosts`);
  }
  return worst(attempts);
}

/** The surfaces. */
export const PATRONI_SURFACES: readonly Surface[] = [
  surface("Patroni: replies", replies, ask),
  surface("database-peers: decisions", tables, decide),
  surface("databags: postgresql_peers", peerBags, readBags),
];
