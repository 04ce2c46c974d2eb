/** Network checks between real network namespaces: three hosts at a bridge and one behind a router. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { LocalAddress } from "../../../interfaces/clients/net/addresses.ts";
import type { DnsMeasurements } from "../../../interfaces/clients/net/dns.ts";
import type { IcmpMeasurements } from "../../../interfaces/clients/net/icmp.ts";
import type { LinkFacts } from "../../../interfaces/clients/net/link.ts";
import type { MtuMeasurements } from "../../../interfaces/clients/net/mtu.ts";
import type { Target } from "../../../interfaces/clients/net/result.ts";
import { summarise } from "../../../interfaces/clients/net/summary.ts";
import { probeOn, startDns } from "./hosts.ts";
import { ip } from "./machine.ts";
import { IPV4, IPV6 } from "./network.ts";
import type { Probed } from "./probe.ts";
import { eventually, namespacesRefused, networkOfTests, reasons, results, target, v4, v6 } from "./world.ts";

const ignore = await namespacesRefused();
const network = networkOfTests(ignore);

/** Host names of the hosts, and an alias. */
const RECORDS = [
  ...(["a", "b", "c"] as const).map((host) => `--host-record=${host}.test,${IPV4[host]},${IPV6[host]}`),
  "--cname=alias.test,c.test",
];

Deno.test({
  name: "all hosts reachable: ICMP, DNS and MTU over IPv4 and IPv6, own links and addresses",
  ignore,
  async fn() {
    await using _dns = await startDns(network, "b", IPV4.b, RECORDS);
    const peers = [...v4("b", "c"), ...v6("b", "c")];
    await eventually(async () => {
      const [probed] = await probeOn(network, "a", [{
        icmp: [peers, { tries: 3, intervalMs: 50, timeoutMs: 5000 }],
        dns: [peers, { server: IPV4.b, timeoutMs: 3000, tries: 2 }],
        mtu: [peers, { requiredMtu: 9000 }],
        link: [["eth0", "lo", "none0"], { requiredMtu: 9000 }],
        addresses: true,
      }]);
      const icmp = results<IcmpMeasurements>(probed, "icmp");
      const all = [...icmp, ...results(probed, "dns"), ...results(probed, "mtu")];
      assertEquals(summarise(all), { ok: true, line: "icmp ok, dns ok, mtu 9000 ok, 4 peers" });
      assert(icmp.every(({ measurements }) => measurements?.received === 3 && (measurements.rttMs?.avg ?? 0) > 0));
      const links = results<LinkFacts>(probed, "link");
      assertEquals(reasons(links), ["eth0: ok", "lo: MTU 65536, not 9000", "none0: missing"]);
      assertEquals([links[0]?.measurements?.mtu, links[0]?.measurements?.state], [9000, "up"]);
      const own = (probed?.addresses as LocalAddress[]).map(({ interface: name, cidr }) => `${name} ${cidr}`);
      assert(own.includes(`eth0 ${IPV4.a}/24`) && own.includes(`eth0 ${IPV6.a}/64`), own.join());
    });
  },
});

Deno.test({
  name: "one host cut off, no route, and hostile peers: each is its own failure",
  ignore,
  async fn() {
    const hostile = ["127.0.0.1;rm -rf /", "-f", "c.test", "", "127.0.0.1", "10.77.0.255/24"];
    const peers = [
      ...v4("b", "c"),
      target("far", "198.51.100.1"),
      ...hostile.map((value, n) => target(`bad/${n}`, value)),
    ];
    await ip(`-n ${network.namespace("switch")} link set to-c down`);
    try {
      await eventually(async () => {
        const [probed] = await probeOn(network, "a", [{
          icmp: [peers, { tries: 2, intervalMs: 50, timeoutMs: 5000 }],
          dns: [peers.slice(3)],
          mtu: [v4("b", "c"), { requiredMtu: 1500, timeoutSeconds: 3 }],
        }]);
        const icmp = results(probed, "icmp");
        assertEquals(icmp.map(({ ok }) => ok), [true, ...Array(peers.length - 1).fill(false)]);
        const [b, c, far, ...bad] = reasons(icmp);
        assertEquals(b, "b: ok");
        assertMatch(c ?? "", /^c: 0\/2 replies/);
        assertMatch(far ?? "", /^far: connect: Network is unreachable$/);
        for (const reason of [...bad, ...reasons(results(probed, "dns"))]) assertMatch(reason, /^bad\/\d: unusable: /);
        assertEquals(results(probed, "mtu").map(({ ok }) => ok), [true, false]);
        const summary = summarise(icmp.slice(0, 2));
        assertEquals(summary.ok, false);
        assertMatch(summary.line, /^icmp failed: c \(0\/2 replies.*\), 2 peers$/);
        console.log(`one host cut off, ${peers.length} targets: ${probed?.ms} ms`);
      });
    } finally {
      await ip(`-n ${network.namespace("switch")} link set to-c up`);
    }
  },
});

Deno.test({
  name: "MTU 1400 on the way: found behind a router that says so and behind a bridge that is silent",
  ignore,
  async fn() {
    await ip(`-n ${network.namespace("switch")} link set to-c mtu 1400`);
    try {
      const peers = [...v4("b", "c", "d"), ...v6("b", "c", "d")];
      await eventually(async () => {
        const [jumbo, plain, small] = await probeOn(network, "a", [
          { mtu: [peers, { requiredMtu: 9000, timeoutSeconds: 1 }] },
          { mtu: [peers, { requiredMtu: 1500, timeoutSeconds: 1 }] },
          { mtu: [peers, { requiredMtu: 1400, timeoutSeconds: 1 }] },
        ]);
        const paths = (probed: Probed | undefined) =>
          results<MtuMeasurements>(probed, "mtu").map(({ measurements }) => measurements?.pathMtu);
        assertEquals(paths(jumbo), [9000, 1400, 1400, 9000, 1400, 1400]);
        assertEquals(paths(plain), [1500, 1400, 1400, 1500, 1400, 1400]);
        assertEquals(paths(small), Array(6).fill(1400));
        assertEquals(summarise(results(small, "mtu")), { ok: true, line: "mtu 1400 ok, 6 peers" });
        assertEquals(
          summarise(results(plain, "mtu").slice(0, 3)).line,
          "mtu 1500 failed: c (path MTU 1400), d (path MTU 1400), 3 peers",
        );
        console.log(`path MTU 1400 of 9000 found for 4 of 6 targets in ${jumbo?.ms} ms`);
      });
    } finally {
      await ip(`-n ${network.namespace("switch")} link set to-c mtu 9000`);
    }
  },
});

Deno.test({
  name:
    "DNS: missing and wrong reverse, names that lead elsewhere, aliases, a silent and a closed server, own resolv.conf",
  ignore,
  async fn() {
    const ptr = (last: number, name: string) => `--ptr-record=${last}.0.77.10.in-addr.arpa,${name}`;
    const records = [
      ...RECORDS,
      ptr(21, "b.test"),
      ptr(22, "nowhere.test"),
      ptr(23, "alias.test"),
      ptr(24, "alias2.test"),
      "--host-record=real.test,10.77.0.24",
      "--cname=alias2.test,real.test",
    ];
    const peers = [20, 21, 22, 23, 24].map((last) => target(`p/${last}`, `10.77.0.${last}`));
    const resolvConf = `/etc/netns/${network.namespace("c")}`;
    await Deno.mkdir(resolvConf, { recursive: true });
    await Deno.writeTextFile(`${resolvConf}/resolv.conf`, `nameserver ${IPV4.b}\n`);
    await using _dns = await startDns(network, "b", IPV4.b, records);
    const patient = { server: IPV4.b, timeoutMs: 3000, tries: 2 };
    await eventually(async () => {
      const [probed] = await probeOn(network, "a", [{ dns: [peers, patient] }]);
      const found = results<DnsMeasurements>(probed, "dns");
      assertEquals(reasons(found), [
        "p/20: reverse: no PTR record",
        "p/21: forward of b.test is 10.77.0.2",
        "p/22: forward of nowhere.test: no A record",
        "p/23: forward of alias.test is 10.77.0.3",
        "p/24: ok",
      ]);
      assertEquals(found[4]?.measurements?.names, [
        { name: "alias2.test", addresses: ["10.77.0.24"], alias: "real.test", agrees: true },
      ]);
      const [own] = await probeOn(network, "c", [{ dns: [v4("a", "b"), { timeoutMs: 3000, tries: 2 }] }]);
      assertEquals(reasons(results(own, "dns")), ["a: ok", "b: ok"]);
    });
    const [closed, silent, refused] = await probeOn(network, "a", [
      { dns: [peers, { server: IPV4.c, timeoutMs: 300, tries: 2 }] },
      { dns: [peers, { server: "10.77.0.99", timeoutMs: 300, tries: 2 }] },
      { dns: [peers, { server: "$(reboot)" }] },
    ]);
    for (const down of [closed, silent]) {
      for (const reason of reasons(results(down, "dns"))) {
        assertMatch(reason, /: reverse: no answer in 300 ms, 2 tries$/);
      }
    }
    assertEquals((refused?.dns as { error: string }).error, "InputError");
    console.log(`DNS server down, 5 targets, 2 tries of 300 ms: ${closed?.ms} ms closed, ${silent?.ms} ms silent`);
  },
});

Deno.test({
  name: "ping that is missing or may not open its socket: the whole check says what to do",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const icmp = [{ icmp: [v4("b")] as const }];
      const [missing] = await probeOn(network, "a", icmp, ["/usr/bin/env", `PATH=${directory}`]);
      assertEquals(missing?.icmp, {
        error: "ProgramMissingError",
        message: "ping is not installed: install Debian's package iputils-ping",
      });
      const without = ["/usr/bin/setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw"];
      const [installed] = await probeOn(network, "a", icmp, without);
      assertEquals(installed?.icmp, {
        error: "ForbiddenError",
        message: "the machine refuses to run ping: check its mode and its capabilities (getcap)",
      });
      await Deno.copyFile("/usr/bin/ping", `${directory}/ping`);
      const [copied] = await probeOn(network, "a", icmp, [...without, "/usr/bin/env", `PATH=${directory}`]);
      assertEquals(copied?.icmp, {
        error: "ForbiddenError",
        message: "ping may not open its socket: give it cap_net_raw, or run as root",
      });
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "fifty peers in parallel take about as long as one",
  ignore,
  async fn() {
    const peers = Array.from({ length: 50 }, (_, n) => target(`p/${n}`, `10.77.0.${100 + n}`));
    const b = network.namespace("b");
    for (const { address } of peers) await ip(`-n ${b} addr add ${address}/32 dev lo`);
    const records = peers.map(({ name, address }) => `--host-record=${name.replace("/", "")}.test,${address}`);
    await using _dns = await startDns(network, "b", IPV4.b, records);
    const check = (targets: Target[]) => ({
      icmp: [targets, { tries: 20, intervalMs: 50, timeoutMs: 5000 }] as const,
      dns: [targets, { server: IPV4.b, timeoutMs: 5000, tries: 2 }] as const,
    });
    await eventually(async () => {
      const [single, fifty] = await probeOn(network, "a", [check(peers.slice(0, 1)), check(peers)]);
      const all = [...results(fifty, "icmp"), ...results(fifty, "dns")];
      assertEquals(summarise(all), { ok: true, line: "icmp ok, dns ok, 50 peers" });
      const ratio = (fifty!.ms / single!.ms).toFixed(2);
      console.log(
        `ICMP (20 packets, 50 ms) and DNS: 1 peer ${single?.ms} ms, 50 peers ${fifty?.ms} ms, ratio ${ratio}`,
      );
    });
  },
});
