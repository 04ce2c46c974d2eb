/**
 * Takes one declared permission away from the hooks of one handler or from one action at a time, and says what comes of
 * it: what nobody misses may have been declared without need. Run by hand, `deno run -A tests/privileges/experiment.ts CHARM [HANDLER|actions]`; it starts real servers.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { ensureDebianPackages } from "../../build/install.ts";
import { mysqlForTests } from "../../build/install_mysql.ts";
import { executableOf } from "../model/built_charm.ts";
import { startCluster } from "../real/etcd/cluster.ts";
import { deployProvider, offerOf } from "../real/etcd/simulated_provider.ts";
import { type Lab, openLab } from "../real/units.ts";
import { type Declared, declaredNeeds } from "./declared.ts";

/** A charm's life with one unit. */
interface Subject {
  /** What is declared for it, see {@linkcode Declared}. */
  readonly sides: readonly string[];
  readonly server: string;
  readonly deploy: (lab: Lab) => Promise<void>;
  /** The status of a unit that is well. */
  readonly well: RegExp;
  /** Parameters of actions, in the order in which they run. */
  readonly actions: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const PATIENCE_MS = 45_000;

async function main(): Promise<void> {
  const [charm = "", only = ""] = Deno.args;
  await using resources = new AsyncDisposableStack();
  const subject = await subjectOf(charm, resources);
  const declared = (await declaredNeeds()).filter(({ side, name }) =>
    subject.sides.includes(side) && (only === "actions" || name.includes(only))
  );
  for (const { name, kind, needs } of declared.filter(({ kind }) => kind !== "action" && only !== "actions")) {
    for (const need of needs) {
      console.log(
        `${charm} ${kind} ${name} without ${need}: ${await live(charm, subject, kind === "flags" ? "" : name, need)}`,
      );
    }
  }
  await act(charm, subject, declared);
}

/** A whole life from install to remove, in which the hooks of a handler lack a permission. */
async function live(charm: string, subject: Subject, slot: string, without: string): Promise<string> {
  await using lab = await open(charm, subject, (hook) => isHookOf(hook, slot) ? without : "");
  try {
    await lab.settleUntil("a unit that is well", () => subject.well.test(lab.statusOf(`${charm}/0`)), PATIENCE_MS);
    lab.model.removeApplication(charm);
    await lab.settleUntil("no unit", () => lab.unitsOf(charm).length === 0, PATIENCE_MS);
  } catch (error) {
    return missed(error) ?? "missed: the unit does not become well";
  }
  const noted = lab.model.log(`${charm}/0`).map(({ message }) => missed(message)).find((text) => text !== undefined);
  return noted ?? "NOT MISSED";
}

/** Each action with each of its permissions missing. */
async function act(charm: string, subject: Subject, declared: readonly Declared[]): Promise<void> {
  let without = "";
  await using lab = await open(charm, subject, (name) => Object.hasOwn(subject.actions, name) ? without : "");
  await lab.settleUntil("a unit that is well", () => subject.well.test(lab.statusOf(`${charm}/0`)));
  for (const [action, params] of Object.entries(subject.actions)) {
    const { needs = [] } = declared.find(({ kind, name }) => kind === "action" && name === action) ?? {};
    for (const need of [...needs, ""]) {
      without = need;
      const { status, message, results } = await lab.model.run(`${charm}/0`, action, params);
      const said = `${message} ${JSON.stringify(results.stderr ?? "")}`;
      console.log(`${charm} action ${action} without ${need || "nothing"}: ${missed(said) ?? `${status} ${message}`}`);
    }
  }
}

async function open(charm: string, { server, deploy }: Subject, without: (name: string) => string): Promise<Lab> {
  const lab = await openLab({ server, retries: 0 });
  lab.intercept = (_unit, command, name) => ["env", `CHARMLET_TEST_WITHOUT=${without(name)}`, ...command];
  await deploy(lab);
  const kept = join(lab.directory, "charms", `${charm}.executable`);
  await Deno.copyFile(await executableOf("tests/privileges/narrowed.ts", "narrowed"), kept);
  return lab;
}

/** Flag handlers, which have no slot, keep what they declare in every hook; at the ends of a life they do nothing. */
function isHookOf(hook: string, slot: string): boolean {
  if (slot === "") return !["install", "stop", "remove"].includes(hook);
  const name = slot.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return hook === name || hook.endsWith(`-relation-${name}`);
}

function missed(error: unknown): string | undefined {
  const text = error instanceof Error ? error.message : String(error);
  return /Requires \w+ access[^,;\n]*/.exec(text)?.[0];
}

async function subjectOf(charm: string, resources: AsyncDisposableStack): Promise<Subject> {
  if (charm === "etcd") {
    await ensureDebianPackages(["etcd-server", "etcd-client"]);
    return {
      sides: ["etcd peers"],
      server: "etcd",
      deploy: (lab) => lab.deploy({ charm }),
      well: /^active: Healthy/,
      actions: { health: {}, "member-list": {}, snapshot: {}, "rotate-certificates": {} },
    };
  }
  if (charm === "mysql") {
    const mysql = await mysqlForTests();
    if (!mysql) throw new Error("there is no MySQL");
    const config = { "mysql-directory": dirname(mysql.mysqld), "buffer-pool-size": 32 };
    return {
      sides: ["mysql-innodb-cluster peers", "async_replication provides", "async_replication requires"],
      server: "mysqld",
      deploy: (lab) => lab.deploy({ charm, config }),
      well: /^active: Unit is ready/,
      actions: {
        "cluster-status": {},
        "create-cluster": {},
        "add-instance": { address: "mysql/0" },
        "rejoin-instance": { address: "mysql/0" },
        "set-cluster-primary": { address: "mysql/0" },
        "set-password": {},
        "create-replication": {},
        "fence-writes": { "cluster-set-name": "x" },
        "unfence-writes": { "cluster-set-name": "x" },
        "rejoin-cluster": { "cluster-name": "x" },
      },
    };
  }
  if (charm === "postgresql") {
    await ensureDebianPackages(["postgresql-15", "patroni", "python3-etcd", "python3-idna"]);
    const etcd = resources.use(await startCluster(1));
    return {
      sides: ["postgresql_peers peers"],
      server: "postgres",
      async deploy(lab) {
        await lab.deploy({ charm, config: { ttl: 20, "loop-wait": 2, "retry-timeout": 3, "shared-buffers": "16MB" } });
        const { publish } = await deployProvider(lab.model, "etcd", `${charm}:etcd`);
        await publish(offerOf(etcd));
      },
      well: /^active/,
      actions: {
        "get-primary": {},
        "get-cluster-status": {},
        switchover: {},
        reinitialize: {},
        "rotate-certificate": {},
        "set-password": {},
        restart: {},
      },
    };
  }
  throw new Error("name a charm: etcd, mysql or postgresql");
}

await main();
