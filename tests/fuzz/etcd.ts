/**
 * What etcd's JSON gateway answers, and what the units that run it tell each other.
 *
 * @module
 */
import fc from "fast-check";
import { isRefusal, readReply } from "../../interfaces/clients/etcd/answer.ts";
import type { Connection } from "../../interfaces/clients/etcd/connection.ts";
import { parseEndpoints } from "../../interfaces/clients/etcd/endpoints.ts";
import { createKv } from "../../interfaces/clients/etcd/kv.ts";
import { createLeases } from "../../interfaces/clients/etcd/leases.ts";
import { readLines } from "../../interfaces/clients/etcd/lines.ts";
import { createMaintenance } from "../../interfaces/clients/etcd/maintenance.ts";
import { createMembers } from "../../interfaces/clients/etcd/members.ts";
import { runTransaction } from "../../interfaces/clients/etcd/transaction.ts";
import { watch } from "../../interfaces/clients/etcd/watch.ts";
import type { HttpReply } from "../../interfaces/clients/http/exchange.ts";
import { parseConnectionString } from "../../interfaces/etcd/connection_string.ts";
import { readRecord, readReport } from "../../interfaces/etcd/server/record.ts";
import { readTlsState } from "../../interfaces/etcd/server/tls_state.ts";
import { attempt, Breach, CANARY, type Surface, surface, type Verdict } from "./surface.ts";
import { bags, damagedJson, damagedTexts, jsonValues, secretTexts, texts } from "./values.ts";

const HEADER = { cluster_id: "1", member_id: "2", revision: "7", raft_term: "3" };
const KV = { key: "YQ==", value: "Yg==", create_revision: "1", mod_revision: "5", version: "2", lease: "4" };
const MEMBER = {
  ID: "9372538179322589801",
  name: "etcd0",
  peerURLs: ["https://10.0.0.1:2380"],
  clientURLs: ["https://10.0.0.1:2379"],
};
const GOOD: readonly unknown[] = [
  { header: HEADER, kvs: [KV], count: "1", more: false },
  { header: HEADER, deleted: "2" },
  { header: HEADER, ID: "77", TTL: "60", grantedTTL: "60", keys: ["YQ=="] },
  { result: { header: HEADER, ID: "77", TTL: "60" } },
  { header: HEADER, member: MEMBER, members: [MEMBER, { ID: "5", peerURLs: ["https://10.0.0.2:2380"] }] },
  { header: HEADER, succeeded: true, responses: [{ response_range: { kvs: [KV] } }, { response_put: {} }] },
  {
    header: HEADER,
    version: "3.5.16",
    dbSize: "20480",
    leader: "5",
    raftIndex: "9",
    raftTerm: "3",
    errors: ["alarm:NOSPACE"],
  },
  { header: HEADER, alarms: [{ memberID: "5", alarm: "NOSPACE" }] },
  { health: "true", etcdserver: "3.5.16", etcdcluster: "3.5.0" },
  { error: "etcdserver: request timed out", code: 14, message: "etcdserver: request timed out" },
  { error: "etcdserver: permission denied", code: 7, message: "etcdserver: permission denied" },
  { error: { grpc_code: 5, message: "etcdserver: requested lease not found" } },
];

function replies(): fc.Arbitrary<HttpReply> {
  const json = damagedJson(fc.constantFrom(...GOOD), fc.oneof(jsonValues(), secretTexts()))
    .map((value) => JSON.stringify(value));
  return fc.record({
    status: fc.oneof(
      { weight: 4, arbitrary: fc.constant(200) },
      fc.constantFrom(400, 401, 403, 404, 412, 429, 500, 503),
    ),
    text: fc.oneof({ weight: 6, arbitrary: json }, damagedTexts(json, fc.oneof(texts(), secretTexts())), texts()),
  });
}

/** A connection on which each request gets the next reply, and the last one again and again. */
function answering(replies: readonly HttpReply[]): Connection {
  let at = 0;
  const next = () => {
    const reply = replies[Math.min(at++, replies.length - 1)] ?? { status: 500, text: "" };
    const result = readReply(reply, [CANARY]);
    return isRefusal(result) ? Promise.reject(result.error) : Promise.resolve(result);
  };
  return {
    endpoints: ["https://10.0.0.1:2379", "https://10.0.0.2:2379"],
    timeoutMs: 1000,
    maxReplyBytes: 1_000_000,
    call: next,
    ask: next,
    stream: () => Promise.reject(new Error("not asked")),
    avoid() {},
    forgetToken: () => false,
    secrets: () => [CANARY],
    close() {},
  };
}

const PAGES = 20;

async function ask(given: readonly HttpReply[]): Promise<Verdict> {
  const calls: readonly ((connection: Connection) => Promise<unknown>)[] = [
    (connection) => createKv(connection).get("a"),
    (connection) => createKv(connection).getText("a"),
    (connection) => createKv(connection).count("a"),
    (connection) => createKv(connection).put("a", "b"),
    (connection) => createKv(connection).delete("a"),
    async (connection) => {
      let pages = 0;
      for await (const _each of createKv(connection).list("a", { pageSize: 1 })) if (++pages >= PAGES) break;
    },
    (connection) => createLeases(connection).grant(60),
    (connection) => createLeases(connection).keepAlive("77"),
    (connection) => createLeases(connection).timeToLive("77"),
    (connection) => createLeases(connection).revoke("77"),
    (connection) => createMembers(connection).list(),
    (connection) => createMembers(connection).add(["https://10.0.0.2:2380"]),
    (connection) => createMembers(connection).remove("5"),
    (connection) => createMaintenance(connection).status("https://10.0.0.1:2379"),
    (connection) => createMaintenance(connection).health(),
    (connection) => createMaintenance(connection).version(),
    (connection) => createMaintenance(connection).alarms(),
    (connection) => createMaintenance(connection).disarm(),
    (connection) => runTransaction(connection, { then: [{ get: "a" }, { put: "a", value: "b" }] }),
  ];
  const attempts = await Promise.all(calls.map((call) => attempt(() => call(answering(given)))));
  // No reply fits all calls: one that fits any was read.
  return attempts.some(({ verdict }) => verdict === "taken") ? "taken" : "refused";
}

const LINES: readonly unknown[] = [
  { result: { header: HEADER, created: true } },
  { result: { header: HEADER, events: [{ kv: KV }, { type: "DELETE", kv: KV, prev_kv: KV }] } },
  { result: { header: HEADER, canceled: true, compact_revision: "5", cancel_reason: "compacted" } },
  { error: { grpc_code: 7, message: "etcdserver: permission denied" } },
];

interface Stream {
  readonly lines: readonly string[];
  readonly cut: number;
}

function streams(): fc.Arbitrary<Stream> {
  const line = damagedJson(fc.constantFrom(...LINES), fc.oneof(jsonValues(), secretTexts()))
    .map((value) => JSON.stringify(value));
  return fc.record({
    lines: fc.array(fc.oneof({ weight: 6, arbitrary: line }, damagedTexts(line)), { maxLength: 4 }),
    cut: fc.nat(2_000),
  });
}

/** A stream that ends: the watch gives up at once, because it never stood or its patience is over. */
async function follow({ lines, cut }: Stream): Promise<Verdict> {
  const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
  const body = () => ReadableStream.from([bytes.slice(0, cut), bytes.slice(cut)]);
  const read = await attempt(async () => {
    for await (const _line of readLines(body(), 100_000));
  });
  const ended = new AbortController();
  let streams = 0;
  const stream = () => {
    if (++streams > 1) ended.abort();
    return Promise.resolve({ endpoint: "https://10.0.0.1:2379", response: new Response(body()) });
  };
  const connection = { ...answering([]), stream };
  const watched = await attempt(async () => {
    for await (
      const _event of watch(connection, "a", {
        patienceMs: 0,
        signal: ended.signal,
        onReady: () => ended.abort(),
      })
    );
  });
  return read.verdict === "taken" && watched.verdict === "taken" ? "taken" : "refused";
}

async function parseAddresses(text: string): Promise<Verdict> {
  const attempts = [await attempt(() => parseConnectionString(text)), await attempt(() => parseEndpoints(text))];
  return attempts.every(({ verdict }) => verdict === "taken") ? "taken" : "refused";
}

function connectionStrings(): fc.Arbitrary<string> {
  const good = fc.constantFrom(
    "https://10.0.0.1:2379",
    "https://10.0.0.1:2379,https://[2001:db8::1]:2379",
    "http://etcd-0.example:2379/",
  );
  // A secret is in front of an @, in a path or query, or in what looks like a scheme: hosts may be repeated.
  const secret = fc.constantFrom(
    `https://user:${CANARY}@10.0.0.1:2379`,
    `https://${CANARY}@10.0.0.1:2379`,
    `user:${CANARY}@10.0.0.1:2379`,
    `${CANARY}://x:1`,
    `${CANARY}:x`,
    `https://x:1/${CANARY}`,
    `https://x:1?token=${CANARY}`,
    `https://x/${CANARY}#${CANARY}`,
  );
  const several = fc.tuple(fc.oneof(good, texts()), secret).map((each) => each.join(","));
  return fc.oneof(good, damagedTexts(good), secret, several, texts());
}

function records(): fc.Arbitrary<Readonly<Record<string, string>>> {
  return bags({
    "cluster-token": ["a1b2", "etcd-0123"],
    "first-unit": ["etcd/0"],
    generation: ["0", "3"],
    started: ["true"],
    "member-id": ["9372538179322589801"],
    "client-url": ["https://10.0.0.1:2379,https://[::1]:2379"],
    "peer-url": ["https://10.0.0.1:2380"],
    "tls-version": ["1"],
    "tls-trust": ["-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"],
    "tls-phase": ["trust", "leaves"],
    "tls-leaves-since": ["1"],
    "tls-reached": ["1767225600000"],
    settings: ["0123"],
    "cluster-known": ["a1b2"],
  });
}

async function readRecords(bag: Readonly<Record<string, string>>): Promise<Verdict> {
  const record = await attempt(() => readRecord(bag));
  const report = await attempt(() => readReport("etcd/1", bag));
  const tls = await attempt(() => readTlsState(bag));
  if (record.verdict !== "taken" || report.verdict !== "taken" || tls.verdict !== "taken") return "refused";
  const { clientUrls, peerUrl, memberId, tlsVersion, generation } = report.value;
  // They become lines of etcd's configuration and paths.
  const words = [...clientUrls, peerUrl ?? "", memberId ?? "", record.value?.token ?? "", record.value?.first ?? ""];
  if (words.some((word) => /[\s"'\\]|\.\.\//.test(word))) throw new Breach(`${JSON.stringify(words)} were taken`);
  const numbers = [
    tlsVersion,
    generation,
    tls.value?.version ?? 0,
    tls.value?.leavesSince ?? 0,
    tls.value?.reachedAt ?? 0,
  ];
  if (!numbers.every((each) => Number.isFinite(each) && each >= 0)) throw new Breach(`${numbers.join()} were taken`);
  return record.value === undefined ? "refused" : "taken";
}

/** The surfaces. */
export const ETCD_SURFACES: readonly Surface[] = [
  surface("etcd: replies of the gateway", () => fc.array(replies(), { minLength: 1, maxLength: 3 }), ask),
  surface("etcd: streams of a watch", streams, follow),
  surface("etcd: connection strings", connectionStrings, parseAddresses),
  surface("databags: records of etcd's units", records, readRecords),
];
