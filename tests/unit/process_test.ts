import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { AgentError } from "../../hooks/errors.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { type ProcessOptions, processTransport } from "../../hooks/juju/process.ts";
import type { HookCommandTransport } from "../../hooks/juju/transport.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);

/** Runs a test with hook commands that are small shell scripts, by name. */
async function withCommands(
  scripts: Record<string, string>,
  test: (transport: HookCommandTransport, dir: string) => Promise<void>,
  options: Partial<ProcessOptions> = {},
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  for (const [name, script] of Object.entries(scripts)) {
    await Deno.writeTextFile(`${dir}/${name}`, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  const env = {
    PATH: `${dir}:/usr/bin:/bin`,
    JUJU_CONTEXT_ID: "app/0-install-00",
    JUJU_CHARM_DIR: dir,
    CHARM_DIR: dir,
    LANG: "C.UTF-8",
    SECRET_OF_THE_HOOK: "hunter2",
    LD_PRELOAD: "/nowhere.so",
  };
  const transport = processTransport({ environment: readJujuEnvironment(env), env, ...options });
  try {
    await test(transport, dir);
  } finally {
    transport.close();
    await Deno.remove(dir, { recursive: true });
  }
}

async function assertAgentError(promise: Promise<unknown>, ...texts: string[]): Promise<void> {
  const error = await assertRejects(() => promise, AgentError);
  assertEquals(error.message.includes("\n"), false);
  for (const part of texts) assertStringIncludes(error.message, part);
}

Deno.test("exit status, both outputs and arguments as they are", async () => {
  const script = `printf '%s|' "$@"; echo 'ERROR permission denied' >&2; exit 2`;
  await withCommands({ "relation-get": script }, async (transport) => {
    const reply = await transport.run("relation-get", ["--format=json", "", "a b", "$HOME;`id`", "grüße"]);
    assertEquals(reply.code, 2);
    assertEquals(text(reply.stdout), "--format=json||a b|$HOME;`id`|grüße|");
    assertEquals(text(reply.stderr), "ERROR permission denied\n");
  });
});

Deno.test("standard input goes in by a pipe, and is at its end when there is none", async () => {
  await withCommands({ "relation-set": "cat" }, async (transport) => {
    const large = "x".repeat(1_000_000);
    assertEquals(text((await transport.run("relation-set", ["--file", "-"], bytes(large))).stdout), large);
    assertEquals(text((await transport.run("relation-set", ["--file", "-"], bytes(""))).stdout), "");
    assertEquals(text((await transport.run("relation-set", ["--file", "-"])).stdout), "");
  });
});

Deno.test("a command that does not read its standard input is none the worse", async () => {
  await withCommands({ "relation-set": "exec 0<&-; echo done" }, async (transport) => {
    const reply = await transport.run("relation-set", [], new Uint8Array(1_000_000));
    assertEquals([reply.code, text(reply.stdout)], [0, "done\n"]);
  });
});

Deno.test("the command sees the charm directory and only what it needs of the environment", async () => {
  await withCommands({ "config-get": "pwd; env | grep -v '^_=' | sort" }, async (transport, dir) => {
    const lines = text((await transport.run("config-get", [])).stdout).trim().split("\n");
    assertEquals(lines[0], dir);
    const names = lines.slice(1).map((line) => line.split("=")[0]).filter((name) =>
      name !== "PWD" && name !== "SHLVL" && name !== "OLDPWD"
    );
    assertEquals(names, ["CHARM_DIR", "JUJU_CHARM_DIR", "JUJU_CONTEXT_ID", "LANG", "PATH"]);
  });
});

Deno.test("commands run one after the other, in order", async () => {
  const script = "mkdir lock || exit 1; echo $1 >> order; rmdir lock";
  await withCommands({ "state-set": script }, async (transport, dir) => {
    const replies = await Promise.all([1, 2, 3, 4, 5].map((number) => transport.run("state-set", [`${number}`])));
    assertEquals(replies.map(({ code }) => code), [0, 0, 0, 0, 0]);
    assertEquals(await Deno.readTextFile(`${dir}/order`), "1\n2\n3\n4\n5\n");
  });
});

Deno.test("a command that does not exist fails alone", async () => {
  await withCommands({ "is-leader": "echo true" }, async (transport, dir) => {
    const [missing, leader] = [transport.run("secret-get", ["hunter2"]), transport.run("is-leader", [])];
    const { code, stderr } = await missing;
    assertEquals(code, 1);
    assertStringIncludes(text(stderr), `ERROR hook command secret-get not found on PATH: ${dir}:/usr/bin:/bin`);
    assertEquals(text(stderr).includes("hunter2"), false);
    assertEquals(text((await leader).stdout), "true\n");
  });
});

Deno.test("a command that may not be executed counts as missing, as in a shell", async () => {
  await withCommands({ "is-leader": "echo true" }, async (transport, dir) => {
    await Deno.chmod(`${dir}/is-leader`, 0o644);
    const { code, stderr } = await transport.run("is-leader", []);
    assertEquals(code, 1);
    assertStringIncludes(text(stderr), "hook command is-leader not found on PATH");
  });
});

Deno.test("a command that prints without end is stopped", async () => {
  await withCommands({ "relation-get": "exec yes" }, async (transport) => {
    await assertAgentError(transport.run("relation-get", []), "relation-get printed more than the limit of 1000 bytes");
  }, { maxOutputBytes: 1000 });
});

Deno.test("a command that never ends is stopped, even when its children live on", async () => {
  await withCommands({ "relation-get": "sleep 10 & exec sleep 10" }, async (transport) => {
    const started = performance.now();
    await assertAgentError(transport.run("relation-get", []), "has not ended for 0.02 s; Juju will retry the hook");
    assertEquals(performance.now() - started < 8000, true);
  }, { replyTimeoutMs: 20 });
});

Deno.test("a command that is killed is an error, not a reply", async () => {
  await withCommands({ "relation-get": "kill -9 $$" }, async (transport) => {
    await assertAgentError(transport.run("relation-get", []), "relation-get was ended by SIGKILL");
  });
});

Deno.test("closing gives up what runs and what waits", async () => {
  await withCommands({ "relation-get": "exec sleep 3", "is-leader": "echo true" }, async (transport) => {
    const calls = [transport.run("relation-get", []), transport.run("is-leader", [])];
    const results = Promise.allSettled(calls);
    await Promise.resolve();
    transport.close();
    for (const result of await results) {
      assertEquals(result.status === "rejected" && result.reason instanceof AgentError, true);
    }
    await assertAgentError(transport.run("is-leader", []), "given up while the hook ended");
  });
});
