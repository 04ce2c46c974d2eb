import { assert, assertEquals } from "@std/assert";
import { ClientError } from "../../../interfaces/clients/errors.ts";
import { openCluster, type SetAccess } from "../../../interfaces/clients/mysql/cluster_set/access.ts";
import { perform } from "../../../interfaces/clients/mysql/cluster_set/acts.ts";
import { readChannel } from "../../../interfaces/clients/mysql/cluster_set/channel.ts";
import { fenceWrites, isWritesFenced, unfenceWrites } from "../../../interfaces/clients/mysql/cluster_set/fence.ts";
import { promoteCluster } from "../../../interfaces/clients/mysql/cluster_set/promote.ts";
import { changeRecord, readClusterSet } from "../../../interfaces/clients/mysql/cluster_set/records.ts";
import { rejoinCluster } from "../../../interfaces/clients/mysql/cluster_set/rejoin.ts";
import { removeReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/remove.ts";
import { createReplicaCluster } from "../../../interfaces/clients/mysql/cluster_set/replica.ts";
import { planDetach } from "../../../interfaces/clients/mysql/cluster_set/steps.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { countRows, until } from "../mysql/cluster.ts";
import type { LabServer } from "../mysql/lab.ts";
import { cutShort, type Failure } from "./client_faults.ts";
import {
  clusterSetTest,
  first,
  insert,
  LISBON,
  PORTO,
  primaryOf,
  type Sites,
  statusOf,
  untilSame,
  writable,
} from "./client_sites.ts";
import { startSampler } from "./sampler.ts";

/** An operation that is cut short at each of its changes in turn. */
interface Cutting {
  readonly name: string;
  readonly run: (access: SetAccess, db: Mysql) => Promise<unknown>;
  /** Makes what the operation is to change. */
  readonly before?: () => Promise<void>;
  /** Looks at what a cut has left. */
  readonly left?: () => Promise<void>;
  /** Looks at what the operation has to have done at last. */
  readonly after: () => Promise<void>;
}

/** Cuts an operation short, looks, repeats it, looks again; until there is nothing more to cut. */
async function cutEverywhere(sites: Sites, failure: Failure, operations: readonly Cutting[]): Promise<void> {
  const { all, access } = sites;
  const points = operations.map(() => 0);
  for (let at = 0, goesOn = true; goesOn; at++) {
    goesOn = false;
    for (const [index, { name, run, before, left, after }] of operations.entries()) {
      await before?.();
      const cut = cutShort(access, failure, at);
      const error = await first(all).as((db) => run(cut.access, db)).then(() => undefined, (reason) => reason);
      assert(error === undefined || error instanceof ClientError, `${name}, change ${at}: ${error}`);
      assert((await writable(all)).filter(Boolean).length <= 1, `${name}, change ${at}: two servers take writes`);
      if (cut.changes() > at) {
        goesOn = true;
        points[index] = at + 1;
        await left?.();
        await first(all).as((db) => run(access, db));
      }
      await after();
    }
  }
  for (const [index, { name }] of operations.entries()) {
    const how = failure === "killed" ? "killed before" : "the answer lost of";
    console.log(`${name}: ${how} each of ${points[index]} statements that change something`);
    assert((points[index] ?? 0) > 0, name);
  }
}

/** Runs something while all servers are asked all the time whether they take writes. */
async function sampled({ lisbon, porto }: Sites, work: () => Promise<void>): Promise<void> {
  const byUnit = new Map<string, LabServer>([
    ...lisbon.map((server) => [`${LISBON}/${server.number}`, server] as const),
    ...porto.map((server) => [`${PORTO}/${server.number}`, server] as const),
  ]);
  const sampler = startSampler(() => [...byUnit.keys()], (unit) => (byUnit.get(unit) ?? first(lisbon)).connect());
  try {
    await work();
  } finally {
    await sampler.stop();
  }
  sampler.assertOneCluster();
  console.log(`between two answers of a server that ran lay at most ${sampler.longestPauseMs()} ms`);
}

/** Waits until a cluster follows the other, and has a row that is written there now. */
async function follows(sites: Sites, from: readonly LabServer[], name: string): Promise<void> {
  await until(`${name} follows`, async () => await statusOf(sites, from, name) === "ok");
  const rows = (await (await primaryOf(from)).as(countRows)) + 1;
  await insert(from, rows);
  await untilSame(sites.all, rows);
}

/** A promotion there and one back. */
function promotions(sites: Sites): Cutting[] {
  const { lisbon, porto, all, access } = sites;
  return ([[PORTO, porto, LISBON, lisbon], [LISBON, lisbon, PORTO, porto]] as const).map((
    [clusterName, place, oldName, old],
  ): Cutting => ({
    name: `promote ${clusterName}`,
    run: (at, db) => promoteCluster(at, db, { clusterName }),
    // Instead of going on with it, the old primary may be let go on, unless the other is recorded already.
    left: async () => {
      if ((await writable(all)).some(Boolean)) return;
      const set = await (await primaryOf(place)).as(readClusterSet);
      if (set?.clusters.some(({ name, role }) => name === clusterName && role === "primary")) return;
      assertEquals(await (await primaryOf(old)).as((db) => unfenceWrites(access, db)), true);
      assertEquals((await writable(old)).filter(Boolean).length, 1);
    },
    after: async () => {
      assertEquals((await writable(place)).filter(Boolean).length, 1);
      assertEquals((await writable(old)).filter(Boolean).length, 0);
      await follows(sites, place, oldName);
    },
  }));
}

clusterSetTest("promotions, fences and rejoins killed at every change are finished later", 2, async (sites) => {
  const { lisbon, all, access } = sites;
  const own = first(lisbon);
  const isOpen = async () => (await writable(all)).some(Boolean);
  const isFenced = () => own.as((db) => isWritesFenced(access, db));
  const fence: Cutting = {
    name: "fence",
    run: fenceWrites,
    after: async () => assertEquals([await isOpen(), await isFenced()], [false, true]),
  };
  const unfence: Cutting = {
    name: "unfence",
    run: unfenceWrites,
    left: async () => assertEquals(await isFenced(), !await isOpen()),
    after: async () => {
      assertEquals(await isFenced(), false);
      await follows(sites, lisbon, PORTO);
    },
  };
  const rejoin: Cutting = {
    name: "rejoin",
    before: () => leaveBehind(sites),
    run: (at, db) => rejoinCluster(at, db, { clusterName: PORTO }),
    after: () => follows(sites, lisbon, PORTO),
  };
  await sampled(sites, async () => {
    await cutEverywhere(sites, "killed", promotions(sites));
    await cutEverywhere(sites, "killed", [fence, unfence]);
    await cutEverywhere(sites, "killed", [rejoin]);
  });
});

/** Porto follows nobody, and counts as left behind. */
async function leaveBehind(sites: Sites): Promise<void> {
  const { lisbon, porto, access } = sites;
  await using replica = await openCluster(access, porto);
  await perform(planDetach("replica"), { clusters: { replica }, patienceMs: 1000 });
  await (await primaryOf(lisbon)).as(async (db) => {
    const set = await readClusterSet(db);
    const idOf = (name: string) => set?.clusters.find((each) => each.name === name)?.clusterId;
    const [primary, other] = [idOf(LISBON), idOf(PORTO)];
    assert(set && primary && other);
    await changeRecord(db, set.id, { kind: "roles", primary, invalidated: [other], viewId: set.viewId });
  });
  assertEquals(await statusOf(sites, lisbon, PORTO), "invalidated");
}

clusterSetTest("promotions that lose a connection, and a removal killed, at every change", 1, async (sites) => {
  const { lisbon, porto, access } = sites;
  const [a, b] = [first(lisbon), first(porto)];
  const remove: Cutting = {
    name: "remove",
    run: (at, db) => removeReplicaCluster(at, db, { clusterName: PORTO }),
    after: async () => {
      assertEquals((await a.as(readClusterSet))?.clusters.map(({ name }) => name), [LISBON]);
      assertEquals([(await b.as(readGroup)).self?.state, await b.as(readChannel)], ["OFFLINE", undefined]);
      assertEquals(await writable([a, b]), [true, false]);
      const endpoint = { host: b.host, port: b.port };
      const again = { clusterName: PORTO, endpoint, label: "porto-0" };
      assertEquals(await a.as((db) => createReplicaCluster(access, db, again)), "done");
    },
  };
  await sampled(sites, async () => {
    await cutEverywhere(sites, "lost", promotions(sites));
    await cutEverywhere(sites, "killed", [remove]);
  });
});
