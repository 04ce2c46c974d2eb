import { assertEquals, assertRejects } from "@std/assert";
import { StateError } from "../../hooks/errors.ts";
import { fileStore } from "../../hooks/state/file_store.ts";

async function withDir(test: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("what is saved is there for the next hook, readable by the owner alone", async () => {
  await withDir(async (dir) => {
    const first = await fileStore(dir);
    assertEquals(await first.load(), {});
    await first.save(new Map([["a", "1"], ["b", "2"]]));
    await first.save(new Map([["a", null]]));
    first.close();
    const second = await fileStore(dir);
    assertEquals(await second.load(), { b: "2" });
    second.close();
    assertEquals(((await Deno.stat(`${dir}/.charmlet/state.json`)).mode ?? 0) & 0o777, 0o600);
    assertEquals(((await Deno.stat(`${dir}/.charmlet`)).mode ?? 0) & 0o777, 0o700);
  });
});

Deno.test("a second executable waits until the first has closed the store", async () => {
  await withDir(async (dir) => {
    const first = await fileStore(dir);
    await first.load();
    let opened = false;
    const second = fileStore(dir).then((store) => (opened = true, store));
    await first.save(new Map([["a", "1"]]));
    assertEquals(opened, false);
    first.close();
    const store = await second;
    assertEquals(await store.load(), { a: "1" });
    store.close();
  });
});

Deno.test("a full disk is said, and the old state stays", async () => {
  await withDir(async (dir) => {
    const store = await fileStore(dir);
    await store.load();
    await store.save(new Map([["a", "1"]]));
    await Deno.symlink("/dev/full", `${dir}/.charmlet/state.json.new`);
    await assertRejects(() => store.save(new Map([["a", "2"]])), StateError, "No space left");
    store.close();
    const again = await fileStore(dir);
    assertEquals(await again.load(), { a: "1" });
    again.close();
  });
});

Deno.test("a damaged file is refused, and a place that cannot hold one is said", async () => {
  await withDir(async (dir) => {
    await Deno.mkdir(`${dir}/.charmlet`);
    for (const damaged of ["{", '{"a": 1}', "[]"]) {
      await Deno.writeTextFile(`${dir}/.charmlet/state.json`, damaged);
      const store = await fileStore(dir);
      await assertRejects(() => store.load(), StateError, "is damaged");
      store.close();
    }
    await Deno.writeTextFile(`${dir}/file`, "");
    await assertRejects(() => fileStore(`${dir}/file`), StateError, "make the charm directory writable");
  });
});

Deno.test("no state is kept where everybody can write, or in a directory that is none", async () => {
  await withDir(async (dir) => {
    await Deno.chmod(dir, 0o777);
    await assertRejects(() => fileStore(dir), StateError, `below ${dir}: it is not ours alone; run: chown root`);
    await Deno.chmod(dir, 0o755);
    await Deno.chmod(`${dir}/.charmlet`, 0o707);
    await assertRejects(() => fileStore(dir), StateError, ".charmlet: it is not ours alone");
    await Deno.remove(`${dir}/.charmlet`, { recursive: true });
    await Deno.mkdir(`${dir}/elsewhere`, { mode: 0o700 });
    await Deno.symlink(`${dir}/elsewhere`, `${dir}/.charmlet`);
    await assertRejects(() => fileStore(dir), StateError, ".charmlet: it is not ours alone");
    assertEquals(Array.from(Deno.readDirSync(`${dir}/elsewhere`)), []);
  });
});

Deno.test({
  name: "no state is kept in a directory of another user",
  // Only root can give a directory away.
  ignore: Deno.uid() !== 0,
  fn: () =>
    withDir(async (dir) => {
      await Deno.mkdir(`${dir}/.charmlet`, { mode: 0o700 });
      await Deno.chown(`${dir}/.charmlet`, 12345, null);
      await assertRejects(() => fileStore(dir), StateError, ".charmlet: it is not ours alone");
    }),
});
