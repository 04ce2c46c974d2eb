/** The checker of the scenarios notices what must not happen. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { openEtcd } from "../../../interfaces/clients/etcd/client.ts";
import { eventually, startCluster } from "./cluster.ts";
import { assertNothingLost, startWriter } from "./scenario_writer.ts";

const PATIENCE_MS = 60_000;

Deno.test({
  name: "a write that is gone is noticed by the checker, and by the reads",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await using cluster = await startCluster(1);
    await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
    const access = {
      endpoints: cluster.connectionString,
      tls: { ca: cluster.authority.cert, cert: cluster.client.cert, key: cluster.client.key },
    };
    await using honest = startWriter(() => access, "honest/");
    await using betrayed = startWriter(() => access, "betrayed/");
    await eventually("writes", PATIENCE_MS, () => {
      return Promise.resolve(honest.acknowledged() > 10 && betrayed.acknowledged() > 10);
    });
    using etcd = openEtcd(access);
    await etcd.kv.delete("betrayed/000002");
    const before = betrayed.acknowledged();
    await eventually("more writes", PATIENCE_MS, () => Promise.resolve(betrayed.acknowledged() > before + 10));
    assertNothingLost(await honest.report());
    const report = await betrayed.report();
    assertEquals(report.lost, [2]);
    assert(report.backwards.length > 0);
    assertThrows(() => assertNothingLost(report));
  },
});
