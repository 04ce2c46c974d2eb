import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClusterSetLockedError, ClusterSetRefusedError } from "../../../interfaces/clients/mysql/cluster_set/errors.ts";
import { fenceWrites, isWritesFenced, unfenceWrites } from "../../../interfaces/clients/mysql/cluster_set/fence.ts";
import { lockSet, readLock } from "../../../interfaces/clients/mysql/cluster_set/lock.ts";
import { promoteCluster } from "../../../interfaces/clients/mysql/cluster_set/promote.ts";
import { readRole, requireSet } from "../../../interfaces/clients/mysql/cluster_set/state.ts";
import { ReadOnlyError } from "../../../interfaces/clients/mysql/errors.ts";
import { setPrimary } from "../../../interfaces/clients/mysql/group.ts";
import { readServer } from "../../../interfaces/clients/mysql/status.ts";
import { insertRow, timed, until } from "../mysql/cluster.ts";
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

async function promote({ access, all }: Sites, clusterName: string): Promise<void> {
  const did = await first(all).as((db) => promoteCluster(access, db, { clusterName }));
  assertEquals([did.invalidated, did.pending], [[], []]);
  const [window, total] = [did.nobodyWritableMs, did.totalMs].map((ms) => ms.toFixed(0));
  console.log(
    `switchover to ${clusterName}: nobody could write for ${window} ms (110-140), done in ${total} ms (400-500)`,
  );
}

clusterSetTest("made, fenced, switched over and back; one at a time", 2, async (sites) => {
  const { lisbon, porto, all, access } = sites;
  const [a, b] = [first(lisbon), first(porto)];
  assertEquals(await Promise.all([a, b].map((server) => server.as(readRole))), ["primary", "replica"]);
  const status = (name: string) => statusOf(sites, lisbon, name);
  assertEquals([await status(PORTO), await status(LISBON), await status("braga")], ["ok", "ok", "unknown"]);

  const { set } = await a.as((db) => requireSet(access, db));
  {
    await using _ = await lockSet({ ...access, holder: "somebody" }, await primaryOf(lisbon), set.id);
    assertEquals(await a.as((db) => readLock(db, set.id)), { holder: "somebody" });
    await assertRejects(() => a.as((db) => fenceWrites(access, db)), ClusterSetLockedError, "by somebody");
  }
  await until("the lock is given back", async () => await a.as((db) => readLock(db, set.id)) === undefined);

  assertEquals(await timed("fenced", "0.04 s", () => a.as((db) => fenceWrites(access, db))), true);
  assertEquals(await a.as((db) => fenceWrites(access, db)), false);
  await assertRejects(() => a.as((db) => insertRow(db, 2)), ReadOnlyError);
  await assertRejects(() => b.as((db) => fenceWrites(access, db)), ClusterSetRefusedError, "ask one of its servers");
  const heir = lisbon[1];
  assert(heir);
  await a.as(async (db) => await setPrimary(db, (await heir.as(readServer)).uuid));
  assertEquals(await heir.as((db) => isWritesFenced(access, db)), true);
  assertEquals(await writable(all), all.map(() => false));
  assertEquals(await a.as((db) => unfenceWrites(access, db)), true);
  assertEquals(await a.as((db) => isWritesFenced(access, db)), false);
  await heir.as((db) => insertRow(db, 2));

  await promote(sites, PORTO);
  assertEquals((await writable(lisbon)).filter(Boolean).length, 0);
  await insert(porto, 3);
  await until("the old primary follows", async () => await status(LISBON) === "ok");
  await untilSame(all, 3);
  await assertRejects(() => a.as((db) => unfenceWrites(access, db)), ClusterSetRefusedError, "is the primary");
  await promote(sites, LISBON);
  await insert(lisbon, 4);
  await until("the replica follows again", async () => await status(PORTO) === "ok");
  await untilSame(all, 4);
  assertEquals((await writable(porto)).filter(Boolean).length, 0);
});
