/**
 * Clusters of real PostgreSQL servers under Patroni, with etcd as their store and mutual TLS, on loopback addresses and
 * below temporary directories.
 *
 * Nothing runs as root: Patroni and PostgreSQL refuse to.
 *
 * @module
 */
import { ensureDebianPackages } from "../../../build/install.ts";
import { openPatroni, type Patroni, type PatroniOptions } from "../../../interfaces/clients/patroni/client.ts";
import { type PatroniSettings, renderPatroniConfig } from "../../../interfaces/clients/patroni/config_file.ts";
import { clusterHba } from "../../../interfaces/clients/patroni/hba.ts";
import type { DynamicSettings, TlsPaths } from "../../../interfaces/clients/patroni/settings.ts";
import { writeTlsFiles } from "../../../interfaces/clients/patroni/tls_files.ts";
import { openPostgres, type Postgres } from "../../../interfaces/clients/postgresql/client.ts";
import type { Authority } from "../etcd/certificates.ts";
import { type Cluster, eventually, startCluster } from "../etcd/cluster.ts";
import { changeUser, freeAddress, type Owner, ownerOf } from "./machine.ts";
import { endMember, isAlive, killServer, signal, spawnPatroni } from "./processes.ts";

export { eventually } from "../etcd/cluster.ts";

/** PostgreSQL's and Patroni's own ports: each member has an address of its own. */
export const PORTS = { postgresql: 5432, rest: 8008 } as const;
/** Users that every cluster has. */
export const USERS = {
  superuser: { username: "operator", password: "operator-password" },
  replication: { username: "replication", password: "replication-password" },
  rewind: { username: "rewind", password: "rewind-password" },
} as const;
/** User and password of the REST API. */
export const REST_LOGIN = { username: "patroni", password: "patroni-password" } as const;
/** The quickest that Patroni allows, in seconds. */
export const QUICK = { ttl: 20, loopWait: 2, retryTimeout: 3 } as const;
/** Milliseconds that a loaded machine may take for any single step. */
export const PATIENCE_MS = 120_000;

const PACKAGES = ["postgresql-15", "patroni", "python3-etcd", "python3-idna", "util-linux"];
const BIN_DIRECTORY = "/usr/lib/postgresql/15/bin";
const NETWORK = "127.0.0.0/8";
const SCOPE = "pg";

/** One member; it need not run. */
export interface LabMember {
  readonly name: string;
  readonly address: string;
  readonly directory: string;
  readonly dataDirectory: string;
  readonly socketDirectory: string;
  readonly configFile: string;
  /** Its certificates as files that it may read; they stand for its address. */
  readonly tls: TlsPaths;
  /** What its file was rendered from last. */
  readonly settings: PatroniSettings;
  /** What Patroni and PostgreSQL have printed, all runs together. */
  log(): Promise<string>;
}

/** How a cluster is made. */
export interface LabOptions {
  /** Members of etcd; 1 without it. */
  readonly stores?: number;
  /** Changes {@linkcode QUICK}. */
  readonly shared?: DynamicSettings;
}

/** A cluster under test: `await using lab = await startLab(3)`. */
export interface Lab extends AsyncDisposable {
  readonly etcd: Cluster;
  readonly authority: Authority;
  readonly members: readonly LabMember[];
  /** Makes one more member with its file, without starting it. */
  prepare(): Promise<LabMember>;
  /** Renders a member's file anew; a running Patroni reads it on reload only. */
  configure(member: LabMember, change: (settings: PatroniSettings) => PatroniSettings): Promise<void>;
  start(member: LabMember): Promise<void>;
  /** Ends Patroni and with it PostgreSQL in order. */
  stop(member: LabMember): Promise<void>;
  /** Kills Patroni and its PostgreSQL at once. */
  kill(member: LabMember): Promise<void>;
  /** Stops Patroni's process without ending it; PostgreSQL goes on. */
  pause(member: LabMember): void;
  resume(member: LabMember): void;
  /** Whether the member's Patroni is there. */
  isRunning(member: LabMember): boolean;
  /** A client of the member's REST API, over https with its password. */
  patroni(member: LabMember, options?: Partial<PatroniOptions>): Patroni;
  /** A client of the member's server, over its unix socket. */
  postgres(member: LabMember): Promise<Postgres>;
  /** Waits until a member is the primary, which Patroni itself confirms. */
  untilPrimary(among?: readonly LabMember[]): Promise<LabMember>;
  /** Waits until that many members run, one of them as leader, the replicas streaming from it. */
  untilReady(size: number): Promise<void>;
}

/**
 * Starts a cluster; returns when the first member is the primary and all others replicate. The first is the primary.
 *
 * @throws {Error} when the packages cannot be installed
 */
export async function startLab(size: number, options: LabOptions = {}): Promise<Lab> {
  await ensureDebianPackages(PACKAGES);
  const lab = await prepareLab(options);
  try {
    const first = await lab.prepare();
    await lab.start(first);
    await lab.untilPrimary([first]);
    const others = await Array.fromAsync(Array.from({ length: size - 1 }), () => lab.prepare());
    await Promise.all(others.map(lab.start));
    await lab.untilReady(size);
    return lab;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts etcd and makes the directories; no member is there yet. */
export async function prepareLab({ stores = 1, shared = {} }: LabOptions = {}): Promise<Lab> {
  await ensureDebianPackages(PACKAGES);
  const etcd = await startCluster(stores);
  const directory = await Deno.makeTempDir({ prefix: "postgresql_lab_" });
  const owner = await ownerOf("postgres");
  const members: LabMember[] = [];
  const processes = new Map<LabMember, Deno.ChildProcess>();
  await giveAway(directory, owner);

  const ended = async (member: LabMember): Promise<void> => {
    processes.delete(member);
    await killServer(member.dataDirectory);
  };

  const patroni = (member: LabMember, options: Partial<PatroniOptions> = {}): Patroni => {
    const auth = { user: REST_LOGIN.username, password: REST_LOGIN.password };
    return openPatroni({
      address: member.address,
      port: PORTS.rest,
      tls: { ca: etcd.authority.cert },
      auth,
      ...options,
    });
  };

  const lab: Lab = {
    etcd,
    authority: etcd.authority,
    members,
    async prepare() {
      const name = `${SCOPE}-${members.length}`;
      const address = freeAddress(Object.values(PORTS));
      const home = `${directory}/${name}`;
      for (const path of [home, `${home}/tls`, `${home}/socket`]) {
        await Deno.mkdir(path, { mode: 0o700 });
        await giveAway(path, owner);
      }
      const identity = await etcd.authority.issue(name, { subject: `/O=${name}`, addresses: [address] });
      const texts = { ca: etcd.authority.cert, cert: identity.cert, key: identity.key };
      const tls = await writeTlsFiles(`${home}/tls`, texts, owner);
      const member = {
        name,
        address,
        directory: home,
        dataDirectory: `${home}/data`,
        socketDirectory: `${home}/socket`,
        configFile: `${home}/patroni.yml`,
        tls,
        settings: settingsOf({ name, address, home, tls }, etcd, { ...QUICK, ...shared }),
        log: () => Deno.readTextFile(`${home}/log`),
      };
      await writeConfig(member, owner);
      members.push(member);
      return member;
    },
    async configure(member, change) {
      Object.assign(member, { settings: change(member.settings) });
      await writeConfig(member, owner);
    },
    async start(member) {
      if (processes.has(member)) throw new Error(`${member.name} runs already`);
      const options = owner ? changeUser(owner) : [];
      processes.set(member, await spawnPatroni(options, member.configFile, member.directory));
    },
    async stop(member) {
      const process = processes.get(member);
      if (process) await endMember(process, member.dataDirectory);
      await ended(member);
    },
    async kill(member) {
      const process = processes.get(member);
      if (process) {
        signal(process, "SIGKILL");
        await killServer(member.dataDirectory);
        await process.status;
      }
      await ended(member);
    },
    pause: (member) => signal(running(processes, member), "SIGSTOP"),
    resume: (member) => signal(running(processes, member), "SIGCONT"),
    isRunning: (member) => isAlive(processes.get(member)?.pid),
    patroni,
    postgres(member) {
      const at = { socketDirectory: member.socketDirectory, port: PORTS.postgresql };
      const { username: user, password } = USERS.superuser;
      return openPostgres({ at, user, password, timeoutMs: 10_000 });
    },
    untilPrimary(among = members) {
      return eventually("a primary", PATIENCE_MS, async () => {
        for (const member of among) {
          using client = patroni(member);
          if (isAlive(processes.get(member)?.pid) && await client.is("primary").catch(() => false)) return member;
        }
        return undefined;
      });
    },
    async untilReady(size) {
      const primary = await lab.untilPrimary();
      using client = patroni(primary);
      await eventually(`${size} members ready`, PATIENCE_MS, async () => {
        const { members: listed } = await client.cluster();
        const streaming = (await client.status()).replication.filter(({ state }) => state === "streaming");
        const ready = listed.filter(({ state }) => state === "running" || state === "streaming");
        return ready.length === size && listed.length === size && streaming.length >= size - 1;
      });
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...processes.keys()].map((member) => lab.kill(member)));
      await etcd[Symbol.asyncDispose]();
      await Deno.remove(directory, { recursive: true });
    },
  };
  return lab;
}

function settingsOf(
  { name, address, home, tls }: { name: string; address: string; home: string; tls: TlsPaths },
  etcd: Cluster,
  shared: DynamicSettings,
): PatroniSettings {
  const { superuser, replication, rewind } = USERS;
  const addresses = [NETWORK];
  return {
    scope: SCOPE,
    name,
    rest: { listen: address, port: PORTS.rest, tls, auth: REST_LOGIN },
    dcs: { kind: "etcd3", hosts: etcd.members.map(({ clientUrl }) => clientUrl.replace("https://", "")), tls },
    bootstrap: { maximumLagOnFailover: 1_048_576, ...shared },
    postgresql: {
      listen: address,
      port: PORTS.postgresql,
      dataDirectory: `${home}/data`,
      binDirectory: BIN_DIRECTORY,
      socketDirectory: `${home}/socket`,
      passFile: `${home}/pgpass`,
      superuser,
      replication,
      rewind,
      hba: clusterHba({
        tls: false,
        superuser: superuser.username,
        replication: replication.username,
        rewind: rewind.username,
        addresses,
      }),
      // Nothing outlives the machine here, and what a killed process has written stays with the system.
      parameters: { shared_buffers: "16MB", fsync: "off", log_statement: "all" },
    },
  };
}

async function writeConfig({ configFile, settings }: LabMember, owner: Owner | undefined): Promise<void> {
  const temporary = `${configFile}.new`;
  await Deno.writeTextFile(temporary, renderPatroniConfig(settings), { mode: 0o600 });
  await giveAway(temporary, owner);
  await Deno.rename(temporary, configFile);
}

async function giveAway(path: string, owner: Owner | undefined): Promise<void> {
  if (owner) await Deno.chown(path, owner.uid, owner.gid);
}

function running(processes: ReadonlyMap<LabMember, Deno.ChildProcess>, member: LabMember): Deno.ChildProcess {
  const process = processes.get(member);
  if (!process) throw new Error(`${member.name} does not run`);
  return process;
}
