/** Files of a workload. */
import { assertEquals, assertRejects } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import { ensureDirectory, userIds, writeFileAtomically } from "../../interfaces/clients/files.ts";

const isRoot = Deno.uid() === 0;

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  const umask = Deno.umask(0o077);
  try {
    await work(directory);
  } finally {
    Deno.umask(umask);
    await Deno.remove(directory, { recursive: true });
  }
}

const modeOf = async (path: string) => ((await Deno.lstat(path)).mode ?? 0) & 0o7777;

function namesIn(directory: string): string[] {
  return [...Deno.readDirSync(directory)].map(({ name }) => name).sort();
}

Deno.test("write: content and mode as asked for, whatever the umask; nothing else is left", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/etcd.conf`;
    assertEquals(await writeFileAtomically(path, "one\n", { mode: 0o644 }), true);
    assertEquals(await Deno.readTextFile(path), "one\n");
    assertEquals(await modeOf(path), 0o644);
    assertEquals(await writeFileAtomically(path, new TextEncoder().encode("two"), { mode: 0o600 }), true);
    assertEquals(await Deno.readTextFile(path), "two");
    assertEquals(await modeOf(path), 0o600);
    assertEquals(namesIn(directory), ["etcd.conf"]);
  }));

Deno.test("write: the same again touches nothing, another mode does", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/x`;
    await writeFileAtomically(path, "one", { mode: 0o640 });
    const { ino } = await Deno.lstat(path);
    assertEquals(await writeFileAtomically(path, "one", { mode: 0o640 }), false);
    assertEquals((await Deno.lstat(path)).ino, ino);
    assertEquals(await writeFileAtomically(path, "One", { mode: 0o640 }), true, "same length, other content");
    assertEquals(await writeFileAtomically(path, "One", { mode: 0o600 }), true);
    assertEquals(await modeOf(path), 0o600);
  }));

Deno.test("write: a symlink or directory in its place is refused and stays as it is", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/target`, "kept");
    await Deno.symlink(`${directory}/target`, `${directory}/link`);
    await Deno.mkdir(`${directory}/sub`);
    for (const name of ["link", "sub"]) {
      await assertRejects(
        () => writeFileAtomically(`${directory}/${name}`, "x", { mode: 0o600 }),
        InputError,
        "not a plain file",
      );
    }
    assertEquals(await Deno.readTextFile(`${directory}/target`), "kept");
    assertEquals(namesIn(directory), ["link", "sub", "target"]);
  }));

Deno.test("write: no temporary file is left when it fails", () =>
  inDirectory(async (directory) => {
    await assertRejects(() => writeFileAtomically(`${directory}/no/x`, "x", { mode: 0o600 }), Error, "ENOENT");
    const owner = { uid: -5, gid: -5 };
    await assertRejects(() => writeFileAtomically(`${directory}/x`, "x", { mode: 0o600, owner }));
    assertEquals(namesIn(directory), []);
  }));

Deno.test("directory: mode as asked for; those above it can be passed through", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/a/b/c`;
    await ensureDirectory(path, { mode: 0o750 });
    assertEquals(await modeOf(`${directory}/a`), 0o755);
    assertEquals(await modeOf(`${directory}/a/b`), 0o755);
    assertEquals(await modeOf(path), 0o750);
    assertEquals(await modeOf(directory), 0o700, "what was there is left alone");
    await ensureDirectory(path, { mode: 0o700 });
    assertEquals(await modeOf(path), 0o700);
  }));

Deno.test("directory: a file or symlink in its place is refused", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(`${directory}/file`, "");
    await Deno.symlink("/tmp", `${directory}/link`);
    for (const name of ["file", "link"]) {
      await assertRejects(
        () => ensureDirectory(`${directory}/${name}`, { mode: 0o700 }),
        InputError,
        "not a directory",
      );
    }
  }));

Deno.test("directory: one that everybody could replace is refused, but not below a sticky one", () =>
  inDirectory(async (directory) => {
    const path = `${directory}/open/unit/data`;
    await Deno.mkdir(`${directory}/open`);
    await Deno.chmod(`${directory}/open`, 0o777);
    await assertRejects(
      () => ensureDirectory(path, { mode: 0o700 }),
      InputError,
      `everybody can write in ${directory}/open`,
    );
    assertEquals([...Deno.readDirSync(`${directory}/open`)], []);
    await Deno.chmod(`${directory}/open`, 0o1777);
    await ensureDirectory(path, { mode: 0o700 });
  }));

Deno.test({
  name: "directory: another user's is refused unless it shall have an owner (needs root)",
  ignore: !isRoot,
  fn: () =>
    inDirectory(async (directory) => {
      const path = `${directory}/theirs`;
      await Deno.mkdir(path);
      await Deno.chown(path, 12345, 12345);
      await assertRejects(() => ensureDirectory(path, { mode: 0o700 }), InputError, "belongs to another user");
      await ensureDirectory(path, { mode: 0o700, owner: { uid: 0, gid: 0 } });
      assertEquals((await Deno.lstat(path)).uid, 0);
    }),
});

Deno.test({
  name: "owner: files and directories get it (needs root)",
  ignore: !isRoot,
  fn: () =>
    inDirectory(async (directory) => {
      const owner = { uid: 1, gid: 2 };
      const path = `${directory}/x`;
      assertEquals(await writeFileAtomically(path, "x", { mode: 0o600 }), true);
      assertEquals(await writeFileAtomically(path, "x", { mode: 0o600, owner }), true);
      assertEquals(await writeFileAtomically(path, "x", { mode: 0o600, owner }), false);
      await ensureDirectory(`${directory}/d`, { mode: 0o700, owner });
      for (const name of ["x", "d"]) {
        const { uid, gid } = await Deno.lstat(`${directory}/${name}`);
        assertEquals({ uid, gid }, owner);
      }
      assertEquals(await modeOf(path), 0o600);
    }),
});

Deno.test("user ids: of a user, of nobody, and of what is no name", async () => {
  assertEquals(await userIds("root"), { uid: 0, gid: 0 });
  assertEquals(await userIds("charmlet-no-such-user"), undefined);
  for (const name of ["", "-x", "a:b", "a b", "0"]) await assertRejects(() => userIds(name), InputError);
});
