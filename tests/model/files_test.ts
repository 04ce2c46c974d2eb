/** The compiled executable and the file system: what it writes, where names would lead it, whose charm it runs. */
import { assertEquals, assertMatch } from "@std/assert";
import { withBuiltCharm } from "./built_charm.ts";
import type { Model } from "./mod.ts";
import { tryMode, written } from "./probe_written.ts";

const UNIT = "probe/0";
const CHANGED = "JUJU_DISPATCH_PATH=hooks/crew-relation-changed JUJU_RELATION_ID=crew:0 JUJU_REMOTE_APP=probe";

/** What names the hook, and what is said; all of it is hostile. */
const NAMES: readonly (readonly [environment: string, says: RegExp])[] = [
  ["JUJU_UNIT_NAME=../../etc/0", /JUJU_UNIT_NAME is .* must be a unit such as db\/0/],
  ["JUJU_UNIT_NAME=probe/0/../../x", /JUJU_UNIT_NAME is .* must be a unit such as db\/0/],
  ["JUJU_UNIT_NAME=$'probe/0\\n'", /JUJU_UNIT_NAME is .* must be a unit such as db\/0/],
  ["JUJU_DISPATCH_PATH=hooks/../../bin/sh", /JUJU_DISPATCH_PATH is .* must be hooks\/NAME or actions\/NAME/],
  ["JUJU_DISPATCH_PATH=/etc/passwd", /JUJU_DISPATCH_PATH is .* must be hooks\/NAME or actions\/NAME/],
  [`${CHANGED} JUJU_RELATION_ID=../crew:0`, /JUJU_RELATION_ID is .* is not of endpoint crew/],
  [`${CHANGED} JUJU_RELATION_ID=crew:0/../1`, /JUJU_RELATION_ID is .* must be such as crew:7/],
  [`${CHANGED} JUJU_REMOTE_UNIT=../probe/1`, /JUJU_REMOTE_UNIT is .* must be a unit such as db\/0/],
  [`${CHANGED} JUJU_REMOTE_UNIT=probe/1 JUJU_REMOTE_APP=../../x`, /JUJU_REMOTE_APP is .* must be an application/],
  ["JUJU_DISPATCH_PATH=hooks/update-status JUJU_CHARM_DIR=/proc/self/../..", /there is no metadata.yaml/],
];

/** Runs the executable as a hook of an environment that Juju would not make. */
async function runAs(model: Model, environment: string): Promise<string> {
  const update = environment.includes("DISPATCH") ? "" : "JUJU_DISPATCH_PATH=hooks/update-status";
  const { code, stdout, stderr } = await model.exec(UNIT, `${update} ${environment} hooks/charmlet`);
  assertEquals([code, stdout], [1, ""], environment);
  return stderr.trimEnd();
}

/** Everything in a directory with its kind and mode, `name/` for directories; without what the charm brought. */
function listing(directory: string, prefix = ""): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) => {
    const { mode, uid } = Deno.lstatSync(`${directory}/${name}`);
    const line = `${prefix}${name} ${((mode ?? 0) & 0o7777).toString(8)} ${uid === Deno.uid() ? "own" : uid}`;
    return isDirectory ? [line, ...listing(`${directory}/${name}`, `${prefix}${name}/`)] : [line];
  }).sort();
}

Deno.test("what a hook leaves in the charm is the owner's alone, whatever the agent's umask is", async () => {
  const wrap = (_unit: string, command: readonly string[]) => ["sh", "-c", 'umask 0; exec "$@"', "sh", ...command];
  await withBuiltCharm("probe", { wrap }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, config: { mode: "write-everywhere" } });
    await model.settle();
    const brought = new Set(listing(charm));
    assertEquals(listing(model.charmDir(UNIT)).filter((line) => !brought.has(line)), [
      ".charmlet 700 own",
      ".charmlet/charm.json 600 own",
    ]);
  });
});

Deno.test("names that lead elsewhere are refused in one line each, and nothing is written", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, units: 2, config: { mode: "quiet" } });
    await model.settle();
    const before = [written(structuredClone(model.status())), listing(model.charmDir(UNIT))];
    for (const [environment, says] of NAMES) {
      const line = await runAs(model, environment);
      assertMatch(line, says, environment);
      assertEquals(line.split("\n").length, 1, line);
    }
    const { code, stderr } = await model.exec(
      UNIT,
      "exec -a hooks/../../../bin/config-changed hooks/charmlet --list x",
    );
    assertEquals([code, stderr], [2, "charmlet: there is no command x; see: charmlet --help\n"]);
    assertEquals([written(model.status()), listing(model.charmDir(UNIT))], before);
  });
});

Deno.test("links that somebody left in the charm lead no write elsewhere", async () => {
  await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
    await model.deploy({ name: "probe", charm, config: { mode: "quiet" } });
    await model.settle();
    const [dir, victim] = [model.charmDir(UNIT), `${charm}/victim`];
    await Deno.mkdir(victim);
    await Deno.writeTextFile(`${victim}/charm.json`, "precious");
    for (const [link, target] of [[".charmlet/charm.json", `${victim}/charm.json`], [".charmlet", victim]] as const) {
      await Deno.remove(`${dir}/${link}`, { recursive: true });
      await Deno.symlink(target, `${dir}/${link}`);
      assertEquals((await tryMode(model, link === ".charmlet" ? "quiet" : "write-everywhere")).outcome, "done");
      assertEquals(await Deno.readTextFile(`${victim}/charm.json`), "precious");
      assertEquals([...Deno.readDirSync(victim)].length, 1);
    }
  });
});

Deno.test({
  name: "root runs no charm in which everybody can write, and says what to do",
  ignore: Deno.uid() !== 0,
  async fn() {
    await withBuiltCharm("probe", { retries: 0 }, async ({ model, charm }) => {
      await model.deploy({ name: "probe", charm, config: { mode: "quiet" } });
      await model.settle();
      const dir = model.charmDir(UNIT);
      await Deno.chmod(dir, 0o777);
      const { lines, outcome } = await tryMode(model, "write-everywhere");
      assertEquals([outcome, lines], [
        "failed",
        [`charmlet: everybody can write in ${dir}, and root runs what is there: run chmod o-w ${dir}`],
      ]);
      await Deno.chmod(dir, 0o755);
      model.resolved(UNIT);
      await model.settle();
      assertEquals(model.status().units[UNIT]?.status.message, "marked");
    });
  },
});
