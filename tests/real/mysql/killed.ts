/**
 * Hooks of the example charm `mysql` that are killed at one point after the other, and what a cluster is in the end.
 *
 * @module
 */
import { join } from "node:path";
import { checkPassword } from "../../../interfaces/clients/mysql/accounts.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { readMetadata } from "../../../interfaces/clients/mysql/metadata.ts";
import { type Sql, sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { readServer } from "../../../interfaces/clients/mysql/status.ts";
import { killAtRequest, killAtSend } from "../killed_requests.ts";
import type { Bag } from "../../model/state.ts";
import type { Lab } from "../units.ts";
import { openUnit } from "./formation.ts";
import { HOST } from "./lab.ts";

/** What has been killed so far. */
export interface Kills {
  readonly points: number;
  /** Hooks and actions that were killed at least once and then came through. */
  readonly runs: number;
}

const PASSWORD = /^[A-Za-z0-9_-]{32}$/;
const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/**
 * From now on each hook and action is killed at its first send, its run after that at the second, and so on until it
 * comes through. Every hook command and every SQL statement is a send. The model has to retry often enough.
 *
 * @param when `before`: with all earlier statements done; `after`: while the server does what it was just asked for
 * @param strideOf how many sends later a unit's next run is killed; hooks take turns in where they begin
 */
export function killAgainAndAgain(
  lab: Lab,
  when: "before" | "after",
  strideOf: (unit: string) => number,
): AsyncDisposable {
  const { model: { timeline } } = lab;
  const attempts = new Map<string, { next: number }>();
  const killers = new Map<string, { stop(): Promise<void> }>();
  let began = 0;
  lab.intercept = (unit, command, name) => {
    const key = `${unit} ${name}`;
    const last = timeline.findLast((run) => run.unit === unit);
    const known = attempts.get(key);
    const isRetry = known !== undefined && last?.name === name && last.outcome === "killed";
    const stride = strideOf(unit);
    const attempt = isRetry ? known : { next: began++ % stride + 1 };
    attempts.set(key, attempt);
    const ordinal = attempt.next;
    attempt.next += stride;
    if (when === "before") return killAtSend(ordinal, command);
    const trace = join(lab.directory, `killed-${crypto.randomUUID()}`);
    // The run before has ended: nothing is left to kill.
    killers.get(unit)?.stop();
    const killer = killAtRequest(trace, { number: ordinal, call: "sendto", ordinal }, "after");
    killers.set(unit, killer);
    return killer.command(command);
  };
  return {
    async [Symbol.asyncDispose]() {
      lab.intercept = undefined;
      await Promise.all([...killers.values()].map((killer) => killer.stop()));
    },
  };
}

/** Counts kills since some run. @param from length of the timeline then */
export function killsSince({ model: { timeline } }: Lab, from: number): Kills {
  const since = timeline.slice(from);
  const killed = since.filter(({ outcome }) => outcome === "killed");
  const runs = since.filter((run, index) =>
    run.outcome === "done" &&
    since.slice(0, index).findLast(({ unit }) => unit === run.unit)?.outcome === "killed"
  );
  return { points: killed.length, runs: runs.length };
}

/**
 * All that has to be the same in every cluster that was made in the same way: members, roles, metadata, users, settings,
 * databags and statuses. Ports, passwords, ids and keys of this one are left out.
 */
export async function endState(lab: Lab, app = "mysql"): Promise<unknown> {
  const { world } = lab.model;
  const units = lab.unitsOf(app);
  const relation = Object.values(world.relations).find(({ sides }) => sides.every((side) => side.app === app));
  const plain = (text: string) => withoutIds(lab, text);
  const servers = await Promise.all(units.map(async (unit) => {
    await using db = await openUnit(lab, unit);
    return [unit, await serverState(db, plain), await logsIn(relation?.unitBags[unit] ?? {})];
  }));
  return {
    servers,
    statuses: units.map((unit) => [unit, lab.statusOf(unit)]),
    bags: units.map((unit) => [unit, plainBag(lab, relation?.unitBags[unit] ?? {})]),
    record: plainBag(lab, relation?.appBags[app] ?? {}),
    secrets: Object.values(world.secrets).map(({ revisions }) =>
      revisions.map(({ content }) => Object.keys(content).sort())
    ),
    ports: units.map((unit) => plain(JSON.stringify(world.units[unit]?.ports))),
  };
}

/** A databag without what differs from lab to lab. */
export function plainBag(lab: Lab, values: Bag): Bag {
  return Object.fromEntries(
    Object.entries(values).sort().map(([key, value]) => [
      key,
      key === "cluster-password" && PASSWORD.test(JSON.parse(value)) ? "a password" : withoutIds(lab, value),
    ]),
  );
}

/** A text without ports, ids, made-up names and places that differ from lab to lab. */
export function withoutIds(lab: Lab, text: string): string {
  return text.replaceAll(lab.directory, "the lab").replaceAll(UUID, "some id")
    .replaceAll(/\b\d{5}\b/g, (port) => portInWords(lab, Number(port)))
    .replaceAll(/^(jujuCluster)[0-9a-f]{4}$/g, "$1 of another name")
    .replaceAll(/^cluster-set-[0-9a-f]{32}$/g, "some set").replaceAll(/[0-9a-z]{20}$/g, "some secret")
    .replaceAll(/-----BEGIN [^]*-----\s*$/g, "a certificate");
}

/** Counted from the first port of the application whose it is. */
function portInWords({ model: { world } }: Lab, port: number): string {
  const offsets = Object.values(world.applications).map(({ name, config }) => ({
    name,
    port: port - Number(config.port),
  }));
  const [nearest] = offsets.filter((each) => each.port >= 0).sort((a, b) => a.port - b.port);
  return `port ${nearest?.port} of ${nearest?.name}`;
}

async function serverState(db: Mysql, plain: (text: string) => string): Promise<unknown> {
  const group = await readGroup(db);
  const { superReadOnly, gtidExecuted } = await readServer(db);
  const metadata = await readMetadata(db);
  const rows = async (statement: Sql) =>
    (await db.query("look at the end", statement)).map((row) => plain(Object.values(row).join(" ")));
  return {
    superReadOnly,
    // Transactions of a server's own would keep it out of the group one day.
    sources: new Set(gtidExecuted.split(",").map((part) => part.split(":")[0])).size,
    members: group.members.map(({ port, state, role }) => plain(`${port} ${state} ${role}`)).sort(),
    clusters: metadata?.clusters.map(({ name }) => plain(name)),
    instances: [...metadata?.instances.values() ?? []].flat().map(({ port, label }) => plain(`${port} ${label}`))
      .sort(),
    users: await rows(sql`SELECT User, Host, plugin FROM mysql.user ORDER BY 1, 2`),
    grants: await rows(
      sql`SELECT GRANTEE, GROUP_CONCAT(PRIVILEGE_TYPE ORDER BY 1) FROM information_schema.USER_PRIVILEGES
        GROUP BY 1 ORDER BY 1`,
    ),
    channels: await rows(
      sql`SELECT CHANNEL_NAME, USER FROM performance_schema.replication_connection_configuration ORDER BY 1`,
    ),
    settings: await rows(
      sql`SELECT VARIABLE_NAME, VARIABLE_VALUE FROM performance_schema.persisted_variables
        WHERE VARIABLE_NAME <> 'group_replication_group_seeds' ORDER BY 1`,
    ),
    bootstrap: await rows(sql`SELECT @@group_replication_bootstrap_group`),
  };
}

/** Whether the password that a unit tells is the one that its server takes. */
async function logsIn(told: Bag): Promise<boolean> {
  const [user, password]: string[] = [told["cluster-user"], told["cluster-password"]].map((text) =>
    JSON.parse(text ?? '""')
  );
  const at = { host: HOST, port: Number(told["cluster-port"]), tls: "unverified" as const };
  return await checkPassword({ at, user: user ?? "", password: password ?? "", timeoutMs: 20_000 });
}
