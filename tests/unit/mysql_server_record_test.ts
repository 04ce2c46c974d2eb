import { assertEquals, assertThrows } from "@std/assert";
import { encodeJson } from "../../interfaces/databag.ts";
import type { JoinedUnit, Received } from "../../interfaces/mysql_innodb_cluster/peers.ts";
import { findUnit } from "../../interfaces/mysql_innodb_cluster/server/own.ts";
import { pathsOf } from "../../interfaces/mysql_innodb_cluster/server/place.ts";
import {
  type ClusterRecord,
  ownKeys,
  readRecord,
  readReport,
  writeRecord,
} from "../../interfaces/mysql_innodb_cluster/server/record.ts";

const RECORD: ClusterRecord = {
  groupName: "0b6b5a2e-6b0e-4c1b-9b5e-2d2a9b1f0c11",
  clusterName: "jujuCluster",
  first: "mysql/0",
  authority: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
  passwords: 2,
  secret: "secret:abc",
  clustered: ["mysql/0", "mysql/1"],
  removed: ["mysql/2"],
};

Deno.test("mysql: the record survives the databag", () => {
  assertEquals(readRecord(writeRecord(RECORD)), RECORD);
  const empty = { ...RECORD, secret: undefined, clustered: [], removed: [] };
  assertEquals(readRecord(writeRecord(empty)), empty);
});

for (
  const [key, value] of [
    ["group-name", ""],
    ["group-name", "'; DROP TABLE mysql.user; --"],
    ["group-name", RECORD.groupName.toUpperCase()],
    ["cluster-name", "a b"],
    ["cluster-name", "9lives"],
    ["first-unit", "mysql"],
    ["first-unit", "../../etc/passwd/0"],
    ["passwords-version", "0"],
    ["passwords-version", "-1"],
    ["passwords-version", "NaN"],
    ["cluster-ca", ""],
  ] as const
) {
  Deno.test(`mysql: no record with ${key} ${JSON.stringify(value)}`, () => {
    assertEquals(readRecord({ ...writeRecord(RECORD), [key]: value }), undefined);
  });
}

Deno.test("mysql: what is no unit's name does not count as a member", () => {
  const bag = { ...writeRecord(RECORD), "clustered-units": "mysql/0,,../x,mysql/1';--,mysql/3" };
  assertEquals(readRecord(bag)?.clustered, ["mysql/0", "mysql/3"]);
});

const RECEIVED: Received = {
  clusterAddress: "10.0.0.1",
  clusterUser: "clusteruser",
  clusterPassword: "password",
  unitConfigureReady: true,
  unitClustered: null,
};
const JOINED: JoinedUnit = {
  unit: "mysql/1",
  relationId: 0,
  received: RECEIVED,
  connection: { address: "10.0.0.1", user: "clusteruser", password: "password" },
};

Deno.test("mysql: a unit of another charm has port 3306 and a certificate that nobody can check", () => {
  const { address, isVerified, configured, clustered, settings } = readReport(JOINED, {});
  assertEquals({ address, isVerified, configured, clustered, settings }, {
    address: { host: "10.0.0.1", port: 3306 },
    isVerified: false,
    configured: true,
    clustered: false,
    settings: "",
  });
});

Deno.test("mysql: a unit's own keys survive the databag; the usual port is not told", () => {
  const { address, isVerified, settings } = readReport(JOINED, ownKeys(3311, "abc"));
  assertEquals([address?.port, isVerified, settings], [3311, true, "abc"]);
  assertEquals(ownKeys(3306, "abc")["cluster-port"], "");
  assertEquals(readReport(JOINED, ownKeys(3306, "abc")).address?.port, 3306);
});

for (const port of ["0", "65536", "-1", "3306.5", "NaN", "Infinity", '"3306"', "true", "[3306]", "x", "3306; --"]) {
  Deno.test(`mysql: a unit with the port ${port} cannot be reached`, () => {
    assertEquals(readReport(JOINED, { "cluster-port": port }).address, undefined);
  });
}

Deno.test("mysql: only true itself is a yes; without usable connection there is no address", () => {
  const received = { ...RECEIVED, unitConfigureReady: "true", unitClustered: 1 };
  const report = readReport({ ...JOINED, received, connection: undefined }, { "server-settings": "7" });
  assertEquals([report.configured, report.clustered, report.address, report.settings], [false, false, undefined, ""]);
  assertEquals(readReport(JOINED, { "cluster-tls": encodeJson("yes") }).isVerified, false);
});

const UNITS = [
  { unit: "mysql/0", address: { host: "10.0.0.1", port: 3306 } },
  { unit: "mysql/1", address: { host: "10.0.0.2", port: 3306 } },
  { unit: "mysql/2", address: { host: "10.0.0.2", port: 3307 } },
];

Deno.test("mysql: units are found by name, by address and port, and by address where that is clear", () => {
  assertEquals(findUnit(UNITS, "mysql/2").unit, "mysql/2");
  assertEquals(findUnit(UNITS, "10.0.0.2:3306").unit, "mysql/1");
  assertEquals(findUnit(UNITS, "10.0.0.1").unit, "mysql/0");
  for (const text of ["10.0.0.2", "10.0.0.3", "mysql/9", "", "mysql/1' OR 1"]) {
    assertThrows(() => findUnit(UNITS, text), Error, "is no unit of this application; give one of mysql/0, mysql/1");
  }
});

Deno.test("mysql: everything of a unit is below one directory, whose name leaves room for the socket", () => {
  const paths = pathsOf("mysql-db/12", "/srv/data");
  assertEquals([paths.directory, paths.socket], ["/srv/data/mysql-db-12", "/srv/data/mysql-db-12/run/mysqld.sock"]);
  assertThrows(() => pathsOf("mysql/0", `/${"x".repeat(90)}`), Error, "data-directory is too long");
});
