import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { healthResults, listResults, type Observation, reportMembers } from "../../actions/etcd_members.ts";
import { setAside } from "../../actions/etcd_replace_data.ts";
import { checkPath, checkRoom, snapshotFile } from "../../actions/etcd_snapshot_place.ts";
import { inspectSnapshot, parseRevision } from "../../actions/etcd_tools.ts";
import { ActionFailed } from "../../hooks/errors.ts";
import type { Member } from "../../interfaces/clients/etcd/members.ts";

function member(number: number, changed: Partial<Member> = {}): Member {
  return {
    id: `${10 + number}`,
    name: `etcd${number}`,
    peerUrls: [`https://10.0.0.${number}:2380`],
    clientUrls: [`https://10.0.0.${number}:2379`],
    isLearner: false,
    ...changed,
  };
}

function health(number: number, healthy = true) {
  return {
    endpoint: `https://10.0.0.${number}:2379`,
    healthy,
    serves: healthy,
    reason: healthy ? "" : "connection refused",
  };
}

function status(number: number, leader = 10) {
  return {
    endpoint: `https://10.0.0.${number}:2379`,
    version: "3.4.23",
    memberId: `${10 + number}`,
    leader: `${leader}`,
    raftTerm: 2n,
    raftIndex: 9n,
    dbSizeBytes: 20480,
    errors: [],
  };
}

const WHOLE: Observation = {
  members: [0, 1, 2].map((number) => member(number)),
  health: [0, 1, 2].map((number) => health(number)),
  statuses: [0, 1, 2].map((number) => status(number)),
  alarms: [],
};

for (
  const [title, observation, expected] of [
    ["three healthy members", WHOLE, {
      healthy: true,
      quorum: true,
      members: 3,
      "healthy-members": 3,
      leader: "etcd0",
      version: "3.4.23",
      alarms: "",
    }],
    ["one is down", {
      ...WHOLE,
      health: [health(0), health(1), health(2, false)],
      statuses: [status(0), status(1)],
    }, { healthy: false, quorum: true, "healthy-members": 2, leader: "etcd0" }],
    ["two are down: nobody leads, and nobody tells the alarms", {
      ...WHOLE,
      health: [health(0, false), health(1, false), health(2, false)],
      statuses: [status(0, 0)],
      alarms: undefined,
    }, { healthy: false, quorum: false, "healthy-members": 0, leader: "", alarms: "" }],
    ["half of two is no majority", {
      ...WHOLE,
      members: [member(0), member(1)],
      health: [health(0), health(1, false)],
    }, { healthy: false, quorum: false, members: 2 }],
    ["a member that has not started", {
      ...WHOLE,
      members: [member(0), member(1, { name: "", clientUrls: [] })],
    }, { healthy: false, quorum: false, "healthy-members": 1 }],
    ["a learner does not count for the majority", {
      ...WHOLE,
      members: [member(0), member(1, { isLearner: true })],
      health: [health(0), health(1, false)],
    }, { healthy: false, quorum: true, members: 2 }],
    ["an alarm", { ...WHOLE, alarms: [{ memberId: "11", alarm: "NOSPACE" }] }, {
      healthy: false,
      quorum: true,
      alarms: "NOSPACE",
    }],
    ["two releases", { ...WHOLE, statuses: [status(0), { ...status(1), version: "3.5.9" }] }, {
      version: "3.4.23,3.5.9",
    }],
  ] as const
) {
  Deno.test(`etcd health: ${title}`, () => {
    const results = healthResults(reportMembers(observation));
    assertEquals(Object.fromEntries(Object.keys(expected).map((key) => [key, results[key]])), expected);
  });
}

Deno.test("etcd health: what each member says is in the output", () => {
  const observation = { ...WHOLE, alarms: [{ memberId: "11", alarm: "CORRUPT" }], health: [health(0), health(1)] };
  const reports = reportMembers(observation);
  assertEquals(JSON.parse(`${healthResults(reports).output}`), reports);
  assertEquals(reports.map(({ id, isLeader, reason }) => [id, isLeader, reason]), [
    ["a", true, ""],
    ["b", false, ""],
    ["c", false, "it has not started yet"],
  ]);
  assertEquals(reports.map(({ alarms, dbSize }) => [alarms, dbSize]), [[[], 20480], [["CORRUPT"], 20480], [[], 20480]]);
});

Deno.test("etcd member list", () => {
  const results = listResults([member(1), member(0), member(2, { name: "", clientUrls: [] })]);
  assertEquals([results.members, results.started], [3, 2]);
  assertEquals(results["connection-string"], "https://10.0.0.0:2379,https://10.0.0.1:2379");
  const [first, , last] = JSON.parse(`${results.output}`);
  assertEquals([first.id, first.name, first.started, last.started], ["b", "etcd1", true, false]);
});

Deno.test("etcd snapshot: without a path it is named by its time below the unit's directory", () => {
  const file = snapshotFile("/var/lib/charmlet/etcd-0/snapshots", undefined, Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  assertEquals(file, "/var/lib/charmlet/etcd-0/snapshots/2026-01-02T03-04-05Z.db");
  assertEquals(snapshotFile("/x", "/root/one.db", 0), "/root/one.db");
});

for (
  const path of [
    "one.db",
    "../one.db",
    "/root/../etc/one.db",
    "/root//one.db",
    "/root/",
    "/",
    "/a\nb",
    "",
    `/${"x".repeat(1024)}`,
  ]
) {
  Deno.test(`etcd snapshot: the path ${JSON.stringify(path.slice(0, 20))} is refused`, () => {
    assertThrows(() => checkPath("path", path), ActionFailed, "path must be the absolute path of a file");
  });
}

Deno.test("etcd snapshot: refused when it would fill the disk", () => {
  checkRoom("/data", 1024, 65 * 1024 * 1024);
  const error = assertThrows(() => checkRoom("/data", 10 * 1024 * 1024, 70 * 1024 * 1024), ActionFailed);
  assertEquals(error.message, "/data has 70 MiB free, 74 MiB are needed; make room, or give another path");
});

Deno.test("etcd snapshot: what the tool says about one", () => {
  assertEquals(parseRevision('{"hash":1,"revision":7,"totalKey":12,"totalSize":20480}\n'), 7);
  for (
    const text of ["", "null", "[]", "Error: x", '{"revision":"7","totalKey":1}', '{"revision":1e99,"totalKey":1}']
  ) {
    assertThrows(() => parseRevision(text), ActionFailed, "check that etcd-client is installed");
  }
});

Deno.test("etcd snapshot: a file that is none, damaged or away is told before any tool sees it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const whole = new Uint8Array(512 + 32).fill(7);
    const cases: [string, Uint8Array, RegExp][] = [
      ["empty", new Uint8Array(0), /no whole snapshot/],
      ["short", whole.subarray(0, 543), /no whole snapshot/],
      ["damaged", whole, /the checksum of .* is wrong/],
    ];
    for (const [name, bytes, reason] of cases) {
      await Deno.writeFile(`${directory}/${name}`, bytes);
      const error = await assertRejects(() => inspectSnapshot(`${directory}/${name}`), ActionFailed);
      assertMatch(error.message, reason);
    }
    await assertRejects(() => inspectSnapshot(`${directory}/away`), ActionFailed, "there is no file");
    const error = await assertRejects(() => inspectSnapshot(directory), ActionFailed);
    assert(error.message.includes("no whole snapshot"));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("etcd restore: what an earlier restore kept goes only for newer data", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const [data, old] = [`${dir}/data`, `${dir}/data.before-restore`];
    const put = async (path: string, text: string) => {
      await Deno.mkdir(path);
      await Deno.writeTextFile(`${path}/db`, text);
    };
    assertEquals(await setAside(data, old), false);
    await put(old, "only copy");
    assertEquals(await setAside(data, old), true);
    assertEquals(await Deno.readTextFile(`${old}/db`), "only copy");
    await put(data, "newer");
    assertEquals(await setAside(data, old), true);
    assertEquals(await Deno.readTextFile(`${old}/db`), "newer");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
