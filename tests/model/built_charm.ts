/**
 * Charms of tests/charms with their executable, compiled once a process.
 *
 * @module
 */
import { join } from "node:path";
import { compileExecutable } from "../../build/compile.ts";
import { projectDir } from "../../build/project.ts";
import { copyCharm } from "./charm_files.ts";
import { Model, type ModelOptions } from "./mod.ts";

const compiled = new Map<string, Promise<string>>();

/**
 * Compiles a program below tests/, or finds what was compiled before.
 *
 * @param entry path from the project's folder
 * @param name file name below dist/
 */
export function executableOf(entry: string, name: string): Promise<string> {
  const known = compiled.get(entry);
  if (known) return known;
  const output = join(projectDir, "dist", name);
  const built = compileExecutable({ entry: join(projectDir, entry), output }).then(() => output);
  compiled.set(entry, built);
  return built;
}

/** A charm folder under test and the model that it is to be deployed in. */
export interface Laboratory {
  readonly model: Model;
  /** The charm, with the executable in `hooks/` and a link for every hook and action. */
  readonly charm: string;
}

/**
 * Copies a charm, drops the executable into its `hooks/` folder as an author does, links it, and hands it to a test.
 *
 * @param name folder below tests/charms; its `charm.ts` is the program
 */
export async function withBuiltCharm(
  name: string,
  options: ModelOptions,
  test: (laboratory: Laboratory) => Promise<void>,
): Promise<void> {
  const executable = await executableOf(`tests/charms/${name}/charm.ts`, name);
  const toolPath = await executableOf("tests/model/hook_tool.ts", "jujuc");
  const charm = await Deno.makeTempDir({ prefix: "charmlet-test-" });
  const model = await Model.create({ toolPath, ...options });
  try {
    await copyCharm(join(projectDir, "tests/charms", name), charm);
    await Deno.mkdir(join(charm, "hooks"), { recursive: true });
    await Deno.copyFile(executable, join(charm, "hooks", "charmlet"));
    const { success, stderr } = await new Deno.Command(join(charm, "hooks", "charmlet"), {
      args: ["link", charm],
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    await test({ model, charm });
  } finally {
    await model.close();
    await Deno.remove(charm, { recursive: true });
  }
}
