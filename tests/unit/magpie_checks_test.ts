/** The magpie charm: its options, which peers can be checked, and what results mean. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ValueError } from "../../hooks/errors.ts";
import { checkEach } from "../../interfaces/clients/net/each.ts";
import type { CheckResult } from "../../interfaces/clients/net/result.ts";
import { magpieChecks } from "../../interfaces/magpie/checks.ts";
import { optionsOf } from "../../interfaces/magpie/options.ts";
import { magpie, type Node } from "../../interfaces/magpie/peers.ts";
import { beginMs, longestUnchecked, setAside } from "../../interfaces/magpie/run_checks.ts";
import { sortPeers } from "../../interfaces/magpie/targets.ts";
import { naming } from "../../interfaces/magpie/texts.ts";
import { inTurn } from "../../interfaces/magpie/throughput.ts";
import { detailsOf, digestOf, judge } from "../../interfaces/magpie/verdict.ts";

Deno.test("options: the charm's defaults", () => {
  assertEquals(optionsOf({}), {
    icmp: { tries: 20, intervalMs: 50, timeoutMs: 2000 },
    leaderPings: false,
    dns: { tries: 1, timeoutMs: 5000 },
    hostname: true,
    bonds: "AUTO",
    lacpPassiveMode: false,
    iperf: { seconds: 1, port: 5201, cidr: "", minSpeed: "0" },
    dataDirectory: "/var/lib/charmlet",
  });
});

Deno.test("options: what is switched off is not there", () => {
  const off = {
    check_icmp: false,
    check_dns: false,
    check_local_hostname: false,
    check_bonds: " ",
    check_iperf: false,
  };
  assertEquals(optionsOf({ ...off, ping_tries: -1, dns_tries: -1, iperf_port: -1 }), {
    leaderPings: false,
    hostname: false,
    lacpPassiveMode: false,
    dataDirectory: "/var/lib/charmlet",
  });
  assertEquals(optionsOf({ check_bonds: "bond0, bond1," }).bonds, ["bond0", "bond1"]);
  assertEquals(optionsOf({ required_mtu: 9000 }).requiredMtu, 9000);
  assertEquals(optionsOf({ dns_server: " 10.0.0.2 " }).dns?.server, "10.0.0.2");
});

Deno.test("options: a value that cannot be used is named, with what it must be", () => {
  const refused: readonly (readonly [Parameters<typeof optionsOf>[0], string])[] = [
    [{ ping_tries: 0 }, "ping_tries is a whole number from 1 to 1000"],
    [{ ping_tries: 1000, ping_interval: 1 }, "ping_tries times ping_interval, and ping_timeout, take longer"],
    [{ ping_interval: 0 }, "ping_interval is seconds from 0.002 to 60"],
    [{ ping_interval: NaN }, "ping_interval is seconds"],
    [{ ping_timeout: 0.5 }, "ping_timeout is a whole number"],
    [{ required_mtu: 65_536 }, "required_mtu is a whole number from 0 to 65535"],
    [{ dns_tries: 10, dns_time: 7 }, "dns_tries times dns_time is more than a minute"],
    [{ iperf_duration: 61 }, "iperf_duration is a whole number from 1 to 60"],
    [{ iperf_port: 0 }, "iperf_port is a whole number from 1 to 65535"],
    [{ iperf_listen_cidr: "10.0.0.0/33" }, 'iperf_listen_cidr: "10.0.0.0/33" is no network such as'],
    [{ "data-directory": "var" }, "data-directory is an absolute path"],
    [{ "data-directory": "/var/../etc" }, "data-directory is an absolute path"],
  ];
  for (const [values, message] of refused) {
    assertThrows(() => optionsOf(values), ValueError, `config option ${message}`);
  }
});

const peer = (unit: string, address: string | undefined, problem?: string): Node => ({ unit, address, problem });
const reasons = (nodes: readonly Node[], own: readonly string[]) =>
  sortPeers(nodes, own).unusable.map(({ target, reason }) => `${target}: ${reason}`);

Deno.test("peers: only addresses of another host, of a family that this unit has", () => {
  const nodes = [
    peer("m/1", "10.0.0.1"),
    peer("m/2", undefined, "publishes no private-address"),
    peer("m/3", "fd00::3"),
    peer("m/4", "127.0.0.4"),
    peer("m/5", "10.0.0.9"),
    peer("m/6", "224.0.0.1"),
  ];
  const { targets, loopback } = sortPeers(nodes, ["10.0.0.9"]);
  assertEquals([targets, loopback], [[{ name: "m/1", address: "10.0.0.1" }], false]);
  assertEquals(reasons(nodes, ["10.0.0.9"]), [
    "m/2: unusable: publishes no private-address",
    "m/3: unusable: fd00::3 is IPv6, this unit has IPv4 only",
    "m/4: unusable: 127.0.0.4 is a loopback address",
    "m/5: unusable: 10.0.0.9 is this unit's own address",
    "m/6: unusable: 224.0.0.1 is a multicast address",
  ]);
  const both = sortPeers(nodes, ["10.0.0.9", "fd00::9"]).targets.map(({ name }) => name);
  assertEquals(both, ["m/1", "m/3"], "with an address of both families");
  const unknown = sortPeers(nodes, []).targets.map(({ name }) => name);
  assertEquals(unknown, ["m/1", "m/3", "m/5"], "while Juju knows no own address");
});

Deno.test("peers: units of one machine reach each other by loopback addresses", () => {
  const nodes = [peer("m/1", "127.0.0.1"), peer("m/2", "127.0.0.2"), peer("m/3", "10.0.0.3")];
  const { targets, loopback } = sortPeers(nodes, ["127.0.0.2"]);
  assertEquals([targets.map(({ name }) => name), loopback], [["m/1", "m/3"], true]);
  assertEquals(reasons(nodes, ["10.0.0.9", "127.0.0.1"]).length, 2, "not when a unit has one beside its own");
});

Deno.test("throughput: who was never measured is next, then who waited longest", () => {
  const targets = ["m/1", "m/2", "m/3", "m/4"].map((name) => ({ name, address: "10.0.0.1" }));
  assertEquals(inTurn(targets, ["m/3", "m/1"]).map(({ name }) => name), ["m/2", "m/4", "m/3", "m/1"]);
});

const result = (check: string, target: string, reason?: string): CheckResult<unknown> => ({
  check,
  target,
  ok: reason === undefined,
  ...(reason === undefined ? {} : { reason }),
  measurements: null,
});

Deno.test("verdict: waiting without peers, active when all passes, blocked with the failing pair", () => {
  const well = [result("icmp", "m/1"), result("dns", "m/1"), result("mtu 1500", "m/1"), result("link", "bond0")];
  const bad = [result("icmp", "m/2", "0/3 replies"), ...well];
  const table: readonly (readonly [Parameters<typeof judge>[0], string, string])[] = [
    [{ results: [], pending: [], unchecked: [], peers: 0, notes: [] }, "waiting", "Waiting for peers..."],
    [{ results: [], pending: [], unchecked: [], peers: 2, notes: [] }, "active", "no check is switched on"],
    [
      { results: well, pending: [], unchecked: [], peers: 1, notes: [] },
      "active",
      "icmp ok, dns ok, mtu 1500 ok, link ok, 1 peer",
    ],
    [
      { results: well.slice(0, 1), pending: ["m/1", "m/2", "m/3", "m/4"], unchecked: [], peers: 4, notes: [] },
      "waiting",
      "icmp ok, 4 peers; iperf waits for m/1, m/2, m/3 and 1 more",
    ],
    [{ results: [], pending: ["m/1"], unchecked: [], peers: 1, notes: [] }, "waiting", "1 peer; iperf waits for m/1"],
    [
      { results: well.slice(0, 1), pending: ["m/3"], unchecked: ["m/2"], peers: 3, notes: [] },
      "waiting",
      "icmp ok, 3 peers; not checked yet: m/2; iperf waits for m/3",
    ],
    [
      { results: [], pending: [], unchecked: ["m/1", "m/2"], peers: 2, notes: [] },
      "waiting",
      "2 peers; not checked yet: m/1, m/2",
    ],
    [
      { results: bad, pending: ["m/1"], unchecked: [], peers: 2, notes: [] },
      "blocked",
      "icmp failed: m/2 (0/3 replies), dns ok, mtu 1500 ok, link ok, 2 peers",
    ],
  ];
  for (const [findings, level, line] of table) {
    const verdict = judge(findings);
    assertEquals([verdict.level, verdict.line], [level, line]);
  }
});

Deno.test("deadline: a peer that had no turn is neither well nor failed, and is first next time", async () => {
  const targets = ["m/1", "m/2", "m/3"].map((name, index) => ({ name, address: `10.0.0.${index + 1}` }));
  const { now } = performance;
  let time = 0;
  performance.now = () => time;
  const one = () => Promise.resolve({ measurements: null }).finally(() => time += 2);
  const all = await checkEach("icmp", targets, { concurrency: 1, totalMs: 1 }, one)
    .finally(() => performance.now = now);
  const { results, unchecked } = setAside([...all, result("dns", "m/2", "no PTR record"), result("dns", "m/3")]);
  assertEquals(unchecked, ["m/2", "m/3"]);
  assertEquals(results.map(({ check, target, ok }) => `${check} ${target} ${ok}`), [
    "icmp m/1 true",
    "dns m/2 false",
    "dns m/3 true",
  ]);
  assertEquals(longestUnchecked(targets, unchecked).map(({ name }) => name), ["m/2", "m/3", "m/1"]);
});

Deno.test("deadline: who is begun can be done in time, unless one alone takes longer", () => {
  assertEquals([beginMs(8000, 3000), beginMs(7999.6, 6000), beginMs(8000, 60_000)], [5000, 2000, 1000]);
});

Deno.test("log: the same failing pairs are the same, whatever was measured", async () => {
  const digest = (...results: CheckResult<unknown>[]) => digestOf({ results, notes: [] });
  assertEquals(await digest(result("icmp", "m/1")), "");
  const first = await digest(result("icmp", "m/1", "17/20 replies"));
  assertEquals(await digest(result("icmp", "m/1", "16/20 replies"), result("dns", "m/1")), first);
  assertNotEquals(await digest(result("icmp", "m/2", "17/20 replies")), first);
  assertNotEquals(await digest(result("dns", "m/1", "17/20 replies")), first);
  assertNotEquals(await digestOf({ results: [], notes: ["m/1: iperf_addresses is no list"] }), "");
});

Deno.test("log: many failures are few lines", () => {
  const results = Array.from({ length: 1000 }, (_, n) => result("icmp", `m/${n}`, "0/3 replies"));
  const lines = detailsOf({ results: [result("icmp", "m"), ...results], notes: ["m/1: odd"] });
  assertEquals([lines.length, lines[0], lines.at(-1)], [51, "icmp: m/0: 0/3 replies", "and 951 more"]);
  assertEquals(detailsOf({ results: [{ ...result("icmp", "m/1", "x"), address: "10.0.0.1" }], notes: ["n"] }), [
    "icmp: m/1 (10.0.0.1): x",
    "n",
  ]);
  assertEquals(naming(["a", "b"]), "a, b");
});

Deno.test("hooks: checks run in the hooks that ask for them, no other has a privilege", () => {
  const { on = {}, lifecycle = {}, when, needs } = magpieChecks;
  assertEquals([when, needs], [undefined, undefined]);
  const withNeeds = (handlers: Readonly<Record<string, unknown>>) =>
    Object.keys(handlers).filter((name) => Object.hasOwn(Object(handlers[name]), "needs")).sort();
  assertEquals(withNeeds({ ...on }), ["changed", "departed", "joined"]);
  assertEquals(withNeeds({ ...lifecycle }), ["configChanged", "install", "stop", "updateStatus"]);
  assertEquals([on.broken, lifecycle.upgradeCharm], [magpie.on?.broken, magpie.lifecycle?.upgradeCharm]);
});

Deno.test("hooks that check nothing load no client", async () => {
  const seen = new Set<string>();
  const queue = [new URL("../../interfaces/magpie/checks.ts", import.meta.url)];
  for (const url of queue) {
    if (seen.has(url.href)) continue;
    seen.add(url.href);
    const text = await Deno.readTextFile(url);
    for (const [, target = ""] of text.matchAll(/^(?:import|export)(?! type)[^;]*? from "(\.[^"]+)";/gms)) {
      queue.push(new URL(target, url));
    }
  }
  assert(seen.size > 10, "the walk found the modules");
  assertEquals([...seen].filter((href) => href.includes("/interfaces/clients/")), []);
});
