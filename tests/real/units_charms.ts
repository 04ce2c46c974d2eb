/**
 * The charms of tests/charms, as units with real servers get them.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { projectDir } from "../../build/project.ts";
import { executableOf } from "../model/built_charm.ts";
import { isThere } from "../../interfaces/clients/files.ts";
import { copyCharm } from "../model/charm_files.ts";

/** A charm as its author packs it, but for the executable, which is a link: a copy for each unit is 100 MB to write. */
export async function prepareCharm(name: string, target: string): Promise<string> {
  const source = join(projectDir, "tests/charms", name);
  const isProgram = await isThere(join(source, "charm.ts"));
  const compiled = isProgram
    ? await executableOf(`tests/charms/${name}/charm.ts`, name)
    : await executableOf("mod.ts", "charmlet");
  await copyCharm(source, target);
  const program = join(target, "hooks", "charmlet");
  await Deno.mkdir(dirname(program), { recursive: true });
  await Deno.copyFile(compiled, program);
  const { success, stderr } = await new Deno.Command(program, { args: ["link", target] }).output();
  if (!success) throw new Error(`cannot link the charm ${name}: ${new TextDecoder().decode(stderr)}`);
  const kept = `${target}.executable`;
  await Deno.rename(program, kept);
  await Deno.symlink(kept, program);
  return target;
}
