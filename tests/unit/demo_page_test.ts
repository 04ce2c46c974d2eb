/** What the demo's page keeps to itself of the databags and states that it shows. */
import { assert } from "@std/assert";
import { renderPage } from "../demo/page.ts";
import type { TimelineEntry } from "../model/mod.ts";

const CANARY = "canary9fK2";
const KEY = `-----BEGIN PRIVATE KEY-----\n${CANARY}\n-----END PRIVATE KEY-----\n`;

const RUN: TimelineEntry = {
  unit: "db/0",
  kind: "hook",
  name: "db-relation-changed",
  relation: "db:0",
  remoteUnit: "app/0",
  remoteApp: "app",
  contextId: "db/0-db-relation-changed-1",
  start: 1,
  end: 2,
  clock: 0,
  attempt: 1,
  outcome: "done",
  exit: 0,
  error: "",
  commands: [],
  bags: [{
    relationId: 0,
    bag: "unit",
    owner: "db/0",
    before: { client_key: KEY },
    after: { client_key: `${KEY}${KEY}`, "cluster-password": `"${CANARY}"`, passwords: CANARY, shown: "as it is" },
  }],
  state: { before: { key: KEY }, after: { key: CANARY } },
  status: { status: "active", message: "" },
  leader: true,
  faults: [],
  immediate: [],
};

Deno.test("the demo's page shows what changed in databags, but no password or private key", async () => {
  const page = await renderPage({
    timeline: [RUN],
    chapters: [],
    relations: new Map([[0, "db:db app:db"]]),
    status: "",
  });
  assert(page.includes("as it is") && page.includes("cluster-password"));
  assert(!page.includes(CANARY), "a secret is in the page");
});
