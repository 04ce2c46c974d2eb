/** Addresses, names and numbers that network checks are given; targets in parallel. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import { checkDns } from "../../interfaces/clients/net/dns.ts";
import { checkEach, mapLimited } from "../../interfaces/clients/net/each.ts";
import { checkIcmp } from "../../interfaces/clients/net/icmp.ts";
import { startIperfServer } from "../../interfaces/clients/net/iperf_server.ts";
import { readLinks } from "../../interfaces/clients/net/link.ts";
import { lookupAddresses, reverseName } from "../../interfaces/clients/net/lookup.ts";
import { checkMtu } from "../../interfaces/clients/net/mtu.ts";
import { checkSpeed } from "../../interfaces/clients/net/speed.ts";
import { isHostName, isInterfaceName, readAddress, sameAddress, show } from "../../interfaces/clients/net/validate.ts";

const HOSTILE = [
  "127.0.0.1;rm -rf /",
  "-f",
  "--help",
  "$(reboot)",
  "`id`",
  "10.0.0.1\n10.0.0.2",
  "10.0.0.1 10.0.0.2",
  "10.0.0.256",
  "010.0.0.1",
  "10.0.0",
  "10.0.0.0/8",
  "host.example",
  "",
  "fe80::1%eth0",
  "::ffff:10.0.0.1",
  "0.0.0.0",
  "::",
  "255.255.255.255",
  "224.0.0.1",
  "ff02::1",
  "127.0.0.1",
  "::1",
  "x".repeat(100_000),
];

Deno.test("an address of one host is accepted in every spelling", () => {
  for (const address of ["10.0.0.1", "192.168.255.254"]) assertEquals(readAddress(address), { address, family: 4 });
  for (const address of ["fd00::1", "FE80::1", "2001:db8:0:0:0:0:0:1"]) {
    assertEquals(readAddress(address), { address, family: 6 });
  }
  assertEquals(readAddress("::1", { loopback: true }), { address: "::1", family: 6 });
});

Deno.test("everything else is unusable with a short reason without control characters", () => {
  for (const value of HOSTILE) {
    const read = readAddress(value);
    assert("unusable" in read, value);
    assert(read.unusable.length < 90 && !/\p{Cc}/u.test(read.unusable), read.unusable);
  }
  assertEquals(readAddress("fd00::1", { family: 4 }), { unusable: "fd00::1 is IPv6, IPv4 is wanted" });
  assertEquals(readAddress("127.0.0.1"), { unusable: "127.0.0.1 is a loopback address" });
});

Deno.test("hostile peers become unusable results of every check; no program and no server is asked", async () => {
  const targets = HOSTILE.map((address, index) => ({ name: `magpie/${index}`, address }));
  const checked = [
    ...await checkIcmp(targets),
    ...await checkMtu(targets, { requiredMtu: 1500 }),
    ...await checkDns(targets),
    ...await checkSpeed(targets, { port: 5201 }),
  ];
  assertEquals(checked.length, 4 * HOSTILE.length);
  for (const { ok, reason, measurements, address } of checked) {
    assertEquals([ok, measurements, address], [false, null, undefined]);
    assertStringIncludes(reason ?? "", "unusable: ");
  }
});

Deno.test("options out of bounds are refused before anything is sent", async () => {
  const targets = [{ name: "magpie/1", address: "192.0.2.1" }];
  const refused = [
    () => checkIcmp(targets, { tries: 0 }),
    () => checkIcmp(targets, { intervalMs: NaN }),
    () => checkMtu(targets, { requiredMtu: 70_000 }),
    () => checkDns(targets, { server: "-h" }),
    () => checkDns(targets, { server: "10.0.0.1", port: 65_536 }),
    () => checkSpeed(targets, { port: 0 }),
    () => checkSpeed(targets, { port: 5201, progression: [] }),
    () => checkSpeed(targets, { port: 5201, minSpeed: { percent: 80 }, linkMbit: null }),
    () => startIperfServer({ address: "0.0.0.0", lifetimeSeconds: 1 }),
    () => readLinks(["../../etc/passwd"]),
    () => readLinks(["-r"]),
  ];
  for (const call of refused) await assertRejects(async () => await call(), InputError);
});

Deno.test("names of hosts and interfaces", async () => {
  for (const name of ["a.example", "a.example.", "_srv.a-b.example", "x1"]) assert(isHostName(name), name);
  for (
    const name of [
      "",
      ".",
      "a..b",
      "-a.example",
      "a b",
      "10.0.0.1",
      "a;b",
      "é.example",
      "x".repeat(64),
      "a.".repeat(130),
    ]
  ) {
    assert(!isHostName(name), name);
  }
  for (const name of ["eth0", "bond0.100", "veth-a", "br@x"]) assert(isInterfaceName(name), name);
  for (const name of ["", ".", "..", "a/b", "a:b", "-a", "a b", "sixteen-letters-"]) {
    assert(!isInterfaceName(name), name);
  }
  assertEquals(await lookupAddresses("a;b", "A"), { values: [], reason: 'unusable: "a;b" is no host name' });
});

Deno.test("addresses are compared by value and reversed for PTR", () => {
  assert(sameAddress("fd00:0::1", "FD00::0001"));
  assert(!sameAddress("fd00::1", "fd00::2") && !sameAddress("10.0.0.1", "::1"));
  assertEquals(reverseName("10.0.0.1"), "1.0.0.10.in-addr.arpa.");
  assertEquals(reverseName("2001:db8::1"), `1.${"0.".repeat(23)}8.b.d.0.1.0.0.2.ip6.arpa.`);
  assertEquals(show(`a\u0007"${"b".repeat(60)}`), `"a?\\"${"b".repeat(37)}…"`);
});

Deno.test("targets keep their order, no more than allowed at a time", async () => {
  let running = 0;
  let most = 0;
  const doubled = await mapLimited([5, 4, 3, 2, 1], 2, async (value) => {
    most = Math.max(most, ++running);
    for (let turn = 0; turn < value; turn++) await Promise.resolve();
    running--;
    return 2 * value;
  });
  assertEquals([doubled, most], [[10, 8, 6, 4, 2], 2]);
});

Deno.test("a failure of the whole check is thrown after what was under way has ended", async () => {
  const ended: number[] = [];
  const check = mapLimited([1, 2, 3, 4], 2, async (value) => {
    if (value === 1) throw new InputError("broken");
    await Promise.resolve();
    ended.push(value);
  });
  await assertRejects(() => check, InputError, "broken");
  assertEquals(ended, [2]);
});

Deno.test("targets beyond the total time are reported, not begun", async () => {
  const targets = [1, 2, 3].map((n) => ({ name: `magpie/${n}`, address: `10.0.0.${n}` }));
  const realNow = performance.now;
  let clock = 0;
  performance.now = () => clock;
  try {
    const results = await checkEach("icmp", targets, { concurrency: 1, totalMs: 1000 }, () => {
      clock += 600;
      return Promise.resolve({ measurements: clock });
    });
    assertEquals(results.map(({ measurements }) => measurements), [600, 1200, null]);
    assertEquals(results.map(({ ok }) => ok), [true, true, false]);
    assertEquals(results[2]?.reason, "not checked: 1000 ms were over");
  } finally {
    performance.now = realNow;
  }
});
