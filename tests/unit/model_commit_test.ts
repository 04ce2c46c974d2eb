import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { buildWorld } from "../conformance/hook_commands_world.ts";
import { runCommand } from "../model/commands/registry.ts";
import { commit, discard } from "../model/commit.ts";
import { createHookRun, type HookRun, type HookRunOptions } from "../model/hook_run.ts";
import type { WorldState } from "../model/state.ts";

const RELATION = {
  id: 1,
  endpoint: "db",
  remote_app: "b",
  databags: { "a/0": { same: "1", old: "2", gone: "3" }, "b/0": {} },
};

function world(setup: Record<string, unknown> = {}): WorldState {
  const built = buildWorld({ unit: "a/0", leader: true, relations: [RELATION], ...setup }).world;
  const { a } = built.applications;
  if (a) a.charm = { ...a.charm, storages: ["data"] };
  return built;
}

function hook(model: WorldState, change: Partial<HookRunOptions> = {}): HookRun {
  return createHookRun(model, { unit: "a/0", kind: "update-status", contextId: "x", ...change });
}

function call(run: HookRun, line: string): string {
  const [command = "", ...args] = line.split(" ");
  const outcome = runCommand(run, command, args, undefined, "/");
  if (!("code" in outcome)) throw new TypeError(`${command} did not answer`);
  const decoder = new TextDecoder();
  return decoder.decode(outcome.stdout) + decoder.decode(outcome.stderr);
}

Deno.test("commit: changed bags move their version, equal values change nothing, empty ones delete", () => {
  const model = world();
  const run = hook(model);
  assertEquals(call(run, "relation-set -r 1 same=1 old=new gone= never="), "");
  const result = commit(run);
  assert(result.ok && result.changed);
  const after = { same: "1", old: "new" };
  assertEquals(result.bags, [
    { relationId: 1, bag: "unit", owner: "a/0", before: { same: "1", old: "2", gone: "3" }, after },
  ]);
  assertEquals(model.relations[1]?.unitBags["a/0"], after);
  assertEquals(model.relations[1]?.versions, { "a/0": 1 });

  const idle = hook(model);
  call(idle, "relation-set -r 1 same=1 never=");
  assertEquals(commit(idle), { ok: true, changed: false, bags: [], storage: [], secrets: [] });
  assertEquals(model.relations[1]?.versions, { "a/0": 1 });
});

Deno.test("commit: state, ports and storage enter the model together", () => {
  const model = world({ state: { keep: "1", drop: "2" }, open_ports: [["", "80/tcp"]] });
  const run = hook(model);
  for (const line of ["state-set new=3", "state-delete drop", "close-port 80", "open-port 443", "storage-add data=2"]) {
    assertEquals(call(run, line), "", line);
  }
  assertEquals(model.units["a/0"]?.state, { keep: "1", drop: "2" });
  const result = commit(run);
  assert(result.ok);
  const unit = model.units["a/0"];
  assertEquals(unit?.state, { keep: "1", new: "3" });
  assertEquals(unit?.ports, [["", "443/tcp"]]);
  assertEquals(unit?.storage.map((item) => item.id), ["data/0", "data/1"]);
  assertEquals(result.state?.before, { keep: "1", drop: "2" });
});

Deno.test("commit: lost leadership refuses everything, also what needs no leader", () => {
  const model = world();
  const before = structuredClone(model);
  const run = hook(model);
  call(run, "relation-set -r 1 own=1");
  call(run, "relation-set -r 1 --app shared=1");
  call(run, "state-set k=v");
  call(run, "open-port 80");
  if (model.applications.a) model.applications.a.leader = "a/1";
  const result = commit(run);
  assert(!result.ok);
  assertStringIncludes(result.error, '"a/0" is not leader of "a"');
  before.applications.a = { ...before.applications.a, leader: "a/1" } as WorldState["applications"][string];
  assertEquals(model, before);
  assertEquals(commit(run), { ok: true, changed: false, bags: [], storage: [], secrets: [] });
});

Deno.test("commit: an application's secret needs leadership, a unit's does not", () => {
  const model = world();
  const run = hook(model);
  call(run, "secret-add token=abc");
  if (model.applications.a) model.applications.a.leader = null;
  assert(!commit(run).ok);
  assertEquals(model.secrets, {});
  const own = hook(model);
  assertEquals(call(own, "secret-add token=abc"), "ERROR this unit is not the leader\n");
  call(own, "secret-add --owner unit token=abc");
  assert(commit(own).ok);
  assertEquals(Object.values(model.secrets).map((secret) => secret.owner), ["a/0"]);
});

Deno.test("commit: one refused part leaves nothing of the others", () => {
  const model = world();
  const before = structuredClone(model);
  const run = hook(model);
  call(run, "relation-set -r 1 k=v");
  call(run, "storage-add other");
  const result = commit(run);
  assert(!result.ok);
  assertStringIncludes(result.error, 'charm storage "other" not found');
  assertEquals(model, before);

  const second = hook(model);
  call(second, "relation-set -r 1 k=v");
  call(second, "secret-set 9m4e2mr0ui3e8a215n4g token=abc");
  const refused = commit(second);
  assert(!refused.ok);
  assertEquals(refused.error, 'secret "9m4e2mr0ui3e8a215n4g" not found');
  assertEquals(model, before);
});

Deno.test("discard drops the buffer and keeps immediate effects", () => {
  const model = world();
  const run = hook(model);
  for (
    const line of ["relation-set -r 1 k=v", "state-set k=v", "status-set active ready", "application-version-set 9"]
  ) {
    assertEquals(call(run, line), "");
  }
  discard(run);
  assertEquals(commit(run), { ok: true, changed: false, bags: [], storage: [], secrets: [] });
  assertEquals(model.units["a/0"]?.status.message, "ready");
  assertEquals(model.units["a/0"]?.workloadVersion, "9");
  assertEquals(model.units["a/0"]?.state, {});
  assertEquals(run.immediate.map((effect) => effect.command), ["status-set", "application-version-set"]);
});

Deno.test("commit of config-changed refreshes the unit's addresses; the charm's own values win", () => {
  const model = world({ address: "10.0.0.9" });
  const run = hook(model, { kind: "config-changed" });
  call(run, "relation-set -r 1 private-address=mine");
  assert(commit(run).ok);
  const bag = model.relations[1]?.unitBags["a/0"];
  assertEquals(bag?.["ingress-address"], "10.0.0.9");
  assertEquals(bag?.["private-address"], "mine");
  assertEquals(bag?.["egress-subnets"], "10.0.0.9/32");
});

function consumer(model: WorldState): HookRun {
  return hook(model, { unit: "b/0" });
}

function withConsumer(): WorldState {
  const model = world({ units: { "b/0": {}, "c/0": {} } });
  return model;
}

Deno.test("secrets: a consumer keeps its revision until it refreshes", () => {
  const model = withConsumer();
  const owner = hook(model, { relationId: 1 });
  const uri = call(owner, "secret-add --label mine token=one").trim();
  assertEquals(call(owner, `secret-get ${uri}`), "token: one\n");
  assertEquals(call(owner, "secret-ids"), `${uri.replace("secret:", "")}\n`);
  assertEquals(call(owner, `secret-grant ${uri}`), "");
  assert(commit(owner).ok);

  const first = consumer(model);
  assertEquals(call(first, `secret-get ${uri} --label theirs`), "token: one\n");
  const update = hook(model);
  call(update, `secret-set ${uri} token=two`);
  assertEquals(call(update, `secret-get ${uri}`), "token: one\n");
  assertEquals(call(update, `secret-get ${uri} --peek`), "token: two\n");
  const updated = commit(update);
  assert(updated.ok);
  assertEquals(updated.secrets.map(({ what, revision }) => [what, revision]), [["updated", 2]]);

  const later = consumer(model);
  assertEquals(call(later, "secret-get --label theirs"), "token: one\n");
  assertEquals(call(later, "secret-get --label theirs --peek"), "token: two\n");
  assertEquals(call(later, "secret-get --label theirs"), "token: one\n");
  assertEquals(call(later, `secret-get ${uri} --refresh token#base64`), "dHdv\n");
  discard(later);
  assertEquals(call(consumer(model), "secret-get --label theirs"), "token: two\n");
  assertEquals(call(later, `secret-get ${uri} none`), 'ERROR secret key value "none" not found\n');
});

Deno.test("secrets: metadata and equal content make no revision; removed revisions go", () => {
  const model = withConsumer();
  const add = hook(model);
  const uri = call(add, "secret-add token=one").trim();
  assert(commit(add).ok);
  const id = uri.replace("secret:", "");
  for (const line of [`--label l`, "token=one", "token=two", "token=three"]) {
    const run = hook(model);
    assertEquals(call(run, `secret-set ${uri} ${line}`), "");
    assert(commit(run).ok);
  }
  assertEquals(model.secrets[id]?.revisions.map((each) => each.revision), [1, 2, 3]);
  assertEquals(model.secrets[id]?.label, "l");
  const twice = hook(model);
  assertEquals(call(twice, "secret-add --label l token=abc"), 'ERROR secret with label "l" already exists\n');
  call(twice, `secret-remove ${uri} --revision 1`);
  assert(commit(twice).ok);
  assertEquals(model.secrets[id]?.revisions.map((each) => each.revision), [2, 3]);
  const last = hook(model);
  call(last, `secret-remove ${uri}`);
  assertEquals(call(last, "secret-ids --format=json"), "null\n");
  assert(commit(last).ok);
  assertEquals(model.secrets, {});
});

Deno.test("secrets: grants follow the relation, units and revocation", () => {
  const model = withConsumer();
  const owner = hook(model, { relationId: 1 });
  const uri = call(owner, "secret-add token=one").trim();
  assertEquals(
    call(owner, `secret-grant ${uri} --unit c/0`),
    'ERROR cannot specify unit "c/0" in relation to application "b"\n',
  );
  assertEquals(call(owner, `secret-grant ${uri} --unit b/0`), "");
  assertEquals(
    call(owner, `secret-grant ${uri}`),
    "ERROR any unit level grants need to be revoked before granting access to the corresponding application\n",
  );
  assert(commit(owner).ok);
  assertEquals(call(consumer(model), `secret-get ${uri} token`), "one\n");
  assertEquals(call(hook(model, { unit: "c/0" }), `secret-get ${uri}`), "ERROR permission denied\n");
  assertStringIncludes(
    call(hook(model), `secret-info-get ${uri}`),
    "  - target: unit-b-0\n    scope: relation-a.db#b.db\n",
  );

  const relation = model.relations[1];
  delete model.relations[1];
  assertEquals(call(consumer(model), `secret-get ${uri}`), "ERROR permission denied\n");
  if (relation) model.relations[1] = relation;
  const revoke = hook(model);
  call(revoke, `secret-revoke ${uri} --unit b/0`);
  assert(commit(revoke).ok);
  assertEquals(call(consumer(model), `secret-get ${uri}`), "ERROR permission denied\n");
  assertEquals(
    call(consumer(model), "secret-get 00000000000000000000"),
    'ERROR secret "00000000000000000000" not found\n',
  );
});

Deno.test("secrets: expiry, sizes and binary content", () => {
  const model = world();
  const run = hook(model);
  assertEquals(call(run, "secret-add --expire 90m token=abc").startsWith("secret:"), true);
  assertEquals([...run.secretAdds.values()][0]?.expiry, "2026-01-02T04:34:05Z");
  assertEquals(call(run, "secret-add --expire -1h token=abc"), 'ERROR negative expire duration "-1h" not valid\n');
  assertEquals(call(run, "secret-add to=abc"), 'ERROR key "to" not valid\n');
  assertEquals(call(run, "secret-add token="), 'ERROR key value "token=" not valid\n');
  assertStringIncludes(call(run, `secret-add token=${"x".repeat(800_000)}`), "too large");
  const uri = call(run, "secret-add token#base64=gIE=").trim();
  assertEquals(call(run, `secret-get ${uri}`), "token: !!binary gIE=\n");
  assertEquals(call(run, "secret-get http:abc"), 'ERROR secret URI "http:abc" not valid\n');
  assertEquals(call(run, "secret-remove http:abc"), 'ERROR secret URI scheme "http" not valid\n');
});
