/** Units of magpie whose peers publish what cannot be used, leave in the middle of a check, or are fifty. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { cutOff, deployMagpie, type MagpieUnits } from "./magpie_units.ts";
import { startDns } from "./hosts.ts";
import { ip } from "./machine.ts";
import { IPV4 } from "./network.ts";
import { namespacesRefused, networkOfTests } from "./world.ts";

const ignore = await namespacesRefused();
const network = networkOfTests(ignore);

Deno.test({
  name: "magpie: whatever a peer publishes, it is that peer's failure, and nothing of it is run",
  ignore,
  async fn() {
    const canaries = await Deno.makeTempDir({ prefix: "charmlet-canary-" });
    const touch = `touch ${join(canaries, "run")}`;
    await using units = await deployMagpie(network, { units: 1, config: { check_icmp: false } });
    const published: readonly (readonly [Record<string, string>, string])[] = [
      [{}, "publishes no private-address"],
      [{ "private-address": "" }, "publishes no private-address"],
      [{ "private-address": `127.0.0.1;${touch}` }, "which is no IP address"],
      [{ "private-address": `$(${touch})` }, "which is no IP address"],
      [{ "private-address": "-f" }, "which is no IP address"],
      [{ "private-address": "b.test" }, "which is no IP address"],
      [{ "private-address": "10.77.0.2/24" }, "which is no IP address"],
      [{ "private-address": "\u0000\u001b[31m\n\n" }, "which is no IP address"],
      [{ "private-address": "9".repeat(100_000) }, "publishes no private-address"],
      [{ "private-address": "fd77::2" }, "fd77::2 is IPv6, this unit has IPv4 only"],
      [{ "private-address": IPV4.a }, "10.77.0.1 is this unit's own address"],
      [{ "private-address": "127.0.0.1" }, "127.0.0.1 is a loopback address"],
      [{ "private-address": "255.255.255.255" }, "255.255.255.255 is a reserved address"],
    ];
    units.addSilent(published.map((_, index) => `10.77.0.${100 + index}`));
    for (const [index, [values]] of published.entries()) units.publish(`magpie/${index + 1}`, values);
    units.addSilent([IPV4.b]);
    const good = `magpie/${published.length + 1}`;
    await units.lab.model.settle();
    const begun = units.log("magpie/0").length;
    await units.configure({ check_icmp: true });
    await units.until(
      /^blocked: address failed: magpie\/1 \(unusable: publishes no private-address\), magpie\/2 \(unusable: /,
      ...Array(14).fill(/./),
    );
    const said = units.log("magpie/0", begun);
    for (const [index, [, reason]] of published.entries()) {
      const lines = said.filter((line) => line.startsWith(`address: magpie/${index + 1}: unusable: `));
      assert(lines.some((line) => line.includes(reason)), `magpie/${index + 1}: ${lines.join("\n")}`);
      assert(lines.every((line) => line.length < 200 && !/\p{Cc}/u.test(line)), lines.join("\n"));
    }
    assertEquals(said.filter((line) => line.includes(`${good} `)), []);
    for (const name of ["ping", "dns"]) {
      const params = name === "dns" ? { server: IPV4.c, timeout: 1 } : { tries: 1, timeout: 1 };
      const task = await units.lab.model.run("magpie/0", name, params);
      assertMatch(task.message, /address failed: magpie\/1 \(unusable: /);
      assertEquals(JSON.parse(String(task.results.output)).length, 14);
    }
    assertEquals([...Deno.readDirSync(canaries)], [], "nothing was run");
    await Deno.remove(canaries);
  },
});

Deno.test({
  name: "magpie: ten thousand addresses and a network that cannot be read",
  ignore,
  async fn() {
    await using units = await deployMagpie(network, { units: 1 });
    units.addSilent([IPV4.b, IPV4.c]);
    const many = Array.from({ length: 10_000 }, (_, n) => `10.9.${n >> 8}.${n & 255}`);
    units.publish("magpie/1", { "private-address": IPV4.b, iperf_addresses: JSON.stringify(many) });
    units.publish("magpie/2", { "private-address": IPV4.c, iperf_addresses: `["10.9.0.0/33", 7, {}]` });
    await units.check();
    await units.until("active: icmp ok, 2 peers", /./, /./);
    const config = { check_iperf: true, iperf_listen_cidr: "10.9.0.0/33" };
    await units.configure(config);
    await units.until(
      'blocked: config option iperf_listen_cidr: "10.9.0.0/33" is no network such as 10.0.0.0/8 or fd00::/64',
      /./,
      /./,
    );
    await units.configure({ iperf_listen_cidr: "10.9.0.0/16" });
    await units.until(/^blocked: iperf server failed: magpie\/0 \(no address in 10\.9\.0\.0\/16\)/, /./, /./);
  },
});

Deno.test({
  name: "magpie: a unit that leaves while it is pinged, and a host that goes with it",
  ignore,
  async fn() {
    await using units = await deployMagpie(network);
    const { model } = units.lab;
    model.setConfig("magpie", { ping_tries: 40, ping_interval: 0.1 });
    const settled = model.settle();
    await units.lab.waitFor("a hook that pings", () => pingsOn("a"));
    await cutOff(network, "c", async () => {
      model.removeUnit("magpie/2");
      await settled;
      await model.settle();
    });
    await units.until("active: icmp ok, 1 peer", "active: icmp ok, 1 peer");
    assert(model.timeline.every(({ outcome }) => outcome === "done" || outcome === "skipped"));
  },
});

async function pingsOn(host: "a"): Promise<boolean> {
  const { stdout } = await new Deno.Command("ip", { args: ["netns", "pids", network.namespace(host)] }).output();
  const pids = new TextDecoder().decode(stdout).split("\n").filter((pid) => pid !== "");
  const names = await Promise.all(pids.map((pid) => Deno.readTextFile(`/proc/${pid}/comm`).catch(() => "")));
  return names.some((name) => name.trim() === "ping");
}

Deno.test({
  name: "magpie: fifty peers by ICMP and DNS in one hook",
  ignore,
  async fn() {
    const addresses = Array.from({ length: 50 }, (_, n) => `10.77.0.${100 + n}`);
    for (const address of addresses) await ip(`-n ${network.namespace("b")} addr add ${address}/32 dev lo`);
    const records = addresses.map((address, n) => `--host-record=p${n}.test,${address}`);
    await using _dns = await startDns(network, "b", IPV4.b, records);
    // Only the hook that is measured checks anything: a hundred hooks let the peers join.
    await using units = await deployMagpie(network, { units: 1, config: { check_icmp: false } });
    units.addSilent(addresses.slice(0, 1));
    await units.lab.model.settle();
    const config = { check_icmp: true, check_dns: true, dns_server: IPV4.b, ping_tries: 20, ping_interval: 0.05 };
    await units.configure({ ...config, check_dns: false });
    const ping = await hookMs(units);
    await units.configure({ ...config, check_icmp: false });
    const dns = await hookMs(units);
    await units.configure({ check_icmp: false, check_dns: false });
    const nothing = await hookMs(units);
    await units.until("active: no check is switched on", /./);
    units.addSilent(addresses.slice(1));
    await units.lab.model.settle();
    await units.configure(config);
    const all = ["active: icmp ok, dns ok, 50 peers", ...addresses.map(() => /./)];
    await units.until(...all);
    const fifty = await hookMs(units);
    await units.until(...all);
    const slowest = Math.max(ping, dns);
    console.log(
      `magpie, whole hooks: 1 peer ICMP ${ping} ms, DNS ${dns} ms, nothing to check ${nothing} ms; ` +
        `50 peers both ${fifty} ms, ${(fifty / slowest).toFixed(2)} × the slowest single check`,
    );
  },
});

/** The whole time of a hook, from the start of its process to its end: the median of three. */
async function hookMs(units: MagpieUnits): Promise<number> {
  for (let run = 0; run < 3; run++) await units.check();
  const times = units.runs("magpie/0", "update-status").slice(-3).map(({ start, end }) => Math.round(end - start));
  return times.sort((a, b) => a - b)[1] ?? NaN;
}
