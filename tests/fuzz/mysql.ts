/**
 * What MySQL answers: rows and errors, and what units that run it tell each other.
 *
 * @module
 */
import fc from "fast-check";
import { readClone } from "../../interfaces/clients/mysql/clone.ts";
import type { Mysql, Row } from "../../interfaces/clients/mysql/connection.ts";
import { explainFailure } from "../../interfaces/clients/mysql/failure.ts";
import { readMode } from "../../interfaces/clients/mysql/cluster_set/modes.ts";
import { isReplica } from "../../interfaces/clients/mysql/fencing.ts";
import { GtidSet } from "../../interfaces/clients/mysql/gtid.ts";
import { checkInstance } from "../../interfaces/clients/mysql/instance.ts";
import { endpointsOf, readGroup } from "../../interfaces/clients/mysql/members.ts";
import { listRouters, readMetadata } from "../../interfaces/clients/mysql/metadata.ts";
import { chooseCandidate, readKnowledge } from "../../interfaces/clients/mysql/outage.ts";
import { Sql } from "../../interfaces/clients/mysql/quoting.ts";
import { readChannels, readServer, readSettings, userDatabases } from "../../interfaces/clients/mysql/status.ts";
import { explainFailure as explainPostgresql } from "../../interfaces/clients/postgresql/failure.ts";
import { readRecord } from "../../interfaces/mysql_innodb_cluster/server/record.ts";
import { attempt, Breach, checkLine, type Surface, surface, type Verdict } from "./surface.ts";
import { bags, damagedTexts, jsonValues, secretTexts, texts } from "./values.ts";

const UUID = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const GTIDS = `${UUID}:1-5:7,\n${UUID.replace("3e", "4f")}:tag:1-3`;

/** Good values of columns, by name. */
const COLUMNS: Readonly<Record<string, readonly unknown[]>> = {
  id: [UUID, "1", 1],
  uuid: [UUID],
  self: [UUID],
  mysql_server_uuid: [UUID],
  host: ["10.0.0.1", "2001:db8::1", ""],
  address: ["10.0.0.1:3306", "[2001:db8::1]:3306"],
  port: ["3306", 3306, null],
  state: ["ONLINE", "RECOVERING", "OFFLINE", "Completed", "In Progress", "Failed"],
  role: ["PRIMARY", "SECONDARY", ""],
  version: ["9.7.4-2", "9.7.4"],
  read_only: ["0", "1", 0],
  executed: [GTIDS, ""],
  purged: [GTIDS, ""],
  received: [GTIDS, ""],
  name: ["group_replication_applier", "clusterset_replication", "shop", "group_replication_group_name"],
  value: ["ON", UUID],
  receiver: ["ON", "OFF", "CONNECTING"],
  applier: ["ON", "OFF"],
};

type Cell = { readonly good: number } | { readonly value: unknown };

interface Answers {
  /** Cells are taken in turn. */
  readonly cells: readonly Cell[];
  readonly rows: number;
  /** Number of the query that fails, and how. */
  readonly fails: number;
  readonly failure: Failure;
}

interface Failure {
  readonly code: string | number | null;
  readonly errno: number | null;
  readonly message: string;
}

function failures(): fc.Arbitrary<Failure> {
  const codes = [
    "ECONNREFUSED",
    "ETIMEDOUT",
    "ER_ACCESS_DENIED_ERROR",
    "28P01",
    "57P03",
    "toString",
    "PROTOCOL_CONNECTION_LOST",
  ];
  return fc.record({
    code: fc.oneof(fc.constantFrom(...codes), texts(), fc.integer(), fc.constant(null)),
    errno: fc.oneof(fc.constantFrom(1045, 1040, 1290, 3092, 1146, -111), fc.integer(), fc.constant(null)),
    message: fc.oneof(secretTexts(), texts()),
  });
}

function answers(): fc.Arbitrary<Answers> {
  const value = fc.oneof(
    jsonValues(),
    secretTexts(),
    fc.bigInt(),
    fc.uint8Array(),
    fc.constant(undefined),
    fc.date(),
    damagedTexts(fc.constant(GTIDS)),
  );
  const good = fc.nat(50).map((each) => ({ good: each }));
  return fc.record({
    cells: fc.array(fc.oneof({ weight: 8, arbitrary: good }, value.map((each) => ({ value: each }))), { minLength: 1 }),
    rows: fc.nat(3),
    fails: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, fc.nat(3)),
    failure: failures(),
  });
}

/** Names of a statement's columns. */
function columnsOf(statement: string): string[] {
  const list = /^SELECT ([^]*?)\sFROM\s/.exec(statement)?.[1] ?? /^SELECT ([^]*)$/.exec(statement)?.[1] ?? "";
  return list.split(",").map((column) => /(\w+)\s*\)?\s*$/.exec(column)?.[1] ?? "").filter(Boolean);
}

const CIRCUMSTANCES = { endpoint: "10.0.0.1:3306", operation: "read the state", timeoutMs: 1000 };

function answering({ cells, rows, fails, failure }: Answers): Mysql {
  let [query, at] = [0, 0];
  const cell = (column: string): unknown => {
    const next = cells[at++ % cells.length];
    if (next === undefined || "value" in next) return next?.value;
    const values = COLUMNS[column] ?? [UUID, "1", "x"];
    return values[next.good % values.length];
  };
  return {
    endpoint: CIRCUMSTANCES.endpoint,
    query(_operation, statement): Promise<readonly Row[]> {
      if (query++ === fails) {
        return Promise.reject(explainFailure(Object.assign(new Error(failure.message), failure), CIRCUMSTANCES));
      }
      const columns = columnsOf(Sql.textOf(statement));
      const row = () => Object.fromEntries(columns.map((column) => [column, cell(column)]));
      return Promise.resolve(Array.from({ length: rows }, row));
    },
    run: () => Promise.resolve(),
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const ADDRESS = { host: "10.0.0.1", port: 3306 };
const READS: readonly ((db: Mysql) => Promise<unknown>)[] = [
  readServer,
  readGroup,
  readChannels,
  readMetadata,
  readMode,
  readClone,
  userDatabases,
  listRouters,
  (db) => readSettings(db, ["server_id"]),
  (db) => checkInstance(db, ADDRESS),
  async (db) => {
    return [endpointsOf(await readGroup(db), [ADDRESS]), isReplica(await readChannels(db))];
  },
  async (db) => chooseCandidate([await readKnowledge(db, ADDRESS), await readKnowledge(db, ADDRESS)]),
];

async function ask(given: Answers): Promise<Verdict> {
  const attempts = await Promise.all(READS.map((read) => attempt(() => read(answering(given)))));
  for (const each of attempts) if (each.verdict === "taken") checkPlain(each.value);
  return attempts.every(({ verdict }) => verdict === "refused") ? "refused" : "taken";
}

/** A word that every object knows must not have become a function. */
function checkPlain(value: unknown): void {
  if (typeof value === "function") throw new Breach(`the function ${value.name} was read from a row`);
  if (value instanceof Map) { for (const each of value.values()) checkPlain(each); }
  if (typeof value === "object" && value !== null) Object.values(value).forEach(checkPlain);
}

async function fail(failure: Failure): Promise<Verdict> {
  const error = Object.assign(new Error(failure.message), failure);
  for (const explain of [explainFailure, explainPostgresql]) {
    await attempt(() => Promise.reject(explain(error, CIRCUMSTANCES)));
    const { message } = explain(error, CIRCUMSTANCES);
    checkLine("the error", message);
    if (/native code|undefined|\[object/.test(message)) throw new Breach(`the error says nothing: ${message}`);
  }
  return "refused";
}

async function compareSets([left, right]: readonly [string, string]): Promise<Verdict> {
  const sets = await attempt(() => [GtidSet.parse(left), GtidSet.parse(right)] as const);
  if (sets.verdict === "refused") return "refused";
  const [a, b] = sets.value;
  const all = a.union(b);
  if (!all.contains(a) || !all.contains(b)) throw new Breach("a union lacks one of its parts");
  if (!a.subtract(b).union(b).equals(all)) throw new Breach("what is taken away and given back is not the same");
  if (!GtidSet.parse(all.toString()).equals(all)) throw new Breach("a set that was written reads as another");
  return "taken";
}

function gtidSets(): fc.Arbitrary<string> {
  const number = fc.integer({ min: 1, max: 30 });
  const interval = fc.tuple(number, number).map(([a, b]) => a <= b ? `${a}-${b}` : `${a}`);
  const source = fc.constantFrom(UUID, UUID.replace("3e", "4f"), `${UUID}:tag`);
  const part = fc.tuple(source, fc.array(interval, { minLength: 1, maxLength: 4 })).map(([name, all]) =>
    [name, ...all].join(":")
  );
  const good = fc.array(part, { maxLength: 4 }).map((parts) => parts.join(",\n"));
  return fc.oneof({ weight: 4, arbitrary: good }, damagedTexts(good), texts());
}

function records(): fc.Arbitrary<Readonly<Record<string, string>>> {
  return bags({
    "group-name": [UUID],
    "cluster-name": ["jujuCluster"],
    "first-unit": ["mysql/0"],
    "cluster-ca": ["-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"],
    "passwords-version": ["1"],
    "passwords-secret": ["secret:9m4e2mr0ui3e8a215n4g"],
    "clustered-units": ["mysql/0,mysql/1"],
    "removed-units": ["mysql/2"],
  });
}

async function read(bag: Readonly<Record<string, string>>): Promise<Verdict> {
  const record = await attempt(() => readRecord(bag));
  if (record.verdict === "refused" || record.value === undefined) return "refused";
  const { groupName, clusterName, first, clustered, removed } = record.value;
  if ([groupName, clusterName, first, ...clustered, ...removed].some((word) => /[\s"'`\\]|\.\.\//.test(word))) {
    throw new Breach(`${JSON.stringify(record.value)} was taken`);
  }
  return "taken";
}

/** The surfaces. */
export const MYSQL_SURFACES: readonly Surface[] = [
  surface("MySQL: rows", answers, ask),
  surface("MySQL, PostgreSQL: errors", failures, fail),
  surface("MySQL: sets of transactions", () => fc.tuple(gtidSets(), gtidSets()), compareSets),
  surface("databags: record of MySQL's units", records, read),
];
