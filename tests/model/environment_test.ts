/** The executable started as nobody should start it: each time one clear line and the right exit status. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { executableOf } from "./built_charm.ts";

/** A hook environment with no agent behind it. */
function hookEnvironment(charmDir: string): Record<string, string> {
  return {
    PATH: "/usr/bin:/bin",
    JUJU_CONTEXT_ID: "probe/0-update-status-1",
    JUJU_DISPATCH_PATH: "hooks/update-status",
    JUJU_HOOK_NAME: "update-status",
    JUJU_AGENT_SOCKET_NETWORK: "unix",
    JUJU_AGENT_SOCKET_ADDRESS: `${charmDir}/no-agent.socket`,
    JUJU_CHARM_DIR: charmDir,
    JUJU_UNIT_NAME: "probe/0",
  };
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function start(
  change: (env: Record<string, string>, charmDir: string) => Promise<void> | void,
  args: string[] = [],
): Promise<Ran> {
  const executable = await executableOf("tests/charms/probe/charm.ts", "probe");
  const charmDir = await Deno.makeTempDir();
  try {
    await Deno.copyFile("tests/charms/probe/metadata.yaml", `${charmDir}/metadata.yaml`);
    const env = hookEnvironment(charmDir);
    await change(env, charmDir);
    const { code, stdout, stderr } = await new Deno.Command(executable, { args, env, clearEnv: true, cwd: charmDir })
      .output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replaceAll(charmDir, "CHARM");
    return { code, stdout: text(stdout), stderr: text(stderr) };
  } finally {
    await Deno.remove(charmDir, { recursive: true });
  }
}

function assertOneLine({ code, stderr }: Ran, line: RegExp): void {
  assertEquals(code, 1, stderr);
  assertEquals(stderr.trim().split("\n").length, 1, stderr);
  assertMatch(stderr, line);
}

Deno.test("no context id", async () => {
  const ran = await start((env) => void delete env.JUJU_CONTEXT_ID);
  assertOneLine(ran, /^charmlet: update-status: JUJU_CONTEXT_ID is not set: .*juju exec/);
});

Deno.test("no agent behind the socket, and no hook commands on PATH", async () => {
  assertOneLine(
    await start(() => {}),
    /^charmlet: update-status: .*is-leader not found on PATH: .*; run this as a hook/,
  );
});

Deno.test("no agent behind the socket, and the native protocol asked for", async () => {
  const ran = await start((env) => void (env.CHARMLET_HOOK_COMMANDS = "native"));
  assertOneLine(ran, /^charmlet: update-status: cannot reach the unit agent at unix CHARM\/no-agent\.socket/);
});

Deno.test("a kind of hook commands that does not exist", async () => {
  const ran = await start((env) => void (env.CHARMLET_HOOK_COMMANDS = "fast"));
  assertOneLine(ran, /CHARMLET_HOOK_COMMANDS is "fast"; set it to native or process, or unset it/);
});

Deno.test("no metadata.yaml", async () => {
  const ran = await start((_env, dir) => Deno.remove(`${dir}/metadata.yaml`));
  assertOneLine(ran, /metadata\.yaml/);
});

Deno.test("YAML that cannot be read is told with file, line and column", async () => {
  const ran = await start((_env, dir) => Deno.writeTextFile(`${dir}/metadata.yaml`, "name: probe\npeers: [a\nx: y\n"));
  assertOneLine(ran, /metadata\.yaml:\d+:\d+/);
});

Deno.test("metadata that makes no sense is told with file, line and column", async () => {
  const text = "name: probe\nsummary: s\ndescription: d\npeers:\n  crew: {}\n";
  const ran = await start((_env, dir) => Deno.writeTextFile(`${dir}/metadata.yaml`, text));
  assertOneLine(ran, /metadata\.yaml:5:\d+/);
});

Deno.test("a dispatch path that is none", async () => {
  const ran = await start((env) => void (env.JUJU_DISPATCH_PATH = "../../etc/passwd"));
  assertOneLine(ran, /JUJU_DISPATCH_PATH is "\.\.\/\.\.\/etc\/passwd"/);
});

const USAGE: [string[], RegExp][] = [
  [["--no-such-option"], /there is no option --no-such-option; see: charmlet --help/],
  [["no-such-command"], /there is no command no-such-command/],
  [["link"], /name the charm's directory: charmlet link CHARM_DIR/],
  [["link", ".", "--dispatch", "--handled"], /--dispatch serves every hook: leave out --handled/],
  [["completions", "tcsh"], /name a shell/],
  [["--explain", ""], /name a hook/],
];
for (const [args, message] of USAGE) {
  Deno.test(`arguments that make no sense: ${args.join(" ")}`, async () => {
    const { code, stderr } = await start(() => {}, args);
    assertEquals(code, 2, stderr);
    assertMatch(stderr, message);
  });
}

Deno.test("--version, --help, --list and --explain need no hook environment", async () => {
  const bare = (env: Record<string, string>) => {
    for (const name of Object.keys(env)) if (name.startsWith("JUJU_")) delete env[name];
  };
  assertMatch((await start(bare, ["--version"])).stdout, /^charmlet \d+\.\d+\.\d+\n$/);
  assertMatch((await start(bare, ["--help"])).stdout, /Usage:/);
  const list = await start(bare, ["--list"]);
  assertMatch(list.stdout, /^crew-relation-changed +hook +crew:changed$/m);
  assertMatch(list.stdout, /^upgrade-charm +hook +@charmlet:upgradeCharm +read, write$/m);
  const explained = await start(bare, ["--explain", "crew-relation-changed"]);
  assertMatch(explained.stdout, /runs crew:changed/);
  const unknown = await start(bare, ["--explain", "db-relation-changed"]);
  assertOneLine(unknown, /db-relation-changed is no hook or action of probe; list them with: charmlet --list/);
});

Deno.test("completions are shell scripts", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await start(() => {}, ["completions", shell]);
    assertEquals(code, 0);
    assert(stdout.includes("--dry-run") || stdout.includes("dry-run"), shell);
  }
});
