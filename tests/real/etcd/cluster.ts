/**
 * Clusters of real etcd members on loopback addresses, with mutual TLS, below one temporary directory.
 *
 * @module
 */
import { ensureDebianPackages } from "../../../build/install.ts";
import { type Authority, createAuthority, type Identity } from "./certificates.ts";

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;
/** Milliseconds that a member has for its orderly end. */
const STOP_MS = 10_000;
const POLL_MS = 50;
const UNPRIVILEGED_USER = "etcd";

/** One member; it need not run. */
export interface Member {
  readonly name: string;
  readonly address: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly dataDir: string;
  /** What it has printed, all runs together. */
  log(): Promise<string>;
}

/** How a member starts for the first time. */
export interface StartOptions {
  readonly state: "new" | "existing";
  /** Such as `m0=https://127.1.2.3:2380,m1=…`. */
  readonly initialCluster: string;
}

/** A cluster under test: `await using cluster = await startCluster(3)`. */
export interface Cluster extends AsyncDisposable {
  readonly directory: string;
  readonly members: readonly Member[];
  /** The client URLs of all members, as etcd's providers publish them. */
  readonly connectionString: string;
  readonly authority: Authority;
  /** A client's identity without a common name. */
  readonly client: Identity;
  /** Prepares one more member without starting it. */
  prepareMember(): Promise<Member>;
  /** Starts a member; later starts on its data need no options. */
  start(member: Member, options?: StartOptions): Promise<void>;
  /** Ends a member in order. */
  stop(member: Member): Promise<void>;
  /** Kills a member at once. */
  kill(member: Member): Promise<void>;
  pause(member: Member): void;
  resume(member: Member): void;
  /** Whether the member's process is there. */
  isRunning(member: Member): boolean;
  /** Kills a member, deletes its data and forgets it. */
  forget(member: Member): Promise<void>;
  /** Deletes the data of a member that does not run. */
  wipe(member: Member): Promise<void>;
  /** Runs etcdctl against all members, with the client's certificate. */
  etcdctl(...args: string[]): Promise<string>;
}

/**
 * Starts a cluster of new members; returns as soon as their processes run.
 *
 * @throws {Error} when etcd cannot be installed
 */
export async function startCluster(size: number): Promise<Cluster> {
  await ensureDebianPackages(["etcd-server", "etcd-client", "openssl", "util-linux"]);
  const cluster = await prepareCluster();
  for (let i = 0; i < size; i++) await cluster.prepareMember();
  const initialCluster = cluster.members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
  await Promise.all(cluster.members.map((member) => cluster.start(member, { state: "new", initialCluster })));
  return cluster;
}

async function prepareCluster(): Promise<Cluster> {
  const directory = await Deno.makeTempDir({ prefix: "etcd_cluster_" });
  const authority = await createAuthority(directory, "authority");
  const client = await authority.issue("client", { subject: "/O=client" });
  const members: Member[] = [];
  let made = 0;
  const options = new Map<Member, readonly string[]>();
  const processes = new Map<Member, Deno.ChildProcess>();
  const owner = Deno.uid() === 0 ? await userIds(UNPRIVILEGED_USER) : undefined;
  if (owner) await giveAway(directory, owner);

  const end = async (member: Member, signal: Deno.Signal): Promise<void> => {
    const process = processes.get(member);
    if (!process) return;
    sendSignal(process, signal);
    sendSignal(process, "SIGCONT");
    const timer = setTimeout(() => sendSignal(process, "SIGKILL"), STOP_MS);
    await process.status;
    clearTimeout(timer);
    processes.delete(member);
  };

  return {
    directory,
    members,
    authority,
    client,
    get connectionString() {
      return members.map(({ clientUrl }) => clientUrl).join(",");
    },
    async prepareMember() {
      const name = `m${made++}`;
      const address = freeAddress();
      const identity = await authority.issue(name, { subject: `/O=${name}`, addresses: [address, "127.0.0.1"] });
      if (owner) { for (const file of [identity.certFile, identity.keyFile]) await giveAway(file, owner); }
      const logFile = `${directory}/${name}.log`;
      const member: Member = {
        name,
        address,
        clientUrl: `https://${address}:${CLIENT_PORT}`,
        peerUrl: `https://${address}:${PEER_PORT}`,
        dataDir: `${directory}/${name}.data`,
        log: () => Deno.readTextFile(logFile),
      };
      members.push(member);
      options.set(member, [logFile, ...memberFlags(member, identity, authority)]);
      return member;
    },
    async start(member, start) {
      if (processes.has(member)) throw new Error(`${member.name} runs already`);
      const [logFile = "", ...flags] = options.get(member) ?? [];
      if (start) flags.push(`--initial-cluster=${start.initialCluster}`, `--initial-cluster-state=${start.state}`);
      // The shell opens the log and becomes the member: one process, whose id is ours and that ends when we are killed.
      const command = ["setpriv", "--pdeathsig=KILL", ...(owner ? changeUser(owner) : []), "etcd", ...flags];
      const shell = ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", logFile, ...command];
      const process = new Deno.Command("sh", { args: shell, cwd: directory, stdin: "null" }).spawn();
      processes.set(member, process);
      await Promise.race([process.status, new Promise((resolve) => setTimeout(resolve, POLL_MS))]);
    },
    stop: (member) => end(member, "SIGTERM"),
    kill: (member) => end(member, "SIGKILL"),
    pause: (member) => sendSignal(running(processes, member), "SIGSTOP"),
    resume: (member) => sendSignal(running(processes, member), "SIGCONT"),
    isRunning: (member) => processIsThere(processes.get(member)),
    async forget(member) {
      await end(member, "SIGKILL");
      await Deno.remove(member.dataDir, { recursive: true });
      members.splice(members.indexOf(member), 1);
    },
    async wipe(member) {
      if (processes.has(member)) throw new Error(`${member.name} still runs`);
      await Deno.remove(member.dataDir, { recursive: true });
    },
    async etcdctl(...args) {
      const urls = members.map(({ clientUrl }) => clientUrl).join(",");
      const tls = [`--cacert=${authority.certFile}`, `--cert=${client.certFile}`, `--key=${client.keyFile}`];
      const all = [`--endpoints=${urls}`, ...tls, ...args];
      const command = new Deno.Command("etcdctl", { args: all, env: { ETCDCTL_API: "3" }, stdin: "null" });
      const { code, stdout, stderr } = await command.output();
      if (code !== 0) throw new Error(`etcdctl ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
      return new TextDecoder().decode(stdout);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(members.map((member) => end(member, "SIGKILL")));
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/**
 * Calls a function until it returns something other than undefined, false or an error.
 *
 * @param what shown when the time is over
 * @param timeoutMs milliseconds
 */
export async function eventually<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = "never true";
  while (Date.now() < deadline) {
    try {
      const result = await probe();
      if (result !== undefined && result !== false) return result;
      last = "never true";
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`waited ${timeoutMs} ms for: ${what}: ${last instanceof Error ? last.message : last}`);
}

function memberFlags(member: Member, { certFile, keyFile }: Identity, authority: Authority): string[] {
  const tls = (prefix: string): string[] => [
    `--${prefix}client-cert-auth`,
    `--${prefix}trusted-ca-file=${authority.certFile}`,
    `--${prefix}cert-file=${certFile}`,
    `--${prefix}key-file=${keyFile}`,
  ];
  return [
    `--name=${member.name}`,
    `--data-dir=${member.dataDir}`,
    `--listen-client-urls=${member.clientUrl}`,
    `--advertise-client-urls=${member.clientUrl}`,
    `--listen-peer-urls=${member.peerUrl}`,
    `--initial-advertise-peer-urls=${member.peerUrl}`,
    ...tls(""),
    ...tls("peer-"),
    "--logger=zap",
    "--log-level=warn",
  ];
}

/** A random address of the loopback network on which etcd's own ports are free. */
function freeAddress(): string {
  for (;;) {
    const [a, b, c] = crypto.getRandomValues(new Uint8Array(3)) as unknown as [number, number, number];
    const hostname = `127.${a}.${b}.${c % 254 + 1}`;
    if (a > 0 && [CLIENT_PORT, PEER_PORT].every((port) => isFree(hostname, port))) return hostname;
  }
}

function isFree(hostname: string, port: number): boolean {
  try {
    Deno.listen({ hostname, port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

async function userIds(user: string): Promise<Owner> {
  const line = (await Deno.readTextFile("/etc/passwd")).split("\n").find((text) => text.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(":") ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`There is no user ${user}: is etcd-server installed?`);
  return { uid: Number(uid), gid: Number(gid) };
}

async function giveAway(path: string, { uid, gid }: Owner): Promise<void> {
  await Deno.chown(path, uid, gid);
}

function changeUser({ uid, gid }: Owner): string[] {
  return [`--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

function running(processes: ReadonlyMap<Member, Deno.ChildProcess>, member: Member): Deno.ChildProcess {
  const process = processes.get(member);
  if (!process) throw new Error(`${member.name} does not run`);
  return process;
}

function sendSignal(process: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    process.kill(signal);
  } catch (error) {
    // It has ended in the meantime.
    if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
  }
}

function processIsThere(process: Deno.ChildProcess | undefined): boolean {
  if (!process) return false;
  try {
    const stat = Deno.readTextFileSync(`/proc/${process.pid}/stat`);
    return !/\) [ZX] /.test(stat);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
