import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { buildWorld } from "../conformance/hook_commands_world.ts";
import { runCommand } from "../model/commands/registry.ts";
import { createHookRun, type HookRun, type HookRunOptions } from "../model/hook_run.ts";
import { runTool } from "../model/hook_tool.ts";

function start(setup: Record<string, unknown>, change: Partial<HookRunOptions> = {}): HookRun {
  const { world, options } = buildWorld({ unit: "a/0", ...setup });
  return createHookRun(world, { ...options, ...change });
}

function call(run: HookRun, line: string, dir = "/"): string {
  const [command = "", ...args] = line.split(" ");
  const outcome = runCommand(run, command, args, undefined, dir);
  if (!("code" in outcome)) throw new TypeError(`${command} did not answer`);
  const decoder = new TextDecoder();
  return decoder.decode(outcome.stdout) + decoder.decode(outcome.stderr);
}

const DB = { id: 2, endpoint: "db", remote_app: "b", databags: { "b/0": {} } };

Deno.test("status: set at once, read once per hook; the application's is the leader's", () => {
  const run = start({ leader: true, status: { status: "waiting", message: "for b" } });
  assertEquals(call(run, "status-get"), "waiting\n");
  assertEquals(call(run, "status-set active ready"), "");
  assertEquals(run.world.units["a/0"]?.status.status, "active");
  assertEquals(call(run, "status-get"), "waiting\n");
  assertEquals(run.statusWasSet, true);
  assertEquals(call(run, "status-set --application blocked no"), "");
  assertEquals(
    call(run, "status-get --application --format=json"),
    '{"application-status":{"status":"blocked","units":{"a/0":{"status":"active"}}}}\n',
  );
  const follower = start({});
  assertEquals(call(follower, "status-set --application active"), "ERROR this unit is not the leader\n");
  assertEquals(
    call(follower, "status-get --application"),
    "ERROR finding application status: this unit is not the leader\n",
  );
});

Deno.test("config is read once per hook", () => {
  const run = start({ config: { port: 80, name: null } });
  assertEquals(call(run, "config-get --format=json"), '{"port":80}\n');
  const app = run.world.applications.a;
  if (app) app.config = { port: 81, name: "x" };
  assertEquals(call(run, "config-get port"), "80\n");
  assertEquals(call(run, "config-get --all --format=json"), '{"name":null,"port":80}\n');
});

Deno.test("juju-log: prefix in relation hooks, unknown levels become INFO with a warning", () => {
  const run = start({ relations: [DB] }, { relationId: 2, kind: "relation-created" });
  assertEquals(call(run, "juju-log -l debug a b"), "");
  assertEquals(call(run, "juju-log --log-level LOUD c"), "");
  assertEquals(run.log.map(({ level, message }) => [level, message]), [
    ["DEBUG", "db:2: a b"],
    ["WARNING", 'Specified log level of "LOUD" is not valid'],
    ["INFO", "db:2: c"],
  ]);
});

Deno.test("goal-state is computed from the model", () => {
  const run = start({ relations: [DB], units: { "b/0": { status: { status: "active" } } } });
  assertEquals(
    call(run, "goal-state"),
    `units:
  a/0:
    status: unknown
    since: 2026-01-02 03:04:05Z
relations:
  db:
    b:
      status: joined
      since: 2026-01-02 03:04:05Z
    b/0:
      status: active
      since: 2026-01-02 03:04:05Z
`,
  );
});

Deno.test("storage: the hook's own instance is the default", () => {
  const storage = { "data/0": { kind: "filesystem", location: "/srv" }, "data-log/0": {} };
  const run = start({ storage, hook: { storage_id: "data/0" } });
  assertEquals(call(run, "storage-get --format=json"), '{"kind":"filesystem","location":"/srv"}\n');
  assertEquals(call(run, "storage-list data --format=json"), '["data/0"]\n');
  assertEquals(call(run, "storage-get -s data-log/0 kind"), "block\n");
  assertEquals(
    call(run, "storage-get -s nope kind"),
    'ERROR invalid value "nope" for option -s: invalid storage ID "nope"\n',
  );
  assertEquals(call(start({ storage }), "storage-get"), "ERROR no storage instance specified\n");
});

Deno.test("cloud credentials: none on kubernetes", () => {
  assertEquals(
    call(start({ model_type: "caas" }), "credential-get"),
    'ERROR cannot access cloud credentials: credential-get on a "caas" model not supported\n',
  );
  assertEquals(call(start({ cloud_spec: { type: "lxd" } }), "credential-get"), "type: lxd\n");
  assertEquals(
    call(start({ model_type: "caas" }), "open-port 80-90"),
    "ERROR port ranges are not supported for k8s applications, please specify a single port\n",
  );
});

Deno.test("payloads are checked against metadata.yaml and kept at once", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(join(dir, "metadata.yaml"), "name: a\npayloads:\n  web:\n    type: docker\n");
    const run = start({});
    assertEquals(call(run, "payload-register docker web 1 x y", dir), "");
    assertEquals(call(run, "payload-register docker db 1", dir), 'ERROR payload "db" not found in metadata.yaml\n');
    assertEquals(
      call(run, "payload-register kvm web 1", dir),
      'ERROR incorrect type "kvm" for payload "web", expected "docker"\n',
    );
    assertEquals(call(run, "payload-status-set web 1 stopped"), "");
    assertEquals(run.world.units["a/0"]?.payloads, {
      "web/1": { type: "docker", status: "stopped", labels: ["x", "y"] },
    });
    assertEquals(call(run, "payload-unregister web 1"), "");
    assertEquals(run.world.units["a/0"]?.payloads, {});
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("the hook tool says what its environment lacks, and when no agent listens", async () => {
  const tool = async (env: Record<string, string>) => {
    const readStdin = () => Promise.reject(new TypeError("standard input was read"));
    const reply = await runTool({ command: "is-leader", args: [], env, cwd: "/", readStdin });
    assertEquals(reply.code, 1);
    assertEquals(reply.stdout.length, 0);
    return new TextDecoder().decode(reply.stderr);
  };
  assertEquals(await tool({}), "ERROR JUJU_CONTEXT_ID not set\n");
  const env = {
    JUJU_CONTEXT_ID: "x",
    JUJU_AGENT_SOCKET_ADDRESS: "@nobody/listens/here",
    JUJU_AGENT_SOCKET_NETWORK: "unix",
  };
  assertEquals(await tool({ ...env, JUJU_AGENT_SOCKET_NETWORK: "" }), "ERROR JUJU_AGENT_SOCKET_NETWORK not set\n");
  assertStringIncludes(await tool(env), "ERROR cannot reach the unit agent");
});
