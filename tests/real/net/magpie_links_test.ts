/** Units of magpie: throughput between hosts, bad links, bonds, the machine's own name. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { cutOff, deployMagpie, type MagpieUnits } from "./magpie_units.ts";
import { bondsRefused, netemRefused, withBond } from "./kernel.ts";
import { IPV4 } from "./network.ts";
import { namespacesRefused, networkOfTests, onLink } from "./world.ts";

const ignore = await namespacesRefused();
const network = networkOfTests(ignore);
const noNetem = ignore || await netemRefused();
const noBond = ignore || await bondsRefused();

Deno.test({
  name: "magpie: the leader measures throughput to every unit once; a minimum speed that a link misses",
  ignore,
  async fn() {
    await using units = await deployMagpie(network, { config: { check_iperf: true } });
    const { lab } = units;
    lab.model.setLeader("magpie/0");
    const well = "active: icmp ok, 2 peers";
    await units.until("active: icmp ok, speed ok, 2 peers", well, well);
    for (const unit of ["magpie/0", "magpie/1", "magpie/2"]) {
      assert(lab.serverPid(unit) !== undefined, `${unit} runs a server`);
      assertEquals(units.bag(unit)["iperf.server"], "True");
    }
    assertEquals(units.bag("magpie/0")["iperf.checked"], '["magpie/1", "magpie/2"]');
    const speeds = () => units.log("magpie/0").filter((line) => /^speed: .* Mbit\/s$/.test(line));
    const measured = speeds();
    assertEquals(measured.length, 2, units.log("magpie/0").join("\n"));
    assertMatch(measured[0] ?? "", /^speed: magpie\/\d \(10\.77\.0\.\d\): [\d.]+ Mbit\/s$/);
    await units.check();
    assertEquals(speeds(), measured, "each once");
    console.log(`magpie, iperf3 in hooks: ${measured.join("; ")}`);
    await onLink(network.namespace("a"), "tbf rate 20mbit burst 32kb latency 50ms", async () => {
      await units.configure({ min_speed: "50" });
      const slow =
        /^blocked: speed failed: magpie\/\d \([\d.]+ of 50 Mbit\/s\), magpie\/\d \([\d.]+ of 50 Mbit\/s\), icmp ok/;
      await units.until(slow, well, well);
    });
    await units.configure({ min_speed: "fast" });
    await units.until(
      /^blocked: speed failed: magpie\/0 \(the minimum speed "fast" is neither Mbit\/s such as/,
      well,
      well,
    );
    // A veth link says that it has 10 Gbit/s.
    await units.configure({ min_speed: "1%" });
    await units.until("active: icmp ok, speed ok, 2 peers", well, well);
    await restarts(units);
    await units.configure({ check_iperf: false });
    await units.until(well, well, well);
    for (const unit of ["magpie/0", "magpie/1", "magpie/2"]) {
      assertEquals([lab.serverPid(unit), units.bag(unit)["iperf.server"]], [undefined, undefined]);
    }
  },
});

/** A server that was killed runs again after the next hook; one whose port is taken says so. */
async function restarts(units: MagpieUnits): Promise<void> {
  const { lab } = units;
  const first = lab.serverPid("magpie/1");
  await lab.killServer("magpie/1");
  await lab.settleUntil("a killed server to run again", () => {
    const second = lab.serverPid("magpie/1");
    return second !== undefined && second !== first;
  });
  const listener = new Deno.Command("ip", {
    args: ["netns", "exec", network.namespace("b"), "iperf3", "-s", "-B", IPV4.b, "-p", "5299", "--forceflush"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  try {
    const reader = listener.stdout.pipeThrough(new TextDecoderStream()).getReader();
    for (let said = ""; !said.includes("Server listening");) said += (await reader.read()).value ?? "";
    await reader.cancel();
    await units.configure({ iperf_port: 5299 });
    await units.until(/./, /^blocked: iperf server failed: magpie\/1 \(port 5299 of 10\.77\.0\.2 is in use: /, /./);
  } finally {
    listener.kill("SIGTERM");
    await listener.status;
  }
  await units.until("active: icmp ok, speed ok, 2 peers", ...Array(2).fill("active: icmp ok, 2 peers"));
}

Deno.test({
  name: "magpie: the action iperf, with progress, a minimum, and a unit that cannot be reached",
  ignore,
  async fn() {
    const network77 = { check_iperf: true, iperf_listen_cidr: "10.77.0.0/24" };
    await using units = await deployMagpie(network, { config: { ...network77, check_icmp: false } });
    const { model } = units.lab;
    await units.lab.settleUntil(
      "all servers to listen",
      () => ["magpie/0", "magpie/1", "magpie/2"].every((unit) => units.bag(unit)["iperf.server"] === "True"),
    );
    assertEquals(units.bag("magpie/1").iperf_addresses?.includes(IPV4.b), true);
    const params = { "batch-time": 1, "total-run-time": 2, "concurrency-progression": "1 2" };
    const good = await model.run("magpie/0", "iperf", { ...params, "min-speed": "1" });
    assertEquals([good.status, good.results.summary], ["completed", "speed ok, 2 peers"], good.message);
    assertMatch(JSON.stringify(good.results.units), /"magpie-1":"ok, [\d.]+ to [\d.]+ Mbit\/s"/);
    assertEquals(good.log.length, 5, good.log.join("\n"));
    assertMatch(good.log[1] ?? "", /magpie\/1: [\d.]+ Mbit\/s with 1 stream$/);
    assertMatch(good.log[2] ?? "", /magpie\/1: [\d.]+ Mbit\/s with 2 streams$/);
    const slow = await model.run("magpie/0", "iperf", { ...params, units: "magpie/1", "min-speed": "100000000" });
    assertMatch(slow.message, /^speed failed: magpie\/1 \([\d.]+ of 100000000 Mbit\/s\), 1 peer$/);
    for (const [name, value, message] of REFUSED) {
      const refused = await model.run("magpie/0", "iperf", { ...params, [name]: value });
      assertEquals([refused.status, refused.message], ["failed", message]);
    }
    await cutOff(network, "c", async () => {
      const away = await model.run("magpie/0", "iperf", { ...params, "total-run-time": 1, "batch-time": 1 });
      assertMatch(away.message, /^speed failed: magpie\/2 \(iperf3: .*\), 2 peers$/);
    });
    await units.configure({ check_iperf: false });
    const none = await model.run("magpie/0", "iperf", { ...params, units: "magpie/1" });
    assertMatch(none.message, /^speed failed: magpie\/1 \(runs no iperf server: set check_iperf=true/);
    console.log(`magpie, action iperf: ${good.log.slice(1).map((line) => /magpie\/.*/.exec(line)?.[0]).join("; ")}`);
  },
});

const REFUSED = [
  ["min-speed", "fast", 'the minimum speed "fast" is neither Mbit/s such as 1000 nor such as 80%'],
  ["concurrency-progression", "2 x", 'the concurrency progression "2 x" is no list of numbers such as 2 4 8'],
  ["batch-time", 0, "batchSeconds is 0: give a whole number from 1 to 3600"],
] as const;

Deno.test({
  name: "magpie: packet loss and delay, by a slow link with a short queue (tc tbf)",
  ignore,
  fn: () => assertLoss("tbf rate 8kbit burst 200 limit 300"),
});

Deno.test({
  name: "magpie: packet loss and delay by tc netem",
  ignore: noNetem,
  fn: () => assertLoss("netem delay 60ms loss 50%"),
});

/** The link of unit 1 is bad: it and all others say so. */
async function assertLoss(discipline: string): Promise<void> {
  await using units = await deployMagpie(network);
  const well = "active: icmp ok, 2 peers";
  await units.until(well, well, well);
  await onLink(network.namespace("b"), discipline, async () => {
    await units.configure({ ping_tries: 40, ping_interval: 0.02, ping_timeout: 1 });
    const lost = /^blocked: icmp failed: magpie\/1 \(\d+\/40 replies.*\), 2 peers$/;
    await units.until(lost, /^blocked: icmp failed: magpie\/0 \(\d+\/40 replies/, lost);
    const slow = await units.lab.model.run("magpie/0", "ping", { units: "magpie/1", tries: 40, interval: 0.02 });
    assertEquals(slow.status, "failed", slow.message);
    const [{ measurements }] = JSON.parse(String(slow.results.output));
    assert(measurements.received < measurements.transmitted, slow.message);
  });
  await units.configure({ ping_timeout: 5 });
  await units.until(well, well, well);
}

Deno.test({
  name: "magpie: a bond that is whole and one that has lost a member",
  ignore: noBond,
  async fn() {
    await withBond(network, async (setMember) => {
      await using units = await deployMagpie(network, { units: 2, config: { check_bonds: "AUTO" } });
      await units.lab.settleUntil(
        "a bond that is up",
        () => units.statuses()[0] === "active: icmp ok, link ok, 1 peer",
      );
      await setMember("down");
      const degraded = "blocked: link failed: bond0 (m2 down), icmp ok, 1 peer";
      await units.lab.settleUntil("a bond that is degraded", () => units.statuses()[0] === degraded);
      await units.until(degraded, "active: icmp ok, 1 peer");
      const info = await units.lab.model.run("magpie/0", "info");
      assertEquals([info.status, info.message], ["failed", "link failed: bond0 (m2 down), 1 peer"]);
    });
  },
});

Deno.test({
  name: "magpie: a bond that is not there, and a machine that cannot resolve its own name",
  ignore,
  async fn() {
    const directory = `/etc/netns/${network.namespace("a")}`;
    await Deno.mkdir(directory, { recursive: true });
    await Deno.writeTextFile(`${directory}/resolv.conf`, `nameserver ${IPV4.c}\noptions timeout:1 attempts:1\n`);
    await Deno.writeTextFile(`${directory}/hosts`, `127.0.0.1 localhost\n10.77.0.1 ${Deno.hostname()}\n`);
    await using units = await deployMagpie(network, { units: 2, config: { check_bonds: "bond7, bond8" } });
    const missing = "blocked: link failed: bond7 (missing), bond8 (missing), icmp ok, 1 peer";
    await units.until(missing, missing);
    await units.configure({ check_bonds: "../../etc" });
    await units.until(/link failed: magpie\/0 \("..\/..\/etc" is no name of a network interface\)/, /./);
    await units.configure({ check_bonds: "", check_local_hostname: true });
    await units.until("active: icmp ok, hostname ok, 1 peer", /./);
    await Deno.writeTextFile(`${directory}/hosts`, "127.0.0.1 localhost\n");
    await units.until(/^blocked: hostname failed: \S+ \((does not resolve|no answer in 5000 ms)\), icmp/, /./);
  },
});
