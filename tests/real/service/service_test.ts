/** The supervisor with real processes: what survives, what comes back, what is never there twice. */
import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../../interfaces/clients/errors.ts";
import { unitName, unitText } from "../../../interfaces/clients/service/unit_text.ts";
import { hook, inWorkplace, kill, SERVER, textOf, until } from "./workplace.ts";

const isRoot = Deno.uid() === 0;
const modeOf = async (path: string) => ((await Deno.stat(path)).mode ?? 0) & 0o7777;

async function openIn(pid: number): Promise<string[]> {
  const targets: string[] = [];
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    targets.push(await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => ""));
  }
  return targets;
}

Deno.test("start: a server that asks for more open files than there may be gets the most there may be", () =>
  inWorkplace(async ({ directory, services, spec }) => {
    const server = await spec(`ulimit -n >"$1/files"\n${SERVER}`, { openFiles: 1024 * 1024 }, [directory]);
    await services.start(server);
    await until("the server has written its limit", async () => await textOf(`${directory}/files`) !== "");
    const { stdout } = await new Deno.Command("sh", { args: ["-c", "ulimit -Hn"] }).output();
    const most = new TextDecoder().decode(stdout);
    // Where root may raise its own limit, it gets what it asked for.
    assert([most, "1048576\n"].includes(await textOf(`${directory}/files`)), most);
    await services.stop(server);
  }));

Deno.test("start: the server outlives the hook, in a session of its own, and holds none of its pipes", () =>
  inWorkplace(async ({ directory, services, spec, processes, loop }) => {
    const server = await spec(`env >"$1/env"\numask >"$1/umask"\nulimit -n >"$1/files"\n${SERVER}`, {
      openFiles: 256,
      environment: { LITTLE: "yes" },
    }, [directory]);
    const { code, stderr } = await hook("start", server).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals(code, 0, "and the end of both pipes was reached though the server runs");
    const { running, pid = 0 } = await services.state(server);
    assertEquals(running, true);
    const [, parent, , session] = (await Deno.readTextFile(`/proc/${pid}/stat`)).replace(/^.*\) /, "").split(" ");
    assertEquals(Number(parent), await loop(server), "the loop is the direct parent");
    assertEquals(Number(session), await loop(server), "and leads the session");
    await until("the server has written what it got", async () => await textOf(`${directory}/files`) !== "");
    assertEquals(await textOf(`${directory}/umask`), "0022\n");
    assertEquals(await textOf(`${directory}/files`), "256\n");
    const environment = await textOf(`${directory}/env`);
    assertStringIncludes(environment, "LITTLE=yes\n");
    assertStringIncludes(environment, `MYSQLD_PARENT_PID=${parent}\n`);
    assert(!environment.includes("JUJU_"), environment);
    // Whoever runs this test may hand on descriptors of its own.
    const handedOn = new Set(await openIn(Deno.pid));
    for (const target of [pid, await loop(server)]) {
      const held = (await openIn(target)).filter((open) => /^(pipe|socket):/.test(open) && !handedOn.has(open));
      assertEquals(held, [], `of ${target}`);
    }
    for (const suffix of ["pid", "log", "loop", "lock"]) {
      assertEquals(await modeOf(`${directory}/little-0.${suffix}`), 0o600, suffix);
    }
    assertEquals((await hook("stop", server).output()).code, 0);
    assertEquals(await services.state(server), { running: false, exitCode: 3 });
    assertEquals(await services.install(server), true);
    assertEquals(await services.install(server), false);
    assertEquals(await services.install({ ...server, openFiles: 257 }), true);
    await until("nothing is left", async () => (await processes()).length === 0);
    await services.remove(server);
    assertEquals([...Deno.readDirSync(directory)].filter(({ name }) => name.startsWith("little")), []);
    await services.remove(server);
  }));

Deno.test("arguments reach the server as they are", () =>
  inWorkplace(async ({ directory, services, spec }) => {
    const args = ["a b", "", "$HOME `id` $(id)", "* ? [a]", "q\"u'o\\te", "line\nbreak", "-n", "größe"];
    const server = await spec(`for arg; do printf '%s\\000' "$arg" >>args.new; done\nmv args.new args\n`, {}, args);
    await services.start(server);
    const path = `${directory}/args`;
    await until("the arguments are written", async () => await textOf(path) !== "");
    assertEquals((await textOf(path)).split("\0").slice(0, -1), args);
  }));

Deno.test("exit codes that mean so start it again, with the same parent; others do not", () =>
  inWorkplace(async ({ services, spec, processes, directory }) => {
    const server = await spec(
      `echo "start $PPID $MYSQLD_PARENT_PID" >>starts
case $(wc -l <starts) in 1|2) exit 16 ;; 3) while [ ! -e end ]; do sleep 0.05; done; exit 17 ;; esac
`,
      { restartExitCodes: [16] },
    );
    await services.start(server);
    const starts = async () => (await textOf(`${directory}/starts`)).trim().split("\n");
    await until("it has started for the third time", async () => (await starts()).length === 3);
    assertEquals(new Set(await starts()).size, 1);
    assertMatch((await starts())[0] ?? "", /^start (\d+) \1$/);
    await until("it runs", async () => (await services.state(server)).running);
    assertEquals((await services.state(server)).exitCode, undefined);
    await Deno.writeTextFile(`${directory}/end`, "");
    await until("all has ended", async () => (await processes()).length === 0);
    assertEquals(await services.state(server), { running: false, exitCode: 17 });
    assertEquals((await starts()).length, 3);
    assertStringIncludes(await services.logTail(server, 1), "exit code 17");
  }));

Deno.test("kill -9 of the server: seen, left alone, and it can be started again", () =>
  inWorkplace(async ({ services, spec, processes }) => {
    const server = await spec(SERVER);
    await services.start(server);
    const { pid = 0 } = await services.state(server);
    await services.start(server);
    assertEquals((await services.state(server)).pid, pid, "starting it again does nothing");
    kill(pid);
    await until("it has ended", async () => (await services.state(server)).exitCode === 137);
    await services.start(server);
    const again = await services.state(server);
    assertEquals(again.running, true);
    assertNotEquals(again.pid, pid);
    await services.stop(server);
    await until("nothing is left", async () => (await processes()).length === 0);
  }));

Deno.test("kill -9 of the loop: the server still counts, is not started twice, and can be stopped", () =>
  inWorkplace(async ({ services, spec, processes, loop }) => {
    const server = await spec(SERVER);
    await services.start(server);
    const before = await services.state(server);
    kill(await loop(server));
    assertEquals(await services.state(server), before);
    await services.start(server);
    assertEquals(await services.state(server), before);
    await services.restart(server);
    const after = await services.state(server);
    assert(after.running && after.pid !== before.pid);
    kill(await loop(server));
    await services.stop(server);
    assertEquals((await services.state(server)).running, false);
    await until("nothing is left", async () => (await processes()).length === 0);
  }));

Deno.test("kill -9 of both: seen, and it can be started again", () =>
  inWorkplace(async ({ services, spec, loop }) => {
    const server = await spec(SERVER, { restart: "always" });
    await services.start(server);
    kill(await loop(server));
    kill((await services.state(server)).pid ?? 0);
    await until("it has ended", async () => !(await services.state(server)).running);
    assertEquals(await services.state(server), { running: false }, "nobody saw how");
    await services.start(server);
    assertEquals((await services.state(server)).running, true);
    await services.stop(server);
  }));

Deno.test("always: it comes back after any end, until it is stopped", () =>
  inWorkplace(async ({ services, spec, processes }) => {
    const server = await spec(SERVER, { restart: "always" });
    await services.start(server);
    let { pid = 0 } = await services.state(server);
    for (let round = 0; round < 2; round++) {
      kill(pid);
      await until("another one runs", async () => {
        const state = await services.state(server);
        return state.running && state.pid !== pid;
      });
      pid = (await services.state(server)).pid ?? 0;
    }
    kill(pid);
    await until("the loop pauses", async () => !(await services.state(server)).running);
    await services.stop(server);
    await until("nothing is left, also not what a pause is made of", async () => (await processes()).length === 0);
    assertEquals((await services.state(server)).running, false);
  }));

Deno.test("a pid file that names another's process, or is of another start of the machine, means nothing", () =>
  inWorkplace(async ({ directory, services, spec }) => {
    const server = await spec(SERVER);
    await services.start(server);
    const path = `${directory}/little-0.pid`;
    const [mine = "", loop = "", boot = ""] = (await Deno.readTextFile(path)).split("\n");
    await services.stop(server);
    const bystander = new Deno.Command("sleep", { args: ["1000"], stdin: "null" }).spawn();
    try {
      const stat = (await Deno.readTextFile(`/proc/${bystander.pid}/stat`)).replace(/^.*\) /, "").split(" ");
      const itself = `${bystander.pid} ${stat[19]}`;
      const other = `${bystander.pid} ${mine.split(" ")[1]}`;
      const texts = [
        `${other}\n${other}\n${boot}\n`,
        `${itself}\n${itself}\n${crypto.randomUUID()}\n`,
        `${bystander.pid}\n`,
        `-1 1\n-1 1\n${boot}\n`,
        "junk",
        "",
      ];
      for (const text of texts) {
        await Deno.writeTextFile(path, text);
        assertEquals((await services.state(server)).running, false, text);
        await services.stop(server);
        await services.kill(server);
        await services.start(server);
        const { running, pid } = await services.state(server);
        assert(running && pid !== bystander.pid, text);
        await services.stop(server);
      }
      await Deno.writeTextFile(path, `${itself}\n${loop}\n${boot}\n`);
      assertEquals((await services.state(server)).pid, bystander.pid, "what the file should look like");
    } finally {
      kill(bystander.pid);
      const { signal } = await bystander.status;
      assertEquals(signal, "SIGKILL", "nobody else ended it");
    }
  }));

Deno.test("stop: a server that does not listen gets KILL, with its children; so does one that is killed", () =>
  inWorkplace(async ({ services, spec, processes }) => {
    const server = await spec(`trap '' TERM\n(trap '' TERM; sleep 1000) &\nwhile :; do sleep 1000; done\n`, {
      stopTimeoutMs: 300,
      restart: "always",
    });
    for (const end of ["stop", "kill"] as const) {
      await services.start(server);
      await until("it has its children", async () => (await processes()).length >= 4);
      await services[end](server);
      assertEquals((await services.state(server)).running, false);
      await until(`nothing is left after ${end}`, async () => (await processes()).length === 0);
    }
    await services.stop(server);
    await services.kill(server);
  }));

Deno.test("many hooks that start it at the same time: one server", () =>
  inWorkplace(async ({ directory, services, spec, processes }) => {
    const server = await spec(`echo $$ >>starts\n${SERVER}`);
    const ends = await Promise.all(Array.from({ length: 4 }, () => hook("start", server).output()));
    assertEquals(ends.map(({ code }) => code), [0, 0, 0, 0]);
    await until("it has written that it runs", async () => await textOf(`${directory}/starts`) !== "");
    assertEquals((await textOf(`${directory}/starts`)).trim(), `${(await services.state(server)).pid}`);
    await services.stop(server);
    await until("nothing is left", async () => (await processes()).length === 0);
  }));

Deno.test("hooks that are killed while they start it: the next one leaves exactly one server", () =>
  inWorkplace(async ({ directory, services, spec, processes }) => {
    const server = await spec(`echo $$ >>starts\n${SERVER}`);
    for (let delay = 20; delay <= 200; delay += 20) {
      const killed = hook("start", server);
      await new Promise((resolve) => setTimeout(resolve, delay));
      kill(killed.pid);
      await killed.output();
      await services.start(server);
      const { running, pid } = await services.state(server);
      assert(running);
      await until("it has written that it runs", async () => await textOf(`${directory}/starts`) !== "");
      assertEquals((await textOf(`${directory}/starts`)).trim(), `${pid}`, `killed after ${delay} ms`);
      await services.stop(server);
      await until("nothing is left", async () => (await processes()).length === 0);
      await Deno.remove(`${directory}/starts`);
    }
  }));

Deno.test("a hook that was killed had started it: its server says who it is while the next hook starts one", () =>
  inWorkplace(async ({ directory, services, spec }) => {
    const server = await spec(`echo $$ >>starts\n${SERVER}`);
    await services.start(server);
    await until("it has written that it runs", async () => await textOf(`${directory}/starts`) !== "");
    const { pid } = await services.state(server);
    const [file, log] = [`${directory}/little-0.pid`, `${directory}/little-0.log`];
    await Deno.rename(file, `${file}.later`);
    // The next hook stops where it opens the log: nobody reads this one yet.
    await Deno.remove(log);
    assert((await new Deno.Command("mkfifo", { args: [log] }).output()).success);
    const next = hook("start", server);
    const tried = new Deno.Command("flock", { args: ["--nonblock", `${directory}/little-0.lock`, "true"] });
    await until("it has the lock", async () => !(await tried.output()).success);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await Deno.rename(`${file}.later`, file);
    const reader = new Deno.Command("cat", { args: [log], stdout: "null" }).spawn();
    assertEquals((await next.output()).code, 0);
    assertEquals((await services.state(server)).pid, pid);
    assertEquals((await textOf(`${directory}/starts`)).trim(), `${pid}`);
    await services.stop(server);
    kill(reader.pid);
    await reader.status;
  }));

Deno.test({
  name: "user: the server runs as it, with its groups and the usual umask; its log stays ours (needs root)",
  ignore: !isRoot,
  fn: () =>
    inWorkplace(async ({ directory, services, spec }) => {
      const server = await spec(`echo "$(id -un) $(id -gn) $(umask)"\n${SERVER}`, { user: "daemon" });
      await services.start(server);
      await until("it has said who it is", async () => await services.logTail(server, 5) !== "");
      assertEquals(await services.logTail(server, 5), "daemon daemon 0022");
      await services.restart({ ...server, group: "adm" });
      await until("it has said so again", async () => (await services.logTail(server, 5)).includes("adm"));
      assertStringIncludes(await services.logTail(server, 1), "daemon adm 0022");
      assertEquals((await Deno.stat(`${directory}/little-0.log`)).uid, 0);
      await services.stop(server);
      const refused = { ...server, user: "charmlet-no-such-user" };
      await assertRejects(() => services.start(refused), InputError, "has no user charmlet-no-such-user");
    }),
});

Deno.test("log: a new one when it has grown too large; its last lines can be read", () =>
  inWorkplace(async ({ directory, services, spec }) => {
    const server = await spec(`i=0\nwhile [ $i -lt 50 ]; do i=$((i+1)); echo "line $i"; done\n${SERVER}`);
    assertEquals(await services.logTail(server, 5), "");
    await Deno.writeTextFile(`${directory}/little-0.log`, "x".repeat(11 * 1024 * 1024));
    await services.start(server);
    await until("all is written", async () => (await services.logTail(server, 2)).includes("line 50"));
    assertEquals(await services.logTail(server, 2), "line 49\nline 50");
    assertEquals((await Deno.stat(`${directory}/little-0.log.1`)).size, 11 * 1024 * 1024);
    assert((await Deno.stat(`${directory}/little-0.log`)).size < 1000);
    await services.stop(server);
  }));

Deno.test("log: that of a running server is emptied when it has grown too large, and the server writes on", () =>
  inWorkplace(async ({ directory, services, spec }) => {
    const log = `${directory}/little-0.log`;
    const server = await spec(`trap 'exit 3' TERM\ni=0\nwhile :; do i=$((i+1)); echo "line $i"; sleep 0.05; done\n`);
    await services.start(server);
    await until("it writes", async () => await services.logTail(server, 1) !== "");
    await services.trimLog(server);
    await assertRejects(() => Deno.stat(`${log}.1`), Deno.errors.NotFound);
    await Deno.writeTextFile(log, `${"x".repeat(1023)}\n`.repeat(11 * 1024), { append: true });
    await services.trimLog(server);
    assertEquals((await Deno.stat(`${log}.1`)).mode! % 0o1000, 0o600);
    assert((await Deno.stat(`${log}.1`)).size > 11 * 1024 * 1024);
    await until("it writes on", async () => /^line \d+$/.test(await services.logTail(server, 1)));
    assert((await Deno.stat(log)).size < 100_000);
    await services.stop(server);
  }));

Deno.test("what cannot work is refused before anything starts", () =>
  inWorkplace(async ({ directory, services, spec, processes }) => {
    const server = await spec(SERVER);
    const missing = { ...server, argv: ["/no/such/program"] };
    await assertRejects(() => services.start(missing), InputError, "install the package");
    const elsewhere = { ...server, directory: `${directory}/none` };
    await assertRejects(() => services.start(elsewhere), InputError, "make it first");
    await Deno.chmod(directory, 0o777);
    await assertRejects(() => services.start(server), InputError, "writable to nobody else");
    assertEquals(await processes(), []);
  }));

Deno.test("systemd accepts the unit files", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/${unitName("little-0")}`;
    const text = unitText({
      name: "little-0",
      description: "50% of a little server",
      argv: ["/bin/sh", "-c", 'echo "$HOME" %n \\ ; exit 16', "", "größe", "line\nbreak"],
      user: "daemon",
      group: "adm",
      environment: { A: 'x "y" 50% $z' },
      directory: "/var/tmp",
      restartExitCodes: [16, 17],
      stopTimeoutMs: 1500,
      openFiles: 1024,
    });
    await Deno.writeTextFile(path, text);
    const verify = async () => {
      const command = new Deno.Command("systemd-analyze", { args: ["verify", "--man=no", path], stdin: "null" });
      const { code, stderr } = await command.output();
      const said = new TextDecoder().decode(stderr).split("\n").filter((line) => line.includes("little-0"));
      return { code, said };
    };
    try {
      assertEquals(await verify(), { code: 0, said: [] });
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      console.log("SKIPPED: systemd's own check of unit files: this machine has no systemd-analyze");
      return;
    }
    await Deno.writeTextFile(path, text.replace("Restart=no", "Restart=nonsense"));
    assert((await verify()).said.length > 0, "the check finds mistakes");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
