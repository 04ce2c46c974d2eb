import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ValueError } from "../../hooks/errors.ts";
import { compareAddresses, parseCidr } from "../../interfaces/magpie/cidr.ts";
import { magpiePeers } from "../../interfaces/magpie/peers.ts";
import { type Bag, TestUnit } from "./interface_unit.ts";

const RELATION = { relation: "magpie:0" };

async function joined(units: Record<string, Bag>, iface = "magpie"): Promise<TestUnit> {
  const unit = new TestUnit("peers", "magpie", iface);
  unit.relations["magpie:0"] = { app: "app", units };
  for (const name of Object.keys(units)) await unit.hook("magpie-relation-joined", { ...RELATION, unit: name });
  return unit;
}

Deno.test("magpie: a dismissed join clears the flag and loses no unit", async () => {
  const unit = await joined({
    "app/10": { "private-address": "10.0.0.10" },
    "app/9": { "private-address": "10.0.0.9" },
  });
  const { result, flags } = await unit.hook("update-status", {}, async (ctx) => {
    const peers = magpiePeers(ctx);
    peers.dismissJoined();
    return (await peers.getNodes()).map(({ unit }) => unit);
  });
  assertEquals([result, flags], [["app/9", "app/10"], []]);
  assertEquals((await unit.hook("upgrade-charm")).flags, [], "an upgrade does not raise it again");
  const { units } = unit.relations["magpie:0"]!;
  unit.relations["magpie:0"] = { app: "app", units: { ...units, "app/11": {} } };
  assertEquals((await unit.hook("magpie-relation-joined", { ...RELATION, unit: "app/11" })).flags, ["magpie.joined"]);
});

Deno.test("magpie: a departed unit is known until it is dismissed or joins again", async () => {
  const bag = { "private-address": "10.0.0.1" };
  const unit = await joined({ "app/1": bag });
  unit.relations["magpie:0"] = { app: "app", units: {} };
  unit.gone["magpie:0 app/1"] = bag;
  const departed = await unit.hook("magpie-relation-departed", { ...RELATION, unit: "app/1" });
  assertEquals(departed.flags, ["magpie.departed"]);
  const later = await unit.hook("update-status", {}, async (ctx) => [
    await magpiePeers(ctx).getDepartedNodes(),
    await magpiePeers(ctx).getNodes(),
  ]);
  assertEquals(later.result, [[{ unit: "app/1", address: "10.0.0.1", problem: undefined }], []]);
  unit.relations["magpie:0"] = { app: "app", units: { "app/1": bag } };
  const again = await unit.hook("magpie-relation-joined", { ...RELATION, unit: "app/1" });
  assertEquals(again.flags, ["magpie.joined"]);
  unit.relations["magpie:0"] = { app: "app", units: {} };
  await unit.hook("magpie-relation-departed", { ...RELATION, unit: "app/1" });
  assertEquals((await unit.hook("update-status", {}, (ctx) => magpiePeers(ctx).dismissDeparted())).flags, []);
});

Deno.test("magpie: departed units outlive their relation", async () => {
  const unit = await joined({ "app/1": {} });
  unit.relations["magpie:0"] = { app: "app", units: {} };
  await unit.hook("magpie-relation-departed", { ...RELATION, unit: "app/1" });
  await unit.hook("magpie-relation-broken", RELATION);
  unit.relations = {};
  const { result, flags } = await unit.hook("update-status", {}, (ctx) => magpiePeers(ctx).getDepartedNodes());
  assertEquals(result, [{ unit: "app/1", address: undefined, problem: "publishes no private-address" }]);
  assertEquals(flags, ["magpie.departed"]);
});

Deno.test("magpie: addresses by network, of both families; hostile ones give a reason", async () => {
  const many = JSON.stringify(Array.from({ length: 10_000 }, (_, index) => `172.16.${index >> 8}.${index & 255}`));
  const unit = await joined({
    "app/1": { "private-address": "10.0.0.1", iperf_addresses: '["192.168.1.1", "fd00::1", "fd00::2"]' },
    "app/2": { "private-address": "127.0.0.1;rm -rf /" },
    "app/3": {},
    "app/4": { "private-address": "10.0.0.4", iperf_addresses: "{" },
    "app/5": { "private-address": "host.example", iperf_addresses: '["$(reboot)", 7, null]' },
    "app/6": { "private-address": "10.0.0.6", iperf_addresses: many },
    "app/7": { "private-address": "10.0.0.7", iperf_addresses: '["fd00::1%eth0", "10.0.0.0/8"]' },
  });
  const nodes = async (cidr: string) => {
    const { result } = await unit.hook("update-status", {}, (ctx) => magpiePeers(ctx).getNodes(cidr));
    return result;
  };
  assertEquals((await nodes("fd00::/64")).map(({ address }) => address), [
    "fd00::1",
    undefined,
    undefined,
    "10.0.0.4",
    undefined,
    "10.0.0.6",
    "10.0.0.7",
  ]);
  assertEquals((await nodes("192.168.1.77/16"))[0]?.address, "192.168.1.1", "bits behind the prefix do not count");
  assertEquals(
    (await nodes(""))[1]?.problem,
    'publishes the private-address "127.0.0.1;rm -rf /", which is no IP address',
  );
  for (const cidr of ["10.0.0.0/33", "10.0.0/8", "10.0.0.0/8/8", "x", "fd00::/129", "10.0.0.0/-1"]) {
    await assertRejects(() => nodes(cidr), ValueError, "is no network");
  }
});

Deno.test("magpie2 reads ingress-address only", async () => {
  const unit = await joined({ "app/1": { "private-address": "10.0.0.1", "ingress-address": "10.7.0.1" } }, "magpie2");
  const { result } = await unit.hook("update-status", {}, (ctx) => magpiePeers(ctx).getNodes());
  assertEquals(result[0]?.address, "10.7.0.1");
});

Deno.test("magpie publishes reachable addresses and its markers", async () => {
  const unit = await joined({
    "app/1": { "private-address": "10.0.0.1", "iperf.server": "True", "iperf.checked": "x" },
    "app/2": { "private-address": "10.0.0.2", "iperf.server": "False" },
  });
  const { result } = await unit.hook("update-status", {}, async (ctx) => {
    const peers = magpiePeers(ctx);
    const addresses = ["fe80::1", "fd00::1", "127.0.0.1", "10.0.0.10", "10.0.0.9", "::1", "10.0.0.9", "169.254.1.1"];
    await peers.advertiseAddresses(addresses.map((address) => ({ address })));
    await peers.setIperfServerReady();
    await peers.setIperfServerChecked();
    await peers.setIperfChecked();
    return [await peers.getIperfChecked(), (await peers.checkReadyIperfServers()).map(({ unit }) => unit)];
  });
  assertEquals(result, [["x", null], ["app/1"]]);
  assertEquals(unit.own["magpie:0"], {
    iperf_addresses: '["10.0.0.9", "10.0.0.10", "fd00::1"]',
    "iperf.server": "True",
    "iperf.server.checked": "True",
    "iperf.checked": '["app/1", "app/2"]',
  });
});

Deno.test("networks of IPv6 addresses, with an embedded IPv4 address and a zero prefix", () => {
  assertEquals(parseCidr("::ffff:10.0.0.0/104").contains("::ffff:10.1.2.3"), true);
  assertEquals(parseCidr("::ffff:10.0.0.0/104").contains("10.1.2.3"), false);
  assertEquals(parseCidr("0.0.0.0/0").contains("8.8.8.8"), true);
  assertEquals(parseCidr("10.0.0.5").contains("10.0.0.6"), false);
  assertEquals(["fd00::2", "10.0.0.10", "fd00::1", "10.0.0.9"].sort(compareAddresses), [
    "10.0.0.9",
    "10.0.0.10",
    "fd00::1",
    "fd00::2",
  ]);
  assertThrows(() => compareAddresses("10.0.0.1", "x"), ValueError, '"x" is no IP address');
});
