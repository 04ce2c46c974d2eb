import { assertEquals } from "@std/assert";
import { statusResults } from "../../actions/mysql_status.ts";
import { type Member, type MemberState, viewOf } from "../../interfaces/clients/mysql/members.ts";

const NAMES = { clusterName: "jujuCluster", groupName: "0b6b5a2e-6b0e-4c1b-9b5e-2d2a9b1f0c11" };
const UNITS = [0, 1, 2].map((number) => ({
  unit: `mysql/${number}`,
  address: { host: `10.0.0.${number}`, port: 3306 },
}));

function member(number: number, state: MemberState = "ONLINE"): Member {
  const role = number === 0 ? "primary" : "secondary";
  return { host: `10.0.0.${number}`, port: 3306, uuid: `uuid-${number}`, state, role, version: "9.7.4" };
}

function view(members: readonly Member[]) {
  return viewOf(members, "uuid-0", false);
}

for (
  const [title, group, units, expected] of [
    ["three members", view([0, 1, 2].map((number) => member(number))), UNITS, {
      status: "OK",
      primary: "10.0.0.0:3306",
      members: 3,
      "online-members": 3,
      tolerance: 1,
    }],
    ["two members", view([0, 1].map((number) => member(number))), UNITS.slice(0, 2), {
      status: "OK_NO_TOLERANCE",
      primary: "10.0.0.0:3306",
      members: 2,
      "online-members": 2,
      tolerance: 0,
    }],
    ["a unit is not in it", view([0, 1].map((number) => member(number))), UNITS, {
      status: "OK_PARTIAL",
      primary: "10.0.0.0:3306",
      members: 3,
      "online-members": 2,
      tolerance: 0,
    }],
    ["a member cannot be reached", view([member(0), member(1), member(2, "UNREACHABLE")]), UNITS, {
      status: "OK_PARTIAL",
      primary: "10.0.0.0:3306",
      members: 3,
      "online-members": 2,
      tolerance: 0,
    }],
    [
      "no majority: nothing is offered for writes",
      view([member(0), ...[1, 2].map((n) => member(n, "UNREACHABLE"))]),
      UNITS,
      {
        status: "NO_QUORUM",
        primary: "",
        members: 3,
        "online-members": 1,
        tolerance: 0,
      },
    ],
    ["nobody answers", undefined, UNITS, {
      status: "OFFLINE",
      primary: "",
      members: 3,
      "online-members": 0,
      tolerance: 0,
    }],
  ] as const
) {
  Deno.test(`mysql: cluster-status: ${title}`, () => {
    const { output, "cluster-name": name, "group-name": id, ...results } = statusResults(NAMES, group, units);
    assertEquals(results, expected);
    assertEquals([name, id], [NAMES.clusterName, NAMES.groupName]);
    const { status, servers, primary } = JSON.parse(String(output));
    assertEquals([status, primary, servers.length], [expected.status, expected.primary, expected.members]);
  });
}

Deno.test("mysql: cluster-status tells of servers of no unit and of units that are not in it", () => {
  const stranger = { ...member(1), host: "10.9.9.9" };
  const { output } = statusResults(NAMES, view([member(0), stranger]), UNITS.slice(0, 2));
  const { servers } = JSON.parse(String(output));
  assertEquals(servers.map(({ unit, address, state }: Record<string, string>) => [unit, address, state]), [
    ["mysql/0", "10.0.0.0:3306", "ONLINE"],
    ["mysql/1", "10.0.0.1:3306", "MISSING"],
    ["", "10.9.9.9:3306", "ONLINE"],
  ]);
});
