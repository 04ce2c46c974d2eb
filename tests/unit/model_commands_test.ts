import { assertEquals, assertThrows } from "@std/assert";
import { join } from "node:path";
import { buildWorld } from "../conformance/hook_commands_world.ts";
import { commandsOf, HOOK_COMMANDS, runCommand } from "../model/commands/registry.ts";
import { createHookRun, type HookRun, type HookRunOptions } from "../model/hook_run.ts";
import type { WorldState } from "../model/state.ts";

type Setup = Record<string, unknown>;

function start(setup: Setup, change: Partial<HookRunOptions> = {}): { run: HookRun; world: WorldState } {
  const { world, options } = buildWorld({ unit: "a/0", ...setup });
  return { world, run: createHookRun(world, { ...options, ...change }) };
}

/** `stdout`, or `stderr` with the exit status in front. */
function call(run: HookRun, line: readonly string[], stdin?: string, dir = "/"): string {
  const [command = "", ...args] = line;
  const outcome = runCommand(run, command, args, stdin === undefined ? undefined : encode(stdin), dir);
  if ("rpcError" in outcome) return outcome.rpcError;
  if ("needsStdin" in outcome) return "needs stdin";
  const decoder = new TextDecoder();
  return outcome.code === 0 ? decoder.decode(outcome.stdout) : `${outcome.code} ${decoder.decode(outcome.stderr)}`;
}

const encode = (text: string) => new TextEncoder().encode(text);

const PEER = { id: 1, endpoint: "cluster", databags: { "a/0": { k: "own" }, "a/1": { k: "peer" }, a: { k: "app" } } };
const REGULAR = {
  id: 2,
  endpoint: "db",
  remote_app: "b",
  databags: { "a/0": { k: "own" }, "a/1": { k: "sibling" }, "b/0": { k: "remote" }, a: { k: "app" }, b: { k: "far" } },
};

Deno.test("relation-get follows the permission table of the contract", () => {
  const get = (leader: boolean, relation: number, ...args: string[]) =>
    call(start({ leader, relations: [PEER, REGULAR] }).run, ["relation-get", "-r", String(relation), "k", ...args]);
  const denied = "1 ERROR permission denied\n";
  for (const leader of [true, false]) {
    assertEquals(get(leader, 1, "a/0"), "own\n");
    assertEquals(get(leader, 1, "a/1"), "peer\n");
    assertEquals(get(leader, 2, "a/1"), "sibling\n");
    assertEquals(get(leader, 2, "b/0"), "remote\n");
    assertEquals(get(leader, 1, "a", "--app"), "app\n");
    assertEquals(get(leader, 2, "b", "--app"), "far\n");
    assertEquals(get(leader, 2, "c/0"), denied);
    assertEquals(get(leader, 2, "c", "--app"), denied);
    assertEquals(get(leader, 1, "b/0"), denied);
  }
  assertEquals(get(true, 2, "a", "--app"), "app\n");
  assertEquals(get(false, 2, "a", "--app"), denied);
  assertEquals(
    get(true, 2, "b/9"),
    '1 ERROR cannot read settings for unit "b/9" in relation "a:db b:db": unit "b/9": settings not found\n',
  );
});

Deno.test("relation-set: buffered writes are visible to their hook alone; non-leaders cannot write the application bag", () => {
  const { run, world } = start({ leader: true, relations: [PEER] });
  assertEquals(call(run, ["relation-set", "-r", "1", "k=", "new=v=w"]), "");
  assertEquals(call(run, ["relation-set", "-r", "1", "--app", "--file", "-", "k=2"], '{"n": 1.0, "k": 1}'), "");
  assertEquals(call(run, ["relation-get", "-r", "1", "--format=json", "-", "a/0"]), '{"new":"v=w"}\n');
  assertEquals(call(run, ["relation-get", "-r", "1", "--format=json", "--app", "-", "a"]), '{"k":"2","n":"1.0"}\n');
  assertEquals(world.relations[1]?.unitBags["a/0"], { k: "own" });
  const other = start({ relations: [PEER] }).run;
  assertEquals(call(other, ["relation-set", "-r", "1", "--app", "k=v"]), "1 ERROR cannot write relation settings\n");
});

Deno.test("relation-set: arguments and files that Juju refuses", () => {
  const { run } = start({ relations: [PEER] }, { relationId: 1 });
  const refused: [string[], string | undefined, string][] = [
    [["haha"], undefined, '2 ERROR expected "key=value", got "haha"\n'],
    [["=haha"], undefined, '2 ERROR expected "key=value", got "=haha"\n'],
    [["a=1", "a=2"], undefined, '2 ERROR key "a" specified more than once\n'],
    [["--file", "-"], undefined, "needs stdin"],
    [
      ["--file", "-"],
      "foo=bar ham=eggs",
      "1 ERROR yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `foo=bar...` into map[string]string\n",
    ],
    [
      ["--file", "-"],
      "[haha]",
      "1 ERROR yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]string\n",
    ],
    [["--file", "-"], "a: [1]", "1 ERROR yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into string\n"],
    [["--file", "none"], undefined, "1 ERROR open /nowhere/none: no such file or directory\n"],
  ];
  for (const [args, stdin, expected] of refused) {
    assertEquals(call(run, ["relation-set", ...args], stdin, "/nowhere"), expected, args.join(" "));
  }
  assertEquals(run.relations.get(1)?.unitWrites.size, 0);
  assertEquals(call(run, ["relation-set", "--file", "-"], "{a: b}\n{c: d}"), "");
  assertEquals([...run.relations.get(1)?.unitWrites ?? []], [["a", "b"]]);
});

Deno.test("relation-list and relation-ids: departed and broken hooks", () => {
  const departed = start({ relations: [PEER] }, { kind: "relation-departed", relationId: 1, remoteUnit: "a/1" }).run;
  assertEquals(call(departed, ["relation-list", "--format=json"]), "[]\n");
  assertEquals(call(departed, ["relation-get", "k"]), "peer\n");
  const broken = start({ relations: [REGULAR] }, { kind: "relation-broken", relationId: 2, remoteApp: "b" }).run;
  assertEquals(call(broken, ["relation-ids", "db", "--format=json"]), "[]\n");
  assertEquals(call(broken, ["relation-list", "-r", "db:2", "--format=json"]), "[]\n");
  assertEquals(call(broken, ["relation-get", "k"]), "far\n");
  assertEquals(call(broken, ["relation-list", "--app"]), "b\n");
});

Deno.test("remote unit bags stay cached between hooks until a relation hook names the unit", () => {
  const memory = { remoteBags: new Map() };
  const { world, run } = start({ relations: [REGULAR] }, { memory });
  const get = (hook: HookRun) => call(hook, ["relation-get", "-r", "2", "k", "b/0"]);
  assertEquals(get(run), "remote\n");
  const bags = world.relations[2]?.unitBags ?? {};
  bags["b/0"] = { k: "newer" };
  const options = { unit: "a/0", contextId: "x", memory };
  assertEquals(get(createHookRun(world, { ...options, kind: "update-status" })), "remote\n");
  const named = { ...options, kind: "relation-changed", relationId: 2, remoteUnit: "b/0" };
  assertEquals(get(createHookRun(world, named)), "newer\n");
  bags["b/0"] = { k: "newest" };
  assertEquals(get(createHookRun(world, { ...named, kind: "relation-departed" })), "newest\n");
});

Deno.test("leadership: a refusal is final for the hook; leader-set takes effect at once", () => {
  const { world, run } = start({ leader: false, leader_settings: { a: "1" } });
  const app = world.applications.a;
  assertEquals(call(run, ["is-leader", "--format=json"]), "false\n");
  if (app) app.leader = "a/0";
  assertEquals(call(run, ["is-leader"]), "False\n");
  assertEquals(
    call(run, ["leader-set", "x=y"]),
    "1 ERROR cannot write leadership settings: cannot write settings: not the leader\n",
  );
  const next = createHookRun(world, { unit: "a/0", kind: "update-status", contextId: "y" });
  assertEquals(call(next, ["leader-get", "--format=json"]), '{"a":"1"}\n');
  assertEquals(call(next, ["leader-set", "x=y", "a="]), "");
  assertEquals(app?.leaderSettings, { x: "y" });
  assertEquals(call(next, ["leader-get", "--format=json"]), '{"x":"y"}\n');
});

Deno.test("state: limits, empty values and deletion", () => {
  const { run } = start({ state: { one: "1" } });
  const set = (pair: string) => call(run, ["state-set", pair]);
  assertEquals(set(`${"k".repeat(257)}=v`), "1 ERROR max allowed key length (256) exceeded\n");
  assertEquals(set(`${"k".repeat(256)}=v`), "");
  assertEquals(set(`big=${"é".repeat(32769)}`), "1 ERROR max allowed value length (65536) exceeded\n");
  assertEquals(set(`big=${"é".repeat(32768)}`), "");
  assertEquals(set("one="), "");
  assertEquals(call(run, ["state-get", "--strict", "one"]), "");
  assertEquals(call(run, ["state-get", "--format=json", "one"]), '""\n');
  assertEquals(call(run, ["state-delete", "one"]), "");
  assertEquals(call(run, ["state-get", "--strict", "one"]), '1 ERROR "one" not found\n');
});

Deno.test("ports: conflicts, repeats and pending changes", () => {
  const { run } = start({
    open_ports: [["", "80/tcp"]],
    units: { "y/0": { machine: "0", open_ports: [["", "90/udp"]] } },
  });
  assertEquals(call(run, ["open-port", "80/TCP"]), "");
  assertEquals(run.portsOpened.length, 0);
  assertEquals(
    call(run, ["open-port", "80-90"]),
    '1 ERROR cannot open 80-90/tcp (unit "a/0"): port range conflicts with 80/tcp (unit "a/0")\n',
  );
  assertEquals(
    call(run, ["open-port", "85-95/udp"]),
    '1 ERROR cannot open 85-95/udp (unit "a/0"): port range conflicts with 90/udp (unit "y/0")\n',
  );
  assertEquals(call(run, ["open-port", "icmp"]), "");
  assertEquals(call(run, ["open-port", "--endpoints", "x, y", "100-200"]), "");
  assertEquals(
    call(run, ["open-port", "150"]),
    '1 ERROR cannot open 150/tcp (unit "a/0"): port range conflicts with 100-200/tcp (unit "a/0") requested earlier\n',
  );
  assertEquals(call(run, ["close-port", "80"]), "");
  assertEquals(call(run, ["opened-ports", "--endpoints"]), "icmp (*)\n100-200/tcp (x, y)\n");
  assertEquals(
    call(run, ["open-port", "99999"]),
    "2 ERROR port range bounds must be between 0 and 65535, got 99999-99999\n",
  );
  assertEquals(
    call(run, ["open-port", "80/sctp"]),
    '2 ERROR invalid protocol "sctp", expected "tcp", "udp", or "icmp"\n',
  );
});

Deno.test("action-set nests, replaces, and refuses reserved keys before it changes anything", () => {
  const { run } = start({ action: { params: { list: [1, "x"], deep: { on: true } } } });
  assertEquals(call(run, ["action-set", "a.b=1", "a.c.d=2", "e=3"]), "");
  assertEquals(call(run, ["action-set", "a.b.x=4", "e.f=5"]), "");
  assertEquals(run.action.results, { a: { b: { x: "4" }, c: { d: "2" } }, e: { f: "5" } });
  assertEquals(call(run, ["action-set", "z=1", "a.stdout=2"]), '2 ERROR cannot set reserved action key "stdout"\n');
  assertEquals(call(run, ["action-set", "a=1"]), "");
  assertEquals(run.action.results, { a: "1", e: { f: "5" } });
  assertEquals(call(run, ["action-get", "list"]), "- 1\n- x\n");
  assertEquals(call(run, ["action-get", "deep.on"]), "True\n");
  assertEquals(call(run, ["action-get", "--format=json", "list.0"]), "null\n");
  assertEquals(call(start({}).run, ["action-get"]), "1 ERROR not running an action\n");
  assertEquals(call(run, ["juju-reboot"]), "1 ERROR juju-reboot is not supported when running an action.\n");
});

Deno.test("network-get: an endpoint has the unit's address, json and yaml differ in old names", () => {
  const { run } = start({ address: "10.0.0.5", relations: [PEER] });
  assertEquals(
    call(run, ["network-get", "cluster", "--bind-address", "--egress-subnets", "--format=json"]),
    '{"bind-address":"10.0.0.5","egress-subnets":["10.0.0.5/32"]}\n',
  );
  const json = JSON.parse(call(run, ["network-get", "cluster", "--format=json"]));
  assertEquals(Object.keys(json), ["bind-addresses", "egress-subnets", "ingress-addresses"]);
  assertEquals(call(run, ["network-get", "cluster"]).match(/^ {4}address: /m)?.length, 1);
  assertEquals(call(run, ["network-get", "nope"]), '1 ERROR no network config found for binding "nope"\n');
});

Deno.test("which commands exist depends on the release", () => {
  const missing = (line: number) => HOOK_COMMANDS.filter((name) => !commandsOf(line).includes(name));
  assertEquals(missing(306), []);
  assertEquals(missing(305), ["relation-model-get"]);
  assertEquals(missing(400), [
    "leader-get",
    "leader-set",
    "payload-register",
    "payload-status-set",
    "payload-unregister",
  ]);
  assertEquals(missing(209).filter((name) => !name.startsWith("secret-")), ["relation-model-get"]);
  assertEquals(call(start({ juju_version: "4.0.1" }).run, ["leader-get"]), "bad request: unknown command: leader-get");
  assertEquals(call(start({}).run, ["rm", "-rf"]), "bad request: unknown command: rm");
});

Deno.test("help and flag errors", () => {
  const { run } = start({ relations: [PEER] }, { relationId: 1, remoteUnit: "a/1" });
  const help = call(run, ["relation-get", "--help"]);
  assertEquals(help.split("\n")[0], "Usage: relation-get [options] [<key> [<unit id>]]");
  assertEquals(help.includes('Current default unit id is "a/1".\n'), true);
  assertEquals(call(run, ["config-get", "--nope"]), "2 ERROR option provided but not defined: --nope\n");
  assertEquals(call(run, ["config-get", "-x"]), "2 ERROR option provided but not defined: -x\n");
  assertEquals(call(run, ["juju-log", "-l"]), "2 ERROR option needs an argument: -l\n");
  assertEquals(
    call(run, ["is-leader", "--format", "bad"]),
    '2 ERROR invalid value "bad" for option --format: unknown format "bad"\n',
  );
  assertEquals(call(run, ["config-get", "a", "b", "c"]), '2 ERROR unrecognized args: ["b" "c"]\n');
  assertEquals(
    call(run, ["goal-state", "--format=smart"]),
    '2 ERROR invalid value "smart" for option --format: unknown format "smart"\n',
  );
});

Deno.test("--output writes a file beside the caller and leaves stdout empty", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { run } = start({ config: { monsters: false } });
    assertEquals(call(run, ["config-get", "--output", "some-file", "monsters"], undefined, dir), "");
    assertEquals(await Deno.readTextFile(join(dir, "some-file")), "False\n");
    assertEquals(
      call(run, ["config-get", "-o", "no/dir", "monsters"], undefined, dir),
      `1 ERROR open ${dir}/no/dir: no such file or directory\n`,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a hook of what is not in the model is refused", () => {
  const { world, options } = buildWorld({ unit: "a/0" });
  assertThrows(() => createHookRun(world, { ...options, unit: "z/0" }), RangeError, "unit z/0 is not in the model");
  assertThrows(() => createHookRun(world, { ...options, relationId: 7 }), RangeError, "a/0 has no relation 7");
  assertThrows(() => createHookRun(world, { ...options, storageId: "data/0" }), RangeError, "has no storage data/0");
  assertThrows(() => createHookRun(world, { ...options, actionId: "9" }), RangeError, "action 9 is not in the model");
});
