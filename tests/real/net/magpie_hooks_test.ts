/** Units of magpie in network namespaces: what their hooks find, and what they say. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { IPV4 } from "./network.ts";
import { cutOff, deployMagpie, startNames } from "./magpie_units.ts";
import { ip } from "./machine.ts";
import { namespacesRefused, networkOfTests } from "./world.ts";

const ignore = await namespacesRefused();
const network = networkOfTests(ignore);

const DNS = { check_dns: true, dns_server: IPV4.b, dns_time: 3, dns_tries: 2 };

Deno.test({
  name: "magpie: all units reach each other; one is cut off and comes back; the log has each change once",
  ignore,
  async fn() {
    await using _names = await startNames(network);
    await using units = await deployMagpie(network, { config: { ...DNS, required_mtu: 9000 } });
    const well = "active: icmp ok, mtu 9000 ok, dns ok, 2 peers";
    await units.until(well, well, well);
    const lines = units.log("magpie/0").length;
    await units.check();
    assertEquals(units.log("magpie/0", lines), [], "a run that finds nothing new says nothing");
    const before = units.runs("magpie/0", "update-status").length;
    await cutOff(network, "c", async () => {
      await units.check();
      const cut =
        /^blocked: icmp failed: magpie\/2 \(0\/3 replies.*\), mtu 9000 failed: magpie\/2 \(.*\), dns ok, 2 peers$/;
      await units.until(cut, cut, /^blocked: icmp failed: magpie\/0 \(0\/3 replies.*\), magpie\/1 \(0\/3 /);
      const said = units.log("magpie/0", lines);
      assertMatch(said.join("\n"), /^icmp: magpie\/2 \(10\.77\.0\.3\): 0\/3 replies.*\nmtu 9000: magpie\/2 .*/m);
      await units.check();
      await units.until(cut, cut, /^blocked: icmp failed: /);
      assertEquals(units.log("magpie/0", lines), said, "the same failure is not logged again");
    });
    await units.check();
    await units.until(well, well, well);
    assertEquals(units.log("magpie/0", lines).at(-1), "all checks pass again: icmp ok, mtu 9000 ok, dns ok, 2 peers");
    const took = units.runs("magpie/0", "update-status").slice(before).map(({ start, end }) => Math.round(end - start));
    console.log(`magpie hooks, 3 packets of 50 ms, cut off, and in the end well: ${took.join(", ")} ms`);
  },
});

Deno.test({
  name: "magpie: a link with MTU 1400 where 9000 are required, found by both its ends",
  ignore,
  async fn() {
    await ip(`-n ${network.namespace("switch")} link set to-c mtu 1400`);
    try {
      await using units = await deployMagpie(network);
      await units.configure({ required_mtu: 9000 });
      const small = "blocked: mtu 9000 failed: magpie/2 (path MTU 1400), icmp ok, 2 peers";
      // A bridge lets frames in that have a VLAN's tag on top.
      await units.until(
        small,
        small,
        /^blocked: mtu 9000 failed: magpie\/0 \(path MTU 140[04]\), magpie\/1 \(path MTU 140/,
      );
      await units.configure({ required_mtu: 1400 });
      await units.until(...Array(3).fill("active: icmp ok, mtu 1400 ok, 2 peers"));
    } finally {
      await ip(`-n ${network.namespace("switch")} link set to-c mtu 9000`);
    }
  },
});

Deno.test({
  name: "magpie: reverse DNS missing and wrong, a server that is down, and one that is no address",
  ignore,
  async fn() {
    const ptr = (last: number, name: string) => `--ptr-record=${last}.0.77.10.in-addr.arpa,${name}`;
    await using _names = await startNames(network, [ptr(21, "b.test")]);
    await using units = await deployMagpie(network, { units: 2, config: { ...DNS, check_icmp: false } });
    await units.until("active: dns ok, 1 peer", "active: dns ok, 1 peer");
    units.publish("magpie/1", { "private-address": "10.77.0.20" });
    await units.check();
    await units.until("blocked: dns failed: magpie/1 (reverse: no PTR record), 1 peer", "active: dns ok, 1 peer");
    units.publish("magpie/1", { "private-address": "10.77.0.21" });
    await units.check();
    await units.until("blocked: dns failed: magpie/1 (forward of b.test is 10.77.0.2), 1 peer", /^active/);
    await units.configure({ dns_server: IPV4.c, dns_time: 1, dns_tries: 1 });
    await units.until(
      /^blocked: dns failed: magpie\/1 \(reverse: no answer in 1000 ms\)/,
      /^blocked: dns failed: magpie\/0/,
    );
    await units.configure({ dns_server: "$(reboot)" });
    await units.until(
      'blocked: dns failed: magpie/0 (the DNS server "$(reboot)" is no IP address: give its IP address), 1 peer',
      /^blocked/,
    );
  },
});

Deno.test({
  name: "magpie2 over IPv6, with its actions; an application that shrinks and goes",
  ignore,
  async fn() {
    await using units = await deployMagpie(network, {
      interface: "magpie2",
      ipv6: true,
      config: { required_mtu: 1500 },
    });
    await units.until(...Array(3).fill("active: icmp ok, mtu 1500 ok, 2 peers"));
    const { model } = units.lab;
    const ping = await model.run("magpie/0", "ping", { units: "magpie/2", tries: 2, timeout: 5, "required-mtu": 9000 });
    assertEquals([ping.status, ping.results.summary], ["completed", "icmp ok, mtu 9000 ok, 1 peer"], ping.message);
    for (const key of ["private-address", "ingress-address"]) assertEquals(units.bag("magpie/1")[key], "fd77::2");
    units.publish("magpie/1", { "private-address": "fd77::2" });
    await units.check();
    await units.until(
      "blocked: address failed: magpie/1 (unusable: publishes no ingress-address), icmp ok, mtu 1500 ok, 2 peers",
      /^active/,
      /^blocked/,
    );
    model.removeUnit("magpie/1");
    await model.settle();
    await units.until(...Array(2).fill("active: icmp ok, mtu 1500 ok, 1 peer"));
    model.removeUnit("magpie/2");
    await model.settle();
    await units.until("waiting: Waiting for peers...");
    const alone = await model.run("magpie/0", "ping");
    assertEquals([alone.status, alone.message], ["failed", "this unit has no peers: add units to the application"]);
    model.removeApplication("magpie");
    await model.settle();
    assertEquals(units.statuses(), []);
    assert(model.timeline.every(({ outcome }) => outcome === "done" || outcome === "skipped"));
  },
});

Deno.test({
  name: "magpie: actions ping, dns and info say which unit fails and why",
  ignore,
  async fn() {
    await using _names = await startNames(network);
    await using units = await deployMagpie(network, { config: DNS });
    const { model } = units.lab;
    const dns = await model.run("magpie/1", "dns", { server: IPV4.b, tries: 2 });
    assertEquals([dns.status, dns.results.summary], ["completed", "dns ok, 2 peers"], dns.message);
    assertEquals(dns.results.units, { "magpie-0": "a.test", "magpie-2": "c.test" });
    assertEquals(JSON.parse(String(dns.results.output)).length, 2);
    assertEquals(dns.log.map((line) => line.replace(/^.*asking/, "asking")), ["asking 10.77.0.2 about 2 peers"]);
    await cutOff(network, "c", async () => {
      const ping = await model.run("magpie/0", "ping", { tries: 2, timeout: 5 });
      assertEquals(ping.status, "failed");
      assertMatch(ping.message, /^icmp failed: magpie\/2 \(0\/2 replies.*\), 2 peers$/);
      assertEquals([ping.results.failed, ping.results.peers], ["magpie/2", "2"]);
      assertMatch(JSON.stringify(ping.results.units), /"magpie-1":"ok, [\d.]+ ms","magpie-2":"icmp: 0\/2 replies/);
    });
    const unknown = await model.run("magpie/0", "ping", { units: "magpie/1 magpie/9 ;reboot" });
    assertEquals(unknown.message, "no peer is called magpie/9, ;reboot; the peers are magpie/1, magpie/2");
    const bad = await model.run("magpie/0", "ping", { tries: 0 });
    assertEquals([bad.status, bad.message], ["failed", "tries is 0: give a whole number from 1 to 1000"]);
    const info = await model.run("magpie/0", "info", { "required-mtu": 9000 });
    assertEquals([info.status, info.results.summary, info.results.interface, info.results.mtu], [
      "completed",
      "link ok, 2 peers",
      "eth0",
      "9000",
    ], info.message);
    const told = JSON.parse(String(info.results.output));
    assertEquals([told.unit, told.peers.length], ["magpie/0", 2]);
    assert(told.links.some(({ name }: { name: string }) => name === "eth0"));
    const small = await model.run("magpie/0", "info", { "required-mtu": 1500, "bonds-to-check": "bond7" });
    assertEquals(small.message, "link failed: eth0 (MTU 9000, not 1500), bond7 (missing), 2 peers");
  },
});
