/** Bad links, throughput and bonds between real network namespaces. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { IcmpMeasurements } from "../../../interfaces/clients/net/icmp.ts";
import type { SpeedMeasurements } from "../../../interfaces/clients/net/speed.ts";
import { probeOn } from "./hosts.ts";
import { bondsRefused, netemRefused, withBond } from "./kernel.ts";
import { run } from "./machine.ts";
import { type Host, IPV4, IPV6 } from "./network.ts";
import type { Probed } from "./probe.ts";
import { namespacesRefused, networkOfTests, onLink, reasons, results, v4 } from "./world.ts";

const ignore = await namespacesRefused();
const network = networkOfTests(ignore);

const noNetem = ignore || await netemRefused();
const noBond = ignore || await bondsRefused();

Deno.test({
  name: "packet loss and delay by tc netem",
  ignore: noNetem,
  async fn() {
    await probeOn(network, "a", [{ icmp: [v4("b")] }]); // so that both know each other's MAC address
    await onLink(network.namespace("a"), "netem delay 60ms loss 50%", async () => {
      const options = { tries: 40, intervalMs: 20, timeoutMs: 2000 };
      const [strict, lenient] = await probeOn(network, "a", [
        { icmp: [v4("b"), options] },
        { icmp: [v4("b"), { ...options, maxLossPercent: 99 }] },
      ]);
      assertLossAndDelay(strict, lenient);
    });
  },
});

Deno.test({
  name: "packet loss and delay by a slow link with a short queue (tc tbf)",
  ignore,
  async fn() {
    await probeOn(network, "a", [{ icmp: [v4("b")] }]); // so that both know each other's MAC address
    await onLink(network.namespace("b"), "tbf rate 8kbit burst 200 limit 300", async () => {
      const options = { tries: 40, intervalMs: 20, timeoutMs: 2000 };
      const [strict, lenient] = await probeOn(network, "a", [
        { icmp: [v4("b"), options] },
        { icmp: [v4("b"), { ...options, maxLossPercent: 99 }] },
      ]);
      assertLossAndDelay(strict, lenient);
    });
  },
});

function assertLossAndDelay(strict: Probed | undefined, lenient: Probed | undefined): void {
  const [lossy] = results<IcmpMeasurements>(strict, "icmp");
  const { transmitted = 0, received = 0, rttMs } = lossy?.measurements ?? {};
  assert(received > 0 && received < transmitted, `${received} of ${transmitted}`);
  assertEquals(reasons([lossy!]), [`b: ${received}/${transmitted} replies`]);
  console.log(`${received} of ${transmitted} replies on a bad link, the slowest after ${rttMs?.max} ms`);
  assertEquals(reasons(results(lenient, "icmp")), ["b: ok"]);
}

Deno.test({
  name: "iperf3: minimum speed met and missed, servers end by themselves",
  ignore,
  async fn() {
    const port = 5201;
    const [started] = await probeOn(network, "b", [
      { server: { address: IPV4.b, port, lifetimeSeconds: 120, many: true, detached: true } },
      { server: { address: IPV4.b, port, lifetimeSeconds: 120 } },
    ]).then(([first, second]) => {
      assertMatch((second?.server as { message: string }).message, /does not listen on 10.77.0.2 port 5201: .*in use/);
      return [first];
    });
    const { pid } = started?.server as { pid: number };
    const fast = { port, batchSeconds: 1, progression: [1, 2] };
    const [met, missed] = await probeOn(network, "a", [
      { speed: [v4("b"), { ...fast, minSpeed: { percent: 1 }, linkMbit: 1000 }] },
      { speed: [v4("b"), { ...fast, totalSeconds: 1, minSpeed: { mbit: 100_000_000 } }] },
    ]);
    const [good] = results<SpeedMeasurements>(met, "speed");
    assertEquals(reasons([good!]), ["b: ok"]);
    assertEquals(good?.measurements?.minimumMbit, 10);
    assertEquals(good?.measurements?.batches.map(({ streams }) => streams), [1, 2]);
    assertMatch(reasons(results(missed, "speed")).join(), /^b: [\d.]+ of 100000000 Mbit\/s$/);
    await onLink(network.namespace("a"), "tbf rate 20mbit burst 32kb latency 50ms", async () => {
      const once = { ...fast, totalSeconds: 1 };
      const [slow] = await probeOn(network, "a", [
        { speed: [v4("b", "c"), { ...once, minSpeed: { mbit: 50 }, connectTimeoutMs: 5000 }] },
      ]);
      const [capped, noServer] = results<SpeedMeasurements>(slow, "speed");
      assertMatch(reasons([capped!]).join(), /^b: [\d.]+ of 50 Mbit\/s$/);
      console.log(`iperf3 over a link of 20 Mbit/s: ${capped?.measurements?.fastestMbit} Mbit/s`);
      assertMatch(reasons([noServer!]).join(), /^c: iperf3: .*Connection refused$/);
    });
    assertEquals(await isAlive(pid), true, "a detached server outlives the process that started it");
    Deno.kill(pid, "SIGTERM");
    await probeOn(network, "c", [{ server: { address: IPV4.c, lifetimeSeconds: 1, detached: true } }]);
    const [one] = await probeOn(network, "b", [{ server: { address: IPV6.b, lifetimeSeconds: 1 } }]);
    console.log(`a server whose time is a second ended after ${one?.ms} ms`);
    for (const host of ["b", "c"] as const) await until(async () => (await processes(host)) === "");
    console.log(`iperf3: ${good?.measurements?.slowestMbit} Mbit/s unlimited`);
  },
});

Deno.test({
  name: "two clients of one iperf3 server: the second waits until it is free",
  ignore,
  async fn() {
    const server = { address: IPV4.b, port: 5202, lifetimeSeconds: 120, many: true, detached: true };
    const [started] = await probeOn(network, "b", [{ server }]);
    try {
      const speed = [v4("b"), { port: 5202, batchSeconds: 1, totalSeconds: 1, progression: [1] }] as const;
      const both = await Promise.all((["a", "c"] as const).map((host) => probeOn(network, host, [{ speed }])));
      assertEquals(both.map(([probed]) => reasons(results(probed, "speed"))), [["b: ok"], ["b: ok"]]);
    } finally {
      Deno.kill((started?.server as { pid: number }).pid, "SIGTERM");
    }
  },
});

Deno.test({
  name: "a bond that is up and one that has lost a member",
  ignore: noBond,
  async fn() {
    await withBond(network, async (setMember) => {
      await until(async () => (await bondReason()) === "bond0: ok");
      await setMember("down");
      await until(async () => (await bondReason()) === "bond0: m2 down");
    });
  },
});

async function bondReason(): Promise<string> {
  const [probed] = await probeOn(network, "a", [{ link: ["AUTO"] }]);
  return reasons(results(probed, "link")).join();
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert(await condition(), "it does not get there in a minute");
}

/** The process ids on a host, one a line. */
async function processes(host: Host): Promise<string> {
  return (await run("ip", ["netns", "pids", network.namespace(host)])).stdout;
}

async function isAlive(pid: number): Promise<boolean> {
  return (await run("kill", ["-0", `${pid}`])).code === 0;
}
