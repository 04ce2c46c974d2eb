/** Packages: what dpkg and apt say. */
import { assertEquals, assertNotMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import {
  allowStartsAgain,
  ensurePackages,
  explain,
  FORBID_STARTS,
  packageVersion,
  parseInstalled,
  programPath,
} from "../../interfaces/clients/packages.ts";

Deno.test("installed: only what dpkg has unpacked and configured counts", () => {
  assertEquals(parseInstalled("ii \t1:15.6-0+deb12u1\n"), "1:15.6-0+deb12u1");
  assertEquals(parseInstalled("hi \t2.0\n"), "2.0", "held at its version");
  assertEquals(parseInstalled("un \t\nii \t3.0\n"), "3.0", "one architecture of two");
  for (const none of ["", "un \t\n", "rc \t1.0\n", "iU \t1.0\n", "iF \t1.0\n", "ii \t\n", "nonsense"]) {
    assertEquals(parseInstalled(none), undefined, none);
  }
});

Deno.test("explain: the package, apt's reason, and no password of a source", () => {
  const message = explain(["etcd-server"], "Reading package lists...\nE: Unable to locate package etcd-server\n");
  assertStringIncludes(message, "cannot install package etcd-server: Unable to locate package etcd-server;");
  const unmet = explain(
    ["a", "b"],
    " a : Depends: libx (>= 2) but 1 is to be installed\nE: Unable to correct problems\n",
  );
  assertStringIncludes(unmet, "packages a, b: a : Depends: libx (>= 2) but 1 is to be installed; Unable to correct");
  const source = explain(["a"], "E: Failed to fetch https://me:hunter2@host/x  401  Unauthorized\n");
  assertStringIncludes(source, "Failed to fetch https://host/x");
  assertNotMatch(source, /hunter2/);
  assertEquals(explain(["a"], `E: ${"x".repeat(5000)}`).length < 600, true);
});

Deno.test("names: an option or anything else that is no package is refused before anything runs", async () => {
  for (const name of ["-y", "--reinstall", "a b", "A", "", "a/b", "a;b"]) {
    await assertRejects(() => ensurePackages([name]), InputError, "is no package name");
    await assertRejects(() => packageVersion(name), InputError, "is no package name");
  }
});

Deno.test("packages that are there: nothing is installed, and each has a version", async () => {
  const lines: string[] = [];
  assertEquals(await ensurePackages(["dpkg", "coreutils"], { log: (line) => lines.push(line) }), []);
  assertEquals(lines, []);
  assertEquals(typeof await packageVersion("dpkg"), "string");
  assertEquals(await packageVersion("charmlet-no-such-package"), undefined);
});

Deno.test("program: the first that the machine has, as an absolute path", async () => {
  assertStringIncludes(await programPath(["charmlet-no-such-program", "/no/such/sh", "sh"]) ?? "", "/bin/sh");
  assertEquals(await programPath(["/bin/sh"]), "/bin/sh");
  assertEquals(await programPath(["/etc/passwd", "/etc", "charmlet-no-such-program"]), undefined);
});

Deno.test("starts: what a killed installation left forbidden is allowed again, unless someone installs", async () => {
  const directory = await Deno.makeTempDir();
  const [policy, lockFile] = [`${directory}/policy-rc.d`, `${directory}/lock`];
  const left = async (content: string): Promise<boolean> => {
    await Deno.writeTextFile(policy, content);
    await allowStartsAgain(policy, lockFile);
    return await Deno.stat(policy).then(() => true, () => false);
  };
  try {
    await allowStartsAgain(policy, lockFile);
    assertEquals(await left("#!/bin/sh\nexit 101\n"), true, "the machine's own rule");
    {
      using holder = await Deno.open(lockFile, { write: true, create: true });
      await holder.lock(true);
      assertEquals(await left(FORBID_STARTS), true, "someone installs");
    }
    assertEquals(await left(FORBID_STARTS), false);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
