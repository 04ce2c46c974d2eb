/**
 * Hosts as network namespaces: a, b and c at a bridge; d behind b, over a link with MTU 1400. MTU 9000 otherwise.
 *
 * @module
 */
import { ip, must, run } from "./machine.ts";

/** Names of the hosts. */
export type Host = "a" | "b" | "c" | "d";

/** The namespace of the bridge; its ports are `to-a`, `to-b` and `to-c`. */
const SWITCH = "switch";
const PREFIX = "charmlet-net-";

/** Hosts with addresses. */
export interface Network {
  /** Name of the namespace of a host or of the bridge. */
  namespace(host: Host | "switch"): string;
  /** Ends everything that runs in the namespaces and deletes them. */
  remove(): Promise<void>;
}

/** Addresses of the hosts. */
export const IPV4: Readonly<Record<Host, string>> = { a: "10.77.0.1", b: "10.77.0.2", c: "10.77.0.3", d: "10.77.1.4" };
export const IPV6: Readonly<Record<Host, string>> = {
  a: "fd77::1",
  b: "fd77::2",
  c: "fd77::3",
  d: "fd77:0:0:1::4",
};

/** Why this machine does not let us make namespaces; undefined when it does. */
export async function whyNoNamespaces(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return `this is ${Deno.build.os}`;
  if (Deno.uid() !== 0) return "root is needed";
  const name = `${PREFIX}${Deno.pid}-try`;
  try {
    const added = await run("ip", ["netns", "add", name]);
    if (added.code !== 0) return added.stderr.trim();
    const linked = await run("ip", ["-n", name, "link", "add", "try0", "type", "veth", "peer", "name", "try1"]);
    const bridged = await run("ip", ["-n", name, "link", "add", "try2", "type", "bridge"]);
    await run("ip", ["netns", "del", name]);
    return linked.code + bridged.code === 0 ? undefined : `${linked.stderr}${bridged.stderr}`.trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "ip (Debian's iproute2) is not installed";
    throw error;
  }
}

/** Makes the hosts; what runs that were killed have left is removed first. */
export async function makeNetwork(): Promise<Network> {
  await removeLeftovers();
  const run = crypto.randomUUID().slice(0, 8);
  const namespace = (host: Host | "switch") => `${PREFIX}${Deno.pid}-${run}-${host}`;
  const remove = () => removeNamespaces((["a", "b", "c", "d", SWITCH] as const).map(namespace));
  try {
    for (const name of ["a", "b", "c", "d", SWITCH] as const) {
      await ip(`netns add ${namespace(name)}`);
      await ip(`-n ${namespace(name)} link set lo up`);
    }
    await ip(`-n ${namespace(SWITCH)} link add br0 mtu 9000 type bridge`);
    await ip(`-n ${namespace(SWITCH)} link set br0 up`);
    for (const host of ["a", "b", "c"] as const) {
      await connect(namespace(host), "eth0", namespace(SWITCH), `to-${host}`, 9000);
      await ip(`-n ${namespace(SWITCH)} link set to-${host} master br0`);
      await ip(`-n ${namespace(host)} addr add ${IPV4[host]}/24 dev eth0`);
      await ip(`-n ${namespace(host)} addr add ${IPV6[host]}/64 dev eth0 nodad`);
    }
    await attachBehindB(namespace("b"), namespace("d"), [namespace("a"), namespace("c")]);
  } catch (error) {
    await remove();
    throw error;
  }
  return { namespace, remove };
}

async function connect(left: string, leftName: string, right: string, rightName: string, mtu: number): Promise<void> {
  await ip(`link add ${leftName} mtu ${mtu} netns ${left} type veth peer name ${rightName} mtu ${mtu} netns ${right}`);
  await ip(`-n ${left} link set ${leftName} up`);
  await ip(`-n ${right} link set ${rightName} up`);
}

async function attachBehindB(b: string, d: string, others: readonly string[]): Promise<void> {
  await connect(d, "eth0", b, "eth1", 1400);
  await ip(`-n ${d} addr add ${IPV4.d}/24 dev eth0`);
  await ip(`-n ${d} addr add ${IPV6.d}/64 dev eth0 nodad`);
  await ip(`-n ${b} addr add 10.77.1.2/24 dev eth1`);
  await ip(`-n ${b} addr add fd77:0:0:1::2/64 dev eth1 nodad`);
  const forward = "echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding";
  await must("ip", ["netns", "exec", b, "sh", "-ec", forward]);
  await ip(`-n ${d} route add default via 10.77.1.2`);
  await ip(`-n ${d} -6 route add default via fd77:0:0:1::2`);
  for (const other of others) {
    await ip(`-n ${other} route add 10.77.1.0/24 via ${IPV4.b}`);
    await ip(`-n ${other} -6 route add fd77:0:0:1::/64 via ${IPV6.b}`);
  }
}

async function removeNamespaces(names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { stdout } = await run("ip", ["netns", "pids", name]);
    for (const pid of stdout.split("\n").filter((line) => line !== "")) {
      try {
        Deno.kill(Number(pid), "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    await run("ip", ["netns", "del", name]);
    await Deno.remove(`/etc/netns/${name}`, { recursive: true }).catch(() => {});
  }
}

async function removeLeftovers(): Promise<void> {
  const { stdout } = await run("ip", ["netns", "list"]);
  const names = stdout.split("\n").map((line) => line.split(" ")[0] ?? "");
  const stale = names.filter((name) => {
    const pid = name.startsWith(PREFIX) ? /^\d+/.exec(name.slice(PREFIX.length))?.[0] : undefined;
    return pid !== undefined && !isRunning(pid);
  });
  await removeNamespaces(stale);
}

function isRunning(pid: string): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch {
    return false;
  }
}
