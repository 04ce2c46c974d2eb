/** Root runs no charm that everybody can change. */
import { assertThrows } from "@std/assert";
import { checkTrusted } from "../../hooks/charm/trust.ts";
import { EnvironmentError } from "../../hooks/errors.ts";

Deno.test("a charm in which everybody can write is refused to root, and to nobody else", async () => {
  const directory = await Deno.makeTempDir();
  const [charm, bin] = [`${directory}/charm`, `${directory}/charm/bin`];
  try {
    await Deno.mkdir(bin, { recursive: true });
    for (const [open, closed] of [[charm, bin], [bin, charm]] as const) {
      await Deno.chmod(closed, 0o755);
      checkTrusted([closed, closed], 0);
      await Deno.chmod(open, 0o757);
      assertThrows(() => checkTrusted([charm, bin], 0), EnvironmentError, `everybody can write in ${open},`);
      checkTrusted([charm, bin], 1000);
      await Deno.chmod(open, 0o775);
      checkTrusted([charm, bin], 0);
    }
    checkTrusted([`${directory}/none`], 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
