import { assertEquals } from "@std/assert";
import { idleSince } from "../../interfaces/mysql_innodb_cluster/server/stuck.ts";

const IDLE = { executed: "a:1-5", isBusy: false };

for (
  const [title, before, progress, expected] of [
    ["the first look at one that does nothing", undefined, IDLE, { executed: "a:1-5", since: 100 }],
    ["it still does nothing", { executed: "a:1-5", since: 7 }, IDLE, { executed: "a:1-5", since: 7 }],
    ["it has got on", { executed: "a:1-4", since: 7 }, IDLE, { executed: "a:1-5", since: 100 }],
    ["data is coming in", { executed: "a:1-5", since: 7 }, { ...IDLE, isBusy: true }, undefined],
  ] as const
) {
  Deno.test(`mysql: waiting for the cluster's data: ${title}`, () => {
    assertEquals(idleSince(before, progress, 100), expected);
  });
}
