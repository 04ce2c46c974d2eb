/** What ping, iperf3 and the kernel print, as these checks read it. */
import { assertEquals, assertThrows } from "@std/assert";
import { readBondFile } from "../../interfaces/clients/net/bond_file.ts";
import { ForbiddenError } from "../../interfaces/clients/net/errors.ts";
import { readPing } from "../../interfaces/clients/net/icmp.ts";
import { readIperf } from "../../interfaces/clients/net/iperf_client.ts";
import { listens } from "../../interfaces/clients/net/listening.ts";
import { readLink, readPrefixed } from "../../interfaces/clients/net/link.ts";
import { judgeLink } from "../../interfaces/clients/net/link_rules.ts";

const ended = (stdout: string, stderr = "", code = 0, cutOff = false) => ({ stdout, stderr, code, cutOff });

// ping and iperf3: printed by iputils 20221126 and iperf 3.12 between two network namespaces.

Deno.test("ping: replies", () => {
  const output = `PING fd99::2(fd99::2) 56 data bytes
64 bytes from fd99::2: icmp_seq=1 ttl=64 time=0.354 ms
64 bytes from fd99::2: icmp_seq=2 ttl=64 time=0.058 ms

--- fd99::2 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 407ms
rtt min/avg/max/mdev = 0.048/0.153/0.354/0.141 ms
`;
  assertEquals(readPing(ended(output)), {
    measurements: { transmitted: 3, received: 2, lossPercent: 33.3, rttMs: { min: 0.048, avg: 0.153, max: 0.354 } },
  });
});

Deno.test("ping: silence, no route, unreachable host, killed", () => {
  const silence = `PING 10.9.0.77 (10.9.0.77) 56(84) bytes of data.

--- 10.9.0.77 ping statistics ---
10 packets transmitted, 0 received, 100% packet loss, time 1836ms

`;
  const none = { transmitted: 10, received: 0, lossPercent: 100, rttMs: null };
  assertEquals(readPing(ended(silence, "", 1)), { measurements: none });
  const unreachable = silence.replace("\n\n", "\nFrom 10.9.0.1 icmp_seq=1 Destination Host Unreachable\n\n");
  assertEquals(readPing(ended(unreachable, "", 1)), { measurements: none, complaint: "Destination Host Unreachable" });
  assertEquals(readPing(ended("", "ping: connect: Network is unreachable\n", 2)), {
    measurements: null,
    complaint: "connect: Network is unreachable",
  });
  assertEquals(readPing(ended("", "", 137, true)), {
    measurements: null,
    complaint: "ping did not end in time",
    cutOff: true,
  });
});

Deno.test("ping: who refuses a packet that is too big names the MTU", () => {
  const local = ["ping: local error: message too long, mtu=1500\n", "ping: local error: message too long, mtu: 1500\n"];
  for (const stderr of local) assertEquals(readPing(ended("", stderr, 1)).mtu, 1500);
  const remote = "From 10.9.0.1 icmp_seq=1 Frag needed and DF set (mtu = 1400)\n";
  assertEquals(readPing(ended(remote)), {
    measurements: null,
    complaint: "Frag needed and DF set (mtu = 1400)",
    mtu: 1400,
  });
  assertEquals(readPing(ended("From fd99::1 icmp_seq=1 Packet too big: mtu=1280\n")).mtu, 1280);
});

Deno.test("ping: no permission is an error that says what to do", () => {
  const stderr = `ping: socktype: SOCK_RAW
ping: socket: Operation not permitted
ping: => missing cap_net_raw+p capability or setuid?
`;
  assertThrows(() => readPing(ended("", stderr, 2)), ForbiddenError, "give it cap_net_raw");
});

Deno.test("iperf3: the receiver's sum, and failures although the exit status is 0", () => {
  const report = (end: unknown, error?: string) => JSON.stringify({ start: {}, intervals: [], end, error });
  const sums = {
    sum_sent: { start: 0, end: 1.000884, seconds: 1.000884, bytes: 3663069184, retransmits: 38923, sender: true },
    sum_received: {
      start: 0,
      end: 1.000956,
      seconds: 1.000956,
      bytes: 3663069184,
      bits_per_second: 29276565075.787548,
    },
  };
  assertEquals(readIperf(ended(report(sums)), 2), {
    streams: 2,
    seconds: 1.000956,
    bytes: 3663069184,
    mbit: 29276.6,
    retransmits: 38923,
  });
  const refused = report({}, "unable to connect to server: Connection refused");
  const busy = report({}, "error - the server is busy running a test. try again later");
  const failures = [refused, busy, report({}), "", "null", '{"end":[]}', "{".repeat(10)];
  const noSum = { failure: "iperf3: its report has no sum of what was received", busy: false };
  assertEquals(failures.map((stdout) => readIperf(ended(stdout), 1)), [
    { failure: "iperf3: unable to connect to server: Connection refused", busy: false },
    { failure: "iperf3: error - the server is busy running a test. try again later", busy: true },
    noSum,
    { failure: "iperf3: no report", busy: false },
    noSum,
    noSum,
    { failure: "iperf3: no report", busy: false },
  ]);
  assertEquals(readIperf(ended("", "", 137, true), 1), { failure: "iperf3 did not end in time", busy: false });
});

/** In the form of Linux' bond_procfs.c. */
function bondText(states = [[63, 63], [63, 63]], second = "up", partner = "52:54:00:CC:DD:01", aggregator = 1): string {
  const member = (name: string, status: string, id: number, [actor, other]: readonly number[]) => `
Slave Interface: ${name}
MII Status: ${status}
Speed: ${status === "up" ? "10000 Mbps" : "Unknown"}
Duplex: full
Link Failure Count: 2
Permanent HW addr: 52:54:00:aa:bb:01
Slave queue ID: 0
Aggregator ID: ${id}
Actor Churn State: none
details actor lacp pdu:
    system priority: 65535
    system mac address: 52:54:00:aa:bb:01
    port key: 15
    port state: ${actor}
details partner lacp pdu:
    system priority: 65535
    system mac address: 52:54:00:cc:dd:01
    oper key: 15
    port state: ${other}
`;
  return `Ethernet Channel Bonding Driver: v6.1.0

Bonding Mode: IEEE 802.3ad Dynamic link aggregation
Transmit Hash Policy: layer3+4 (1)
MII Status: up
MII Polling Interval (ms): 100

802.3ad info
LACP active: on
LACP rate: fast
Active Aggregator Info:
	Aggregator ID: 1
	Number of ports: 2
	Partner Mac Address: ${partner}
${member("eth1", "up", 1, states[0] ?? [])}${member("eth2", second, aggregator, states[1] ?? [])}`;
}

const bonded = (text: string) => {
  const facts = { mtu: "9000", speed: "20000", operstate: "up", carrier: "1" };
  const files = Object.entries(facts).map(([name, value]) => `/sys/class/net/bond0/${name}:${value}\n`);
  const lines = text.split("\n").map((line) => `/proc/net/bonding/bond0:${line}\n`);
  return readLink("bond0", readPrefixed([...files, ...lines].join("")));
};

Deno.test("a bond: mode, members, LACP partner", () => {
  const member = {
    miiStatus: "up",
    speedMbit: 10000,
    linkFailures: 2,
    aggregatorId: 1,
    actorState: 61,
    partnerState: 63,
  };
  assertEquals(readBondFile(bondText([[61, 63], [61, 63]])), {
    mode: "802.3ad",
    miiStatus: "up",
    activeMember: null,
    aggregatorId: 1,
    partnerMac: "52:54:00:cc:dd:01",
    members: [{ name: "eth1", ...member }, { name: "eth2", ...member }],
  });
  const backup = readBondFile(`Bonding Mode: fault-tolerance (active-backup) (fail_over_mac active)
Primary Slave: None
Currently Active Slave: m1
MII Status: up

Slave Interface: m1
MII Status: up
Speed: 10000 Mbps
Link Failure Count: 0
`);
  assertEquals([backup?.mode, backup?.activeMember, backup?.partnerMac], ["active-backup", "m1", null]);
  assertEquals([backup?.members[0]?.name, backup?.members[0]?.actorState], ["m1", null]);
  assertEquals(readBondFile("garbage"), undefined);
});

Deno.test("a bond that is not as it should be, and LACP passive mode", () => {
  const judged = (text: string, lacpPassiveMode = false) => judgeLink(bonded(text), { lacpPassiveMode });
  assertEquals(judged(bondText()), undefined);
  assertEquals(judged(bondText(undefined, "down")), "eth2 down");
  assertEquals(judged(bondText(undefined, "up", "00:00:00:00:00:00")), "no LACP partner");
  assertEquals(judged(bondText(undefined, "up", undefined, 2)), "eth2 in aggregator 2, not 1");
  const activity = bondText([[63, 63], [63, 62]]);
  assertEquals([judged(activity), judged(activity, true)], ["eth2 LACP port state 63, partner's 62", undefined]);
  assertEquals(judged(bondText([[63, 63], [63, 7]]), true), "eth2 LACP port state 63, partner's 7");
});

Deno.test("links: the kernel's files by grep, missing ones left out", () => {
  const output = `/sys/class/net/eth0/mtu:1500
/sys/class/net/eth0/speed:-1
/sys/class/net/eth0/operstate:up
/sys/class/net/eth0/carrier:1
/sys/class/net/eth0/address:52:54:00:aa:bb:01
/sys/class/net/eth0/master/uevent:DEVTYPE=bridge
/sys/class/net/eth0/master/uevent:INTERFACE=br0
/sys/class/net/eth1/mtu:1500
/sys/class/net/eth1/operstate:down
`;
  const files = readPrefixed(output);
  const eth0 = readLink("eth0", files);
  assertEquals(eth0, {
    name: "eth0",
    present: true,
    mtu: 1500,
    speedMbit: null,
    state: "up",
    carrier: true,
    mac: "52:54:00:aa:bb:01",
    master: "br0",
    bond: null,
  });
  assertEquals(judgeLink(eth0, { requiredMtu: 1500 }), undefined);
  assertEquals(judgeLink(eth0, { requiredMtu: 9000 }), "MTU 1500, not 9000");
  assertEquals(judgeLink(readLink("eth1", files), {}), "down");
  assertEquals(judgeLink(readLink("eth2", files), {}), "missing");
});

Deno.test("listening sockets: the kernel's tables, by address or on all addresses", () => {
  const line = (local: string) => `   0: ${local}:1451 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0\n`;
  const [v4, v6] = [{ address: "10.77.0.2", family: 4 as const }, { address: "fd77::2", family: 6 as const }];
  const lines = line("0100007F") + line("02004D0A");
  assertEquals([listens(lines, v4), listens(lines, v6)], [true, false]);
  // The kernel prints four bytes at a time as one number.
  const six = line("000077FD000000000000000002000000");
  assertEquals([listens(six, v4), listens(six, v6)], [false, true]);
  assertEquals(listens(line("000077FD000000000000000000000002"), v6), false);
  for (const all of ["00000000", "0".repeat(32)]) assertEquals(listens(line(all), v4), true);
  assertEquals(listens("", v4), false);
});
