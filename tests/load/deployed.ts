/**
 * A model of a shape, with the compiled executable in every unit.
 *
 * @module
 */
import { join } from "node:path";
import { executableOf } from "../model/built_charm.ts";
import { Model, type ModelOptions } from "../model/mod.ts";
import { applicationsOf, linksOf, type Shape } from "./shape.ts";

const METADATA: Readonly<Record<string, string>> = {
  service: `name: service
summary: Serves others.
description: Is related to its peers, to every other service and to every worker.
peers: {ring: {interface: load}}
provides: {serves: {interface: load}}
requires: {uses: {interface: load}}
`,
  worker: `name: worker
summary: Uses every service.
description: Has many units.
requires: {uses: {interface: load}}
`,
};

/** A model and the charms that it was deployed from. */
export interface Deployed extends AsyncDisposable {
  readonly model: Model;
}

/**
 * Deploys and relates the applications of a shape. No hook has run yet.
 *
 * @param shape applications and their units
 * @param options of the model
 */
export async function deployShape(shape: Shape, options: ModelOptions = {}): Promise<Deployed> {
  const toolPath = await executableOf("tests/model/hook_tool.ts", "jujuc");
  const charms = await writeCharms();
  const model = await Model.create({ toolPath, ...options });
  for (const [name, units] of applicationsOf(shape)) {
    await model.deploy({ name, charm: join(charms, name.replace(/\d+$/, "")), units });
  }
  for (const { from, to } of linksOf(shape)) if (to !== undefined) model.relate(`${from}:serves`, `${to}:uses`);
  return {
    model,
    async [Symbol.asyncDispose]() {
      await model.close();
      await Deno.remove(charms, { recursive: true });
    },
  };
}

/**
 * Writes the charms `service` and `worker`.
 *
 * @returns a new directory with both
 */
export async function writeCharms(): Promise<string> {
  const executable = await executableOf("tests/load/charm.ts", "load");
  const charms = await Deno.makeTempDir({ prefix: "charmlet-load-" });
  for (const [name, metadata] of Object.entries(METADATA)) {
    await writeCharm(join(charms, name), metadata, executable);
  }
  return charms;
}

/** Units share one executable: copies of it would fill the disk. */
async function writeCharm(directory: string, metadata: string, executable: string): Promise<void> {
  const place = join(directory, "hooks", "charmlet");
  await Deno.mkdir(join(directory, "hooks"), { recursive: true });
  await Deno.writeTextFile(join(directory, "metadata.yaml"), metadata);
  await Deno.copyFile(executable, place);
  const { success, stderr } = await new Deno.Command(place, { args: ["link", directory] }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  await Deno.remove(place);
  await Deno.symlink(executable, place);
}
