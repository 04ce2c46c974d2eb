/** The charm that uses etcd, with its hook killed at every hook command and at every request to etcd. */
import { assertGreaterOrEqual } from "@std/assert";
import { join } from "node:path";
import { ensureDebianPackages } from "../../../build/install.ts";
import { killEverywhere, type Round } from "../killed.ts";
import { type Lab, withLab } from "../units.ts";
import { type Cluster, eventually, startCluster } from "./cluster.ts";
import { deployProvider, offerOf, type SimulatedProvider } from "./simulated_provider.ts";

const UNIT = "etcd-client/0";
const PATIENCE_MS = 60_000;

Deno.test({
  name: "a consumer's relation-changed that is killed at any point ends as if it had not been",
  // Deno 2.7.11 keeps a response that arrives at the moment at which its fetch is aborted.
  sanitizeResources: false,
  async fn() {
    await ensureDebianPackages(["strace"]);
    await using cluster = await startCluster(1);
    await eventually("a healthy cluster", PATIENCE_MS, () => cluster.etcdctl("endpoint", "health"));
    await withLab({ server: "etcd" }, async (lab) => {
      await lab.deploy({ charm: "etcd-client", config: { key: "/killed/" } });
      const provider = await deployProvider(lab.model, "etcd", "etcd-client:etcd");
      const report = await killEverywhere({
        hook: "etcd-relation-changed",
        begin: () => begin(lab, provider, cluster),
        report: (point, ms) => console.log(`${point}: ${Math.round(ms)} ms`),
      });
      console.log(`killed ${report.kills} times: ${report.commands} hook commands, ${report.requests} requests`);
      assertGreaterOrEqual(report.requests, 2);
    });
  },
});

/** Takes everything back: the key, and with the offer the files and what the charm remembers. */
async function begin(lab: Lab, provider: SimulatedProvider, cluster: Cluster): Promise<Round> {
  await provider.publish({});
  await cluster.etcdctl("del", "--prefix", "/killed/");
  const files = join(lab.unitDirectory(UNIT), "etcd");
  return {
    lab,
    unit: UNIT,
    act: () => provider.publish(offerOf(cluster)),
    async end() {
      const entries = await Array.fromAsync(Deno.readDir(files));
      const saved = entries.map(({ name }) => [name, Deno.readTextFileSync(join(files, name))]).sort();
      const state = { ...lab.model.world.units[UNIT]?.state };
      const keys = await cluster.etcdctl("get", "--prefix", "--keys-only", "/killed/");
      return { status: lab.statusOf(UNIT), saved, state, keys };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
