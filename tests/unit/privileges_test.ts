/**
 * Which permissions each handler and action may keep. What is declared beyond this table has to be put into it, by somebody
 * who has read why: `build/deno task privileges` shows which of them are missed when they are taken away.
 */
import { assertEquals } from "@std/assert";
import { loadCharm } from "../../hooks/charm/load.ts";
import { formatList, listCharm, listFlagHandlers } from "../../hooks/cli/inspect.ts";
import { ACTIONS } from "../../actions/registry.ts";
import { INTERFACES } from "../../interfaces/registry.ts";
import { declaredNeeds } from "../privileges/declared.ts";

const PROGRAM = { interfaces: INTERFACES, actions: ACTIONS };

/** By side and kind, which handlers have just these permissions. Who is not listed has none. */
const TABLE: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "async_replication provides, hook": {
    "net read run sys write": "created, changed, broken, updateStatus, secretChanged, leaderElected",
  },
  "async_replication provides, flags": {
    "net read run sys write": "upkeep",
  },
  "async_replication requires, hook": {
    "net read run sys write": "created, changed, broken, updateStatus, secretChanged, leaderElected",
  },
  "async_replication requires, flags": {
    "net read run sys write": "upkeep",
  },
  "etcd peers, hook": {
    "read run sys write": "install, remove",
    "net read run sys write": "stop",
  },
  "etcd peers, flags": {
    "net read run sys write": "reconcile",
  },
  "magpie peers, hook": {
    "net read run sys write": "joined, departed, changed, configChanged, updateStatus",
    "read run sys write": "install, stop",
  },
  "mysql-innodb-cluster peers, hook": {
    "read run sys write": "install, remove",
    "net read run sys write": "stop",
  },
  "mysql-innodb-cluster peers, flags": {
    "net read run sys write": "reconcile",
  },
  "postgresql_peers peers, hook": {
    "env net read run sys write":
      "changed, departed, leaderElected, configChanged, secretChanged, upgradeCharm, pebbleReady, updateStatus, storageDetaching",
    "read run sys write": "install, remove",
    "net read run sys write": "stop",
  },
  "postgresql_peers peers, flags": {
    "env net read run sys write": "keep the member running",
  },
  "etcd peers, action": {
    "net read run sys": "health, member-list",
    "net read run sys write": "snapshot, restore",
    "read run write": "rotate-certificates",
  },
  "magpie peers, action": {
    "run": "ping",
    "net": "dns",
    "run sys": "iperf, info",
  },
  "postgresql_peers peers, action": {
    "net read": "get-primary, get-cluster-status, switchover, reinitialize",
    "env net read write": "set-password",
    "read": "restart",
    "read run write": "rotate-certificate",
  },
  "mysql-innodb-cluster peers, action": {
    "net read run sys write":
      "cluster-status, create-cluster, add-instance, remove-instance, rejoin-instance, set-cluster-primary, reboot-cluster-from-complete-outage",
    "read run sys write": "set-password",
  },
  "async_replication provides, action": {
    "net read run sys write":
      "promote-standby-cluster, promote-to-primary, fence-writes, unfence-writes, rejoin-cluster, recreate-cluster, create-replication",
  },
};

Deno.test("privileges: no handler or action has others than the table says", async () => {
  const found: Record<string, Record<string, string>> = {};
  for (const { side, kind, name, needs } of await declaredNeeds()) {
    if (needs.length === 0) continue;
    const group = found[`${side}, ${kind}`] ??= {};
    const key = needs.join(" ");
    group[key] = group[key] === undefined ? name : `${group[key]}, ${name}`;
  }
  assertEquals(found, TABLE);
});

Deno.test("privileges: --list tells what each hook and action keeps", async () => {
  const charm = await loadCharm(new URL("../charms/etcd", import.meta.url).pathname);
  const lines = formatList(await listCharm(charm, PROGRAM), await listFlagHandlers(charm, PROGRAM));
  const privilegesOf = (name: string) => lines.find((line) => line.startsWith(`${name} `))?.split(/ {2,}/).at(-1);
  assertEquals(privilegesOf("install"), "read, run, sys, write");
  assertEquals(privilegesOf("db-relation-joined"), "db:joined");
  assertEquals(privilegesOf("health"), "net, read, run, sys");
  assertEquals(privilegesOf("(any hook but install, stop, remove)"), "net, read, run, sys, write");
});
