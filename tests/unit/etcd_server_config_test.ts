/** The member's configuration, and what units tell each other about it. */
import { assertEquals, assertNotEquals, assertNotMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { initialCluster, renderConfig } from "../../interfaces/etcd/server/config_file.ts";
import { pathsOf, type Place, urlOf } from "../../interfaces/etcd/server/place.ts";
import {
  readRecord,
  readReport,
  type UnitReport,
  writeRecord,
  writeReport,
} from "../../interfaces/etcd/server/record.ts";
import {
  isOwnTurn,
  progressOf,
  readTlsState,
  type TlsState,
  writeTlsState,
} from "../../interfaces/etcd/server/tls_state.ts";
import { isLoaded, settingsOf, wanted } from "../../interfaces/etcd/server/ward.ts";

const PLACE: Place = {
  ...pathsOf("etcd/0", "/var/lib/charmlet"),
  listenClient: ["https://10.0.0.1:2379", "https://[fd00::1]:2379"],
  listenPeer: ["https://10.0.0.1:2380"],
  clientUrls: ["https://10.0.0.1:2379"],
  peerUrl: "https://10.0.0.1:2380",
  addresses: ["10.0.0.1"],
  names: ["localhost"],
  clientPort: 2379,
  heartbeatMs: 100,
  electionMs: 1000,
};

Deno.test("etcd server: the configuration file", () => {
  const text = renderConfig(PLACE);
  const tls = (name: string) => ({
    "cert-file": `/var/lib/charmlet/etcd-0/tls/${name}.pem`,
    "key-file": `/var/lib/charmlet/etcd-0/tls/${name}.pem`,
    "client-cert-auth": true,
    "trusted-ca-file": "/var/lib/charmlet/etcd-0/tls/ca.pem",
  });
  const expected = {
    "name": "etcd0",
    "data-dir": "/var/lib/charmlet/etcd-0/data",
    "listen-peer-urls": "https://10.0.0.1:2380",
    "listen-client-urls": "https://10.0.0.1:2379,https://[fd00::1]:2379",
    "initial-advertise-peer-urls": "https://10.0.0.1:2380",
    "advertise-client-urls": "https://10.0.0.1:2379",
    "client-transport-security": tls("server"),
    "peer-transport-security": tls("peer"),
    "heartbeat-interval": 100,
    "election-timeout": 1000,
    "strict-reconfig-check": true,
    "enable-grpc-gateway": true,
    "logger": "zap",
    "log-level": "warn",
  };
  assertEquals(parse(text), expected);
  assertNotMatch(text, /initial-cluster|force-new-cluster/);
  const initial = { state: "existing", token: "t1", cluster: "etcd0=https://10.0.0.1:2380" } as const;
  assertEquals(parse(renderConfig(PLACE, initial)), {
    ...expected,
    "initial-cluster": "etcd0=https://10.0.0.1:2380",
    "initial-cluster-state": "existing",
    "initial-cluster-token": "t1",
  });
});

Deno.test("etcd server: a path or name with YAML's own characters stays text", () => {
  const place = { ...PLACE, dataDirectory: "/srv/a: b\n# 'c' \"d\"" };
  assertStringIncludes(JSON.stringify(parse(renderConfig(place))), JSON.stringify(place.dataDirectory));
});

Deno.test("etcd server: the initial cluster names every member, the own one by its URL", () => {
  const members = [
    { id: "1", name: "etcd1", peerUrls: ["https://10.0.0.2:2380"] },
    { id: "2", name: "", peerUrls: ["https://10.0.0.1:2380"] },
    { id: "3", name: "", peerUrls: ["https://10.0.0.3:2380"] },
  ];
  assertEquals(
    initialCluster(members, PLACE),
    "etcd1=https://10.0.0.2:2380,etcd0=https://10.0.0.1:2380,member-3=https://10.0.0.3:2380",
  );
});

Deno.test("etcd server: URLs of addresses and names", () => {
  assertEquals(urlOf("10.0.0.1", 2379), "https://10.0.0.1:2379");
  assertEquals(urlOf("fd00::1", 2380), "https://[fd00::1]:2380");
  assertEquals(urlOf("etcd.example", 2380), "https://etcd.example:2380");
});

const REPORT: UnitReport = {
  unit: "etcd/1",
  started: true,
  memberId: "12345678901234567890",
  clientUrls: ["https://10.0.0.2:2379", "https://[fd00::2]:2379"],
  peerUrl: "https://10.0.0.2:2380",
  tlsVersion: 3,
  generation: 1,
  settings: "abc",
  knows: "one",
};

Deno.test("etcd server: records and reports are read as they were written", () => {
  assertEquals(readReport("etcd/1", writeReport(REPORT)), REPORT);
  for (const generation of [0, 4]) {
    const record = { token: "abc", first: "my-etcd/12", generation };
    assertEquals(readRecord(writeRecord(record)), record);
  }
});

Deno.test("etcd server: a report that is no report tells nothing", () => {
  const nothing: UnitReport = {
    unit: "etcd/1",
    started: false,
    memberId: undefined,
    clientUrls: [],
    peerUrl: undefined,
    tlsVersion: 0,
    generation: 0,
    settings: undefined,
    knows: undefined,
  };
  assertEquals(readReport("etcd/1", {}), nothing);
  const hostile = {
    "started": "yes",
    "member-id": "12; drop",
    "client-url": "http://10.0.0.1:2379,https://a@b:1,https://10.0.0.1",
    "peer-url": "https://10.0.0.1:2380/x\ny",
    "tls-version": "-1",
    "generation": "1e9",
  };
  assertEquals(readReport("etcd/1", hostile), nothing);
  assertEquals(readReport("etcd/1", { "client-url": "https://a:1,".repeat(50) }).clientUrls.length, 8);
  assertEquals(readRecord({ "cluster-token": "a b", "first-unit": "etcd/0" }), undefined);
  assertEquals(readRecord({ "cluster-token": "a", "first-unit": "../etcd" }), undefined);
});

const STATE: TlsState = { version: 4, phase: "trust", leavesSince: 1, trust: "PEM", secret: "secret:x", reachedAt: 0 };

Deno.test("etcd server: the state of certificates", () => {
  assertEquals(readTlsState(writeTlsState(STATE)), STATE);
  const without: TlsState = { ...STATE, phase: "", secret: undefined, reachedAt: 5 };
  assertEquals(readTlsState(writeTlsState(without)), without);
  assertEquals(readTlsState({}), undefined);
  assertEquals(readTlsState({ "tls-version": "4" }), undefined);
});

Deno.test("etcd server: a phase of a rotation begins when every unit has done the one before, and after a pause", () => {
  const units = (...versions: readonly number[]) => versions.map((tlsVersion) => ({ ...REPORT, tlsVersion }));
  const table = [
    [{ ...STATE, phase: "" } as const, units(4, 4), 0, 0, "nothing"],
    [STATE, units(4, 3), 0, 0, "nothing"],
    [STATE, units(4, 4), 0, 0, "advance"],
    [STATE, units(4, 5), 0, 0, "advance"],
    [STATE, units(4, 4), 1000, 500, "note"],
    [{ ...STATE, reachedAt: 1000 }, units(4, 4), 1499, 500, "nothing"],
    [{ ...STATE, reachedAt: 1000 }, units(4, 4), 1500, 500, "advance"],
    [{ ...STATE, reachedAt: 1000 }, units(4, 0), 9000, 500, "nothing"],
  ] as const;
  for (const [state, reports, now, pauseMs, expected] of table) {
    assertEquals(progressOf(state, reports, now, pauseMs), expected);
  }
});

Deno.test("etcd server: members restart for new authorities or settings one after the other, by number", () => {
  const other = (number: number, tlsVersion: number, started = true) => ({ ...REPORT, number, tlsVersion, started });
  const isTurn = (unit: number, others: Parameters<typeof isOwnTurn>[3]) => isOwnTurn(unit, 4, "abc", others);
  assertEquals(isTurn(0, [other(1, 3), other(2, 3)]), true);
  assertEquals(isTurn(1, [other(0, 3), other(2, 3)]), false);
  assertEquals(isTurn(1, [other(0, 4), other(2, 3)]), true);
  assertEquals(isTurn(10, [other(9, 3), other(11, 4)]), false);
  assertEquals(isTurn(1, [other(0, 0, false)]), true, "who has no member yet starts with the new ones");
  assertEquals(isTurn(1, [{ ...other(0, 4), settings: "old" }]), false);
  assertEquals(isTurn(1, [{ ...other(0, 4), settings: undefined }]), false, "it has yet to hear of them");
  assertEquals(isTurn(1, [other(0, 4), { ...other(2, 4), settings: "old" }]), true);
});

Deno.test("etcd server: settings are what all members share, wherever they are", () => {
  const elsewhere = { ...PLACE, ...pathsOf("etcd/7", "/srv"), peerUrl: "https://10.0.0.9:2380", listenPeer: [] };
  assertEquals(settingsOf(elsewhere), settingsOf(PLACE));
  assertNotEquals(settingsOf({ ...PLACE, heartbeatMs: 200 }), settingsOf(PLACE));
  const loaded = (place: Place) => wanted({ place, state: STATE });
  assertEquals(loaded({ ...PLACE, heartbeatMs: 200 }).address, loaded(PLACE).address, "it did not move");
  assertNotEquals(loaded({ ...PLACE, peerUrl: "https://10.0.0.9:2380" }).address, loaded(PLACE).address);
  assertEquals(isLoaded(loaded(PLACE), loaded(PLACE)), true);
  assertEquals(isLoaded(loaded(PLACE), loaded({ ...PLACE, electionMs: 2000 })), false);
  assertEquals(isLoaded(undefined, loaded(PLACE)), false);
});
