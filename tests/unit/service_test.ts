/** Services: what a spec may say, unit files, and what systemd says about a process. */
import { assert, assertEquals, assertMatch, assertNotMatch, assertThrows } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import type { ServiceSpec } from "../../interfaces/clients/service/service.ts";
import { serviceManager } from "../../interfaces/clients/service/service.ts";
import { checkSpec } from "../../interfaces/clients/service/spec.ts";
import { parseState } from "../../interfaces/clients/service/systemd.ts";
import { argument, quote, unitName, unitText } from "../../interfaces/clients/service/unit_text.ts";

const SPEC: ServiceSpec = {
  name: "etcd-0",
  description: "etcd of etcd/0",
  argv: ["/usr/bin/etcd", "--name", "etcd-0"],
  directory: "/var/lib/charmlet/etcd-0",
};

Deno.test("quote: what systemd would read otherwise is escaped", () => {
  assertEquals(quote("plain"), '"plain"');
  assertEquals(quote(""), '""');
  assertEquals(quote('a "b" \\c'), '"a \\"b\\" \\\\c"');
  assertEquals(quote("100%"), '"100%%"');
  assertEquals(quote("a\nb\tc\rd\x01\x7f"), '"a\\nb\\tc\\rd\\x01\\x7f"');
  assertEquals(quote("'single' ; & | `x` $HOME"), "\"'single' ; & | `x` $HOME\"");
  assertEquals(quote("größe"), '"größe"');
});

Deno.test("argument: a dollar sign begins no variable", () => {
  assertEquals(argument("$HOME ${X} $$"), '"$$HOME $${X} $$$$"');
});

Deno.test("unit text: everything of a spec is in it, each on a line of its own", () => {
  const text = unitText({
    ...SPEC,
    argv: ["/usr/sbin/mysqld", "--init=a b", "50%", 'q"$x'],
    user: "mysql",
    group: "adm",
    environment: { A: "1 2", B: "%n\nUser=root" },
    directory: "/srv/50% of it",
    restartExitCodes: [16, 17],
    stopTimeoutMs: 1500,
    openFiles: 4096,
  });
  const lines = text.split("\n");
  for (
    const line of [
      "Description=etcd of etcd/0",
      'ExecStart="/usr/sbin/mysqld" "--init=a b" "50%%" "q\\"$$x"',
      "WorkingDirectory=/srv/50%% of it",
      "User=mysql",
      "Group=adm",
      "Environment=MYSQLD_PARENT_PID=1",
      'Environment="A=1 2"',
      'Environment="B=%%n\\nUser=root"',
      "Restart=no",
      "RestartForceExitStatus=16 17",
      "TimeoutStopSec=1500ms",
      "LimitNOFILE=4096",
      "UMask=0022",
    ]
  ) assert(lines.includes(line), `${line} is in\n${text}`);
  assertNotMatch(text, /^\[Install\]/m, "nothing starts the service at boot");
  assertEquals(unitName("etcd-0"), "charmlet-etcd-0.service");
});

Deno.test("unit text: what a spec leaves out is left to systemd, and always means always", () => {
  const text = unitText({ ...SPEC, restart: "always" });
  assertMatch(text, /^Restart=always$/m);
  assertMatch(text, /^TimeoutStopSec=20000ms$/m);
  assertNotMatch(text, /^(User|Group|LimitNOFILE|RestartForceExitStatus)=/m);
  assertMatch(unitText({ ...SPEC, description: "100% of \\" }), /^Description=100%% of \/$/m);
});

Deno.test("spec: what could leave its place in a file, path or command line is refused", () => {
  checkSpec(SPEC);
  checkSpec({ ...SPEC, argv: ["/bin/x", "", "a\nb", "größe"], environment: { LD_LIBRARY_PATH: "/x" } });
  const bad: readonly Partial<ServiceSpec>[] = [
    { name: "" },
    { name: "a/b" },
    { name: "../x" },
    { name: "-a" },
    { name: "A" },
    { name: "a".repeat(65) },
    { description: "a\nExecStart=/bin/sh" },
    { description: "" },
    { argv: [] },
    { argv: ["etcd"] },
    { argv: ["/bin/$x"] },
    { argv: ["/bin/a b"] },
    { argv: ["/bin/x", "a\0b"] },
    { directory: "relative" },
    { directory: "/a\nUser=root" },
    { directory: "/a\\" },
    { user: "root\nx" },
    { user: "-x" },
    { user: "mysql", group: "a b" },
    { group: "mysql" },
    { environment: { "A=B": "1" } },
    { environment: { A: "a\0" } },
    { restartExitCodes: [256] },
    { restartExitCodes: [1.5] },
    { stopTimeoutMs: -1 },
    { stopTimeoutMs: NaN },
    { openFiles: 0 },
  ];
  for (const part of bad) {
    assertThrows(() => checkSpec({ ...SPEC, ...part }), InputError, undefined, Deno.inspect(part));
  }
});

Deno.test("state by systemd: running, ended by itself, by a signal, never started", () => {
  const say = (active: string, pid: number, code: number, status: number) =>
    parseState(`ActiveState=${active}\nMainPID=${pid}\nExecMainCode=${code}\nExecMainStatus=${status}\n`);
  assertEquals(say("active", 77, 0, 0), { running: true, pid: 77 });
  assertEquals(say("deactivating", 77, 0, 0), { running: true, pid: 77 });
  assertEquals(say("failed", 0, 1, 16), { running: false, exitCode: 16 });
  assertEquals(say("inactive", 0, 1, 0), { running: false, exitCode: 0 });
  assertEquals(say("failed", 0, 2, 9), { running: false, exitCode: 137 });
  assertEquals(say("inactive", 0, 0, 0), { running: false });
  assertEquals(parseState("nonsense"), { running: false });
});

Deno.test("service manager: the machine decides, or the caller", async () => {
  const kind = await Deno.lstat("/run/systemd/system").then(() => "systemd", () => "supervisor");
  assertEquals((await serviceManager()).kind, kind);
  assertEquals((await serviceManager({ kind: "systemd" })).kind, "systemd");
  assertEquals((await serviceManager({ kind: "supervisor" })).kind, "supervisor");
});
