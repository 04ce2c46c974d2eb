/**
 * `build/deno task bench -- --servers`: what operations on the servers cost from our clients' side, beside what the
 * servers themselves say that they took.
 *
 * @module
 */
import { mysqlForTests } from "../../build/install_mysql.ts";
import { type Etcd, openEtcd } from "../../interfaces/clients/etcd/client.ts";
import type { Mysql } from "../../interfaces/clients/mysql/connection.ts";
import { createHttpClient } from "../../interfaces/clients/http/http_client.ts";
import { createGroup } from "../../interfaces/clients/mysql/group.ts";
import { readGroup } from "../../interfaces/clients/mysql/members.ts";
import { sql } from "../../interfaces/clients/mysql/quoting.ts";
import { numberIn, textIn } from "../../interfaces/clients/mysql/rows.ts";
import { readServer } from "../../interfaces/clients/mysql/status.ts";
import type { Patroni } from "../../interfaces/clients/patroni/client.ts";
import { type Cluster, eventually, startCluster } from "../real/etcd/cluster.ts";
import { prepare } from "../real/mysql/cluster.ts";
import { MysqlLab } from "../real/mysql/lab.ts";
import { type LabMember, startLab } from "../real/postgresql/lab.ts";
import { measureMysqlActions } from "./mysql_actions.ts";
import { measureMysqlHooks } from "./mysql_hooks.ts";
import { align } from "./report.ts";
import { quantile } from "./stats.ts";

/** An operation, and the sum of what the server has spent on all operations so far, in milliseconds. */
interface Operation {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  readonly spent: () => Promise<number>;
}

/** Milliseconds of one operation: from our side, and by the server's own account. */
interface Cost {
  readonly ours: number;
  readonly servers: number;
}

/** Operations between two looks at the server's account. */
const BLOCK = 20;
const PATIENCE_MS = 120_000;
/** Patroni writes its log a little later. */
const SETTLE_MS = 300;

/**
 * Starts one server after the other, measures and prints.
 *
 * @param rounds of {@linkcode BLOCK} calls of each operation
 */
export async function measureServers(rounds: number): Promise<void> {
  const head = ["mean milliseconds of an operation", "from our side", "the server's own", "difference"];
  const lines: string[][] = [];
  const measure = async (operations: readonly Operation[]) => {
    for (const [name, { ours, servers }] of await costsOf(operations, rounds)) {
      lines.push([name, ours.toFixed(2), servers.toFixed(2), (ours - servers).toFixed(2)]);
    }
  };
  // Makes etcd count the time of its requests.
  Deno.env.set("ETCD_METRICS", "extensive");
  {
    await using cluster = await startCluster(3);
    using etcd = openEtcd({ endpoints: cluster.connectionString, tls: tlsOf(cluster) });
    await eventually(
      "etcd",
      PATIENCE_MS,
      async () => (await etcd.maintenance.health()).every(({ healthy }) => healthy),
    );
    using http = createHttpClient(tlsOf(cluster));
    await measure(etcdOperations(cluster, etcd, http));
  }
  {
    await using lab = await startLab(1);
    const [member] = lab.members;
    if (!member) throw new Error("the laboratory has no member");
    using patroni = lab.patroni(member, { timeoutMs: PATIENCE_MS });
    await measure(await patroniOperations(member, patroni));
  }
  const programs = await mysqlForTests();
  if (programs) {
    await using lab = await MysqlLab.open(programs);
    await measureMysql(lab, measure);
  }
  console.log(align([head, ...lines], 1).join("\n"));
  if (!programs) return;
  for (const table of [measureMysqlHooks, measureMysqlActions]) {
    console.log(`\n${align(await table(programs, rounds), 1).join("\n")}`);
  }
}

/** Runs blocks of all operations in turn; the medians of their means. */
async function costsOf(operations: readonly Operation[], rounds: number): Promise<Map<string, Cost>> {
  const blocks = new Map<string, Cost[]>(operations.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, run, spent } of operations) {
      await run();
      const before = await spent();
      const start = performance.now();
      for (let left = BLOCK; left > 0; left--) await run();
      const ours = (performance.now() - start) / BLOCK;
      blocks.get(name)?.push({ ours, servers: (await spent() - before) / BLOCK });
    }
  }
  const median = (costs: readonly Cost[], key: keyof Cost) => quantile(costs.map((cost) => cost[key]), 0.5);
  return new Map([...blocks].map(([name, costs]) => {
    return [name, { ours: median(costs, "ours"), servers: median(costs, "servers") }];
  }));
}

function tlsOf({ authority, client }: Cluster) {
  return { ca: authority.cert, cert: client.cert, key: client.key };
}

/** etcd counts the time of its requests. */
function etcdOperations(cluster: Cluster, etcd: Etcd, client: Deno.HttpClient): Operation[] {
  const spent = async () => {
    const texts = await Promise.all(cluster.members.map(async ({ clientUrl }) => {
      return await (await fetch(`${clientUrl}/metrics`, { client })).text();
    }));
    const sums = texts.join("\n").matchAll(/^grpc_server_handling_seconds_sum\{.*grpc_type="unary".*\} (\S+)$/gm);
    return [...sums].reduce((sum, [, seconds]) => sum + Number(seconds) * 1000, 0);
  };
  const [endpoint = ""] = etcd.endpoints;
  return [
    { name: "etcd: put", run: () => etcd.kv.put("bench", "1"), spent },
    { name: "etcd: get", run: () => etcd.kv.get("bench"), spent },
    { name: "etcd: list of the members", run: () => etcd.members.list(), spent },
    { name: "etcd: status of a member", run: () => etcd.maintenance.status(endpoint), spent },
  ];
}

/** Patroni tells the time of a request in its log, when that is detailed. */
async function patroniOperations(member: LabMember, patroni: Patroni): Promise<Operation[]> {
  const text = await Deno.readTextFile(member.configFile);
  const config = JSON.parse(text.slice(text.indexOf("{")));
  await Deno.writeTextFile(member.configFile, JSON.stringify({ ...config, log: { level: "DEBUG" } }));
  await patroni.reload();
  await eventually("a detailed log", PATIENCE_MS, async () => {
    await patroni.status();
    return (await member.log()).includes(" latency: ");
  });
  const spent = async () => {
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const latencies = (await member.log()).matchAll(/ latency: ([\d.]+) ms/g);
    return [...latencies].reduce((sum, [, ms]) => sum + Number(ms), 0);
  };
  return [
    { name: "Patroni: cluster", run: () => patroni.cluster(), spent },
    { name: "Patroni: status of a member", run: () => patroni.status(), spent },
    { name: "Patroni: change of the configuration", run: () => patroni.patchConfig({ loop_wait: 2 }), spent },
  ];
}

async function measureMysql(lab: MysqlLab, measure: (operations: readonly Operation[]) => Promise<void>) {
  const [server] = await lab.add(1);
  if (!server) throw new Error("the laboratory has no server");
  await prepare([server], crypto.randomUUID());
  await using db = await server.connect();
  await createGroup(db);
  await using watcher = await server.connect();
  const thread = numberIn((await db.query("ask for the thread", sql`SELECT ps_current_thread_id() AS id`))[0], "id");
  const spent = () => statementMs(watcher, thread);
  await db.run("make a schema", sql`CREATE DATABASE bench`);
  await db.run("make a table", sql`CREATE TABLE bench.numbers (id INT PRIMARY KEY, value INT)`);
  let value = 0;
  await measure([
    { name: "MySQL: facts of a server", run: () => readServer(db), spent },
    { name: "MySQL: members of a group", run: () => readGroup(db), spent },
    {
      name: "MySQL: a row replaced, in a group of one",
      run: () => db.run("replace a row", sql`REPLACE INTO bench.numbers VALUES (1, ${value++})`),
      spent,
    },
  ]);
}

/** What the server has spent on the statements of a thread, in milliseconds. */
async function statementMs(watcher: Mysql, thread: number): Promise<number> {
  const statement = sql`SELECT CAST(SUM(SUM_TIMER_WAIT) AS CHAR) AS picoseconds
    FROM performance_schema.events_statements_summary_by_thread_by_event_name WHERE THREAD_ID = ${thread}`;
  const [row] = await watcher.query("read the account", statement);
  return Number(textIn(row, "picoseconds")) / 1e9;
}
