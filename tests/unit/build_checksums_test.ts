/** The list of checksums, and what the system's own program says of it. */
import { assertEquals, assertMatch } from "@std/assert";
import { recordChecksums } from "../../build/checksums.ts";

async function verify(directory: string): Promise<[success: boolean, said: string]> {
  const { success, stdout } = await new Deno.Command("sha256sum", {
    args: ["--check", "SHA256SUMS"],
    cwd: directory,
    env: { LC_ALL: "C" },
    stderr: "null",
  }).output();
  return [success, new TextDecoder().decode(stdout)];
}

Deno.test("checksums: one line a file, those of other files stay, and a changed file is found", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/b`, "one");
    await Deno.writeTextFile(`${directory}/a b`, "two");
    assertEquals(await recordChecksums([`${directory}/b`, `${directory}/a b`]), `${directory}/SHA256SUMS`);
    await Deno.writeTextFile(`${directory}/b`, "three");
    assertEquals(await verify(directory), [false, "b: FAILED\na b: OK\n"]);
    await recordChecksums([`${directory}/b`]);
    assertEquals(await verify(directory), [true, "a b: OK\nb: OK\n"]);
    const list = `${directory}/SHA256SUMS`;
    assertMatch(await Deno.readTextFile(list), /^[0-9a-f]{64} {2}a b\n[0-9a-f]{64} {2}b\n$/);
    const foreign = `# of somebody\n${"0".repeat(64)} *c\n`;
    await Deno.writeTextFile(list, foreign);
    await recordChecksums([`${directory}/b`]);
    assertEquals((await Deno.readTextFile(list)).startsWith(foreign), true);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
