import { assertEquals, assertLessOrEqual, assertNotEquals } from "@std/assert";
import { type ArchiveEntry, makeArchive } from "../../build/archive.ts";

/** What the central directory says of one entry. */
interface Listed {
  name: string;
  madeBy: number;
  mode: string;
  date: number;
  offset: number;
  size: number;
}

function centralDirectory(archive: Uint8Array): Listed[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.length);
  const end = archive.length - 22;
  assertEquals(view.getUint32(end, true), 0x06054b50);
  const listed: Listed[] = [];
  let offset = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    assertEquals(view.getUint32(offset, true), 0x02014b50);
    const nameLength = view.getUint16(offset + 28, true);
    listed.push({
      name: new TextDecoder().decode(archive.subarray(offset + 46, offset + 46 + nameLength)),
      madeBy: view.getUint8(offset + 5),
      mode: (view.getUint32(offset + 38, true) >>> 16).toString(8),
      date: view.getUint16(offset + 14, true),
      size: view.getUint32(offset + 24, true),
      offset: view.getUint32(offset + 42, true),
    });
    offset += 46 + nameLength + view.getUint16(offset + 30, true) + view.getUint16(offset + 32, true);
  }
  return listed;
}

const ENTRIES = new Map<string, ArchiveEntry>([
  ["hooks/install", { kind: "symlink", target: "../bin/charmlet" }],
  ["bin/charmlet", { kind: "file", content: new Uint8Array([1, 2, 3]), executable: true }],
  ["README.md", { kind: "file", content: new TextEncoder().encode("hello"), executable: false }],
]);

Deno.test("archive: symlinks, executables and plain files carry Unix modes", () => {
  const listed = centralDirectory(makeArchive(ENTRIES));
  assertEquals(listed.map(({ name, madeBy, mode }) => [name, madeBy, mode]), [
    ["README.md", 3, "100644"],
    ["bin/charmlet", 3, "100755"],
    ["hooks/install", 3, "120777"],
  ]);
});

Deno.test("archive: a symlink's content is its target, stored as it is", () => {
  const archive = makeArchive(ENTRIES);
  const link = centralDirectory(archive).find(({ name }) => name === "hooks/install");
  const start = (link?.offset ?? 0) + 30 + "hooks/install".length;
  assertEquals(new TextDecoder().decode(archive.subarray(start, start + (link?.size ?? 0))), "../bin/charmlet");
});

Deno.test("archive: neither the order of entries nor the time makes a difference", () => {
  const archive = makeArchive(ENTRIES);
  assertEquals(makeArchive(new Map([...ENTRIES].reverse())), archive);
  assertEquals(centralDirectory(archive).map(({ date }) => date), Array(3).fill((2020 - 1980) << 9 | 1 << 5 | 1));
  assertNotEquals(makeArchive(new Map([...ENTRIES].slice(1))), archive);
});

Deno.test("archive: a hundred links add at most 5% to the compressed executable", () => {
  const executable = crypto.getRandomValues(new Uint8Array(65_536));
  const content = new Uint8Array(executable.length * 16);
  for (let index = 0; index < 16; index++) {
    content.set(executable.map((byte) => byte ^ index), index * executable.length);
  }
  const charmlet: [string, ArchiveEntry] = ["bin/charmlet", { kind: "file", content, executable: true }];
  const links = Array.from(
    { length: 100 },
    (_, index): [string, ArchiveEntry] => [`hooks/hook-${index}`, { kind: "symlink", target: "../bin/charmlet" }],
  );
  assertLessOrEqual(makeArchive(new Map([charmlet, ...links])).length, makeArchive(new Map([charmlet])).length * 1.05);
});

Deno.test({
  name: "archive: unzip restores links and permissions",
  ignore: !(await commandExists("unzip")),
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      await Deno.writeFile(`${directory}/a.charm`, makeArchive(ENTRIES));
      const { success } = await new Deno.Command("unzip", { args: ["-q", "a.charm"], cwd: directory }).output();
      assertEquals(success, true);
      assertEquals(await Deno.readLink(`${directory}/hooks/install`), "../bin/charmlet");
      assertEquals((await Deno.stat(`${directory}/hooks/install`)).size, 3);
      assertEquals(((await Deno.stat(`${directory}/bin/charmlet`)).mode ?? 0) & 0o100, 0o100);
      assertEquals(((await Deno.stat(`${directory}/README.md`)).mode ?? 0) & 0o100, 0);
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});

async function commandExists(name: string): Promise<boolean> {
  try {
    await new Deno.Command(name, { args: ["-v"] }).output();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
