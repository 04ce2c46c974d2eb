/**
 * The worlds that are tortured: applications with their relations, and what may change in them.
 *
 * @module
 */
import { join } from "node:path";
import { projectDir } from "../../build/project.ts";
import type { ConfigValues } from "../model/mod.ts";

/** An application of a world. */
export interface WorldApp {
  readonly name: string;
  /** metadata.yaml and config.yaml: their texts, or the folder below tests/charms that has them. */
  readonly charm: { readonly metadata: string; readonly config?: string } | string;
  /** Its Juju model; all are in one when absent. */
  readonly model?: string;
  /** Units at the beginning, and how few and how many there may be. */
  readonly units: number;
  readonly least: number;
  readonly most: number;
}

/** A world. */
export interface World {
  readonly name: string;
  readonly apps: readonly WorldApp[];
  /** Made at the beginning; each may be taken away and made again. */
  readonly relations: readonly (readonly [string, string])[];
  /** Options that are set to one of these values now and then. */
  readonly options: readonly { readonly app: string; readonly name: string; readonly values: readonly ConfigValue[] }[];
  /** What is configured at the end. */
  readonly final: Readonly<Record<string, ConfigValues>>;
  /** Units get other addresses. */
  readonly moves: boolean;
  /** Keys of unit databags in which a secret has to be by the interface's contract. */
  readonly openKeys: readonly string[];
  /** Grants of secrets are taken away for a while. */
  readonly withholds: boolean;
  /** Keys of stored state and of databags that tell what happened, and not what is the case now. */
  readonly history: readonly string[];
  /** Things take several hooks of the same unit: the same hook again may go on with them. */
  readonly advances: boolean;
}

type ConfigValue = string | number | boolean;

function metadata(name: string, endpoints: string): string {
  return `name: ${name}\nsummary: tortured\ndescription: tortured\n${endpoints}`;
}

/** What most worlds have. */
export const USUAL = {
  options: [],
  relations: [],
  final: {},
  moves: true,
  openKeys: [],
  withholds: false,
  history: [],
  advances: false,
};

/** Charms of the demo: secrets, deferrals, flags, ports, a title that the leader publishes. */
const WEBSITE: World = {
  ...USUAL,
  name: "website",
  apps: [
    { name: "website", charm: "website", units: 2, least: 1, most: 2 },
    { name: "proxy", charm: "proxy", units: 1, least: 1, most: 2 },
  ],
  relations: [["website:site", "proxy:upstream"]],
  options: [
    { app: "website", name: "title", values: ["Charmlet", "Home", "Shop"] },
    { app: "website", name: "port", values: [8080, 8081] },
    { app: "proxy", name: "backends", values: [1, 2, 5] },
  ],
  final: { proxy: { backends: 1 } },
};

/** Options of charms with a gate. */
export const GATE_CONFIG = `options:
  gate: {type: string, default: open, description: open or closed}
  word: {type: string, default: hello, description: what the other side is told}
`;

/** Handlers of every phase of a relation that defer while a gate is closed, and keep what they have done. */
const GATE: World = {
  ...USUAL,
  name: "gate",
  apps: [
    {
      name: "giver",
      charm: {
        metadata: metadata("giver", "peers: {crew: {interface: gate}}\nprovides: {gift: {interface: gate}}\n"),
        config: GATE_CONFIG,
      },
      units: 2,
      least: 1,
      most: 2,
    },
    {
      name: "taker",
      charm: { metadata: metadata("taker", "requires: {gift: {interface: gate}}\n"), config: GATE_CONFIG },
      units: 1,
      least: 1,
      most: 2,
    },
  ],
  relations: [["giver:gift", "taker:gift"]],
  options: [
    { app: "giver", name: "gate", values: ["open", "closed", "closed"] },
    { app: "taker", name: "gate", values: ["open", "closed", "closed"] },
    { app: "giver", name: "word", values: ["hello", "good morning"] },
  ],
  final: { giver: { gate: "open" }, taker: { gate: "open" } },
};

const ETCD: World = {
  ...USUAL,
  name: "etcd",
  apps: [
    {
      name: "etcd",
      charm: { metadata: metadata("etcd", "peers: {cluster: {interface: etcd}}\nprovides: {db: {interface: etcd}}\n") },
      units: 2,
      least: 1,
      most: 3,
    },
    {
      name: "client",
      charm: { metadata: metadata("client", "requires: {db: {interface: etcd}}\n") },
      units: 1,
      least: 1,
      most: 2,
    },
  ],
  relations: [["etcd:db", "client:db"]],
  openKeys: ["client_key"],
};

/** A cluster needs three units: what they have once said they do not take back. */
const MYSQL: World = {
  ...USUAL,
  name: "mysql-innodb-cluster",
  apps: [{
    name: "mysql",
    charm: { metadata: metadata("mysql", "peers: {cluster: {interface: mysql-innodb-cluster}}\n") },
    units: 3,
    least: 3,
    most: 4,
  }],
  openKeys: ["cluster-password"],
};

const MAGPIE: World = {
  ...USUAL,
  name: "magpie",
  apps: [{
    name: "magpie",
    charm: {
      metadata: metadata("magpie", "peers: {magpie: {interface: magpie}, restart: {interface: rolling_op}}\n"),
      config: "options: {generation: {type: int, default: 0, description: a change restarts units in turn}}\n",
    },
    units: 2,
    least: 1,
    most: 3,
  }],
  options: [{ app: "magpie", name: "generation", values: [1, 2, 3] }],
  final: { magpie: { generation: 9 } },
  advances: true,
};

const POSTGRESQL: World = {
  ...USUAL,
  name: "postgresql_peers",
  apps: [{
    name: "pg",
    charm: { metadata: metadata("pg", "peers: {database-peers: {interface: postgresql_peers}}\n") },
    units: 2,
    least: 1,
    most: 3,
  }],
  moves: false,
  // What a unit told clients when it led.
  history: ["charmlet.stored.database-peers"],
  advances: true,
};

/** Two sites in two models: the one becomes the other's replica, and does so again. */
const REPLICATION: World = {
  ...USUAL,
  name: "async_replication",
  apps: ["east", "west"].map((name) => ({
    name,
    charm: {
      metadata: metadata(
        name,
        "peers: {cluster: {interface: simulated_cluster}}\nprovides: {offer: {interface: mysql_async}}\n" +
          "requires: {replica: {interface: mysql_async}}\n",
      ),
      config: `options:
  generation: {type: int, default: 0, description: a change makes new passwords}
  cluster-set-name: {type: string, default: set-${name}, description: name of the set that the cluster would make}
`,
    },
    model: name,
    units: 2,
    least: 2,
    most: 3,
  })),
  relations: [["east:offer", "west:replica"]],
  options: [{ app: "east", name: "generation", values: [1, 2, 3] }],
  final: { east: { generation: 9 } },
  moves: false,
  withholds: true,
  // What every unit keeps for the case that it leads, and who led when the replica was made.
  history: ["charmlet.stored.async-replication:ended", "endpoint", "node-label"],
  advances: true,
};

/** Every world. */
export const WORLDS: readonly World[] = [WEBSITE, GATE, ETCD, MYSQL, MAGPIE, POSTGRESQL, REPLICATION];

/**
 * Writes the charms of a world. Their `dispatch` is a link to the executable.
 *
 * @param directory an empty one
 * @param executable absolute path
 * @returns the charm's directory of each application
 */
export async function writeCharms(
  world: World,
  directory: string,
  executable: string,
): Promise<ReadonlyMap<string, string>> {
  const charms = new Map<string, string>();
  for (const { name, charm } of world.apps) {
    const path = join(directory, name);
    await Deno.mkdir(path);
    if (typeof charm === "string") {
      const source = join(projectDir, "tests/charms", charm);
      for (const file of ["metadata.yaml", "config.yaml"]) await Deno.copyFile(join(source, file), join(path, file));
    } else {
      await Deno.writeTextFile(join(path, "metadata.yaml"), charm.metadata);
      if (charm.config !== undefined) await Deno.writeTextFile(join(path, "config.yaml"), charm.config);
    }
    await Deno.symlink(executable, join(path, "dispatch"));
    charms.set(name, path);
  }
  return charms;
}
