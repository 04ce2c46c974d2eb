/**
 * The demo's two charms, made ready in the two ways that there are: packed into a `.charm`, and linked in place.
 *
 * @module
 */
import { basename, join } from "node:path";
import { compileExecutable } from "../../build/compile.ts";
import { packCharm } from "../../build/pack.ts";
import { projectDir } from "../../build/project.ts";
import { copyCharm } from "../model/charm_files.ts";
import { expect } from "./expect.ts";
import type { Progress } from "./progress.ts";
import { unpackCharm } from "./unpack.ts";

const DIST = join(projectDir, "dist");

/** Directories that the model deploys from. */
export interface DemoCharms {
  readonly website: string;
  readonly proxy: string;
  /** Program behind the hook commands; undefined: none is needed. */
  readonly tool: string | undefined;
}

/** A hook or action of the charm, with hook commands as child processes instead of the agent's protocol. */
const PROCESS_DISPATCH = `#!/bin/sh
CHARMLET_HOOK_COMMANDS=process exec "$JUJU_CHARM_DIR"/EXECUTABLE "$@"
`;

/**
 * Compiles, packs and links.
 *
 * @param root an empty directory for the charms
 * @param asProcesses whether hook commands run as child processes
 * @param progress told each step
 */
export async function makeCharms(root: string, asProcesses: boolean, progress: Progress): Promise<DemoCharms> {
  const executable = join(DIST, "web");
  await progress.step("compile tests/charms/web.ts", async () => {
    await compileExecutable({ entry: join(projectDir, "tests/charms/web.ts"), output: executable });
    return `dist/web, ${await mebibytes(executable)}`;
  });
  const website = join(root, "website");
  await progress.step("pack website", async () => {
    const { archive } = await packCharm({ charmDir: join(projectDir, "tests/charms/website"), executable });
    await Deno.writeFile(join(DIST, "website.charm"), archive);
    const paths = await unpackCharm(archive, website);
    const links = paths.filter((path) => /^(hooks|actions)\//.test(path)).length;
    return `dist/website.charm, ${await mebibytes(join(DIST, "website.charm"))}, one executable and ${links} links`;
  });
  const proxy = join(root, "proxy");
  await progress.step("link proxy", async () => {
    await copyCharm(join(projectDir, "tests/charms/proxy"), proxy);
    await Deno.mkdir(join(proxy, "hooks"));
    await Deno.copyFile(executable, join(proxy, "hooks/charmlet"));
    const first = await link(proxy);
    const second = await link(proxy);
    expect(first !== second, `the second link changes nothing, but both say "${second}"`);
    return `charmlet link: ${first}; again: ${second}`;
  });
  if (!asProcesses) return { website, proxy, tool: undefined };
  const tool = join(DIST, "jujuc");
  await progress.step("compile the hook commands", async () => {
    await compileExecutable({ entry: join(projectDir, "tests/model/hook_tool.ts"), output: tool });
    for (const [charm, path] of [[website, "bin/charmlet"], [proxy, "hooks/charmlet"]] as const) {
      await Deno.writeTextFile(join(charm, "dispatch"), PROCESS_DISPATCH.replace("EXECUTABLE", path), { mode: 0o755 });
    }
    return `dist/jujuc, ${await mebibytes(tool)}; both charms dispatch with CHARMLET_HOOK_COMMANDS=process`;
  });
  return { website, proxy, tool };
}

/** Links as an author does: the executable lies in the charm's hooks/ and is told the charm's directory. */
async function link(charm: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command("hooks/charmlet", {
    args: ["link", "."],
    cwd: charm,
    stdin: "null",
  }).output();
  expect(success, `charmlet link works on ${basename(charm)}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
}

async function mebibytes(path: string): Promise<string> {
  return `${((await Deno.stat(path)).size / 1024 / 1024).toFixed(1)} MiB`;
}
