/** The links of a charm: made, repaired, checked, and never over what others made. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname } from "node:path";
import { loadCharm } from "../../hooks/charm/load.ts";
import { actionNames, hookNames } from "../../hooks/charm/names.ts";
import { formatLinkReport, link, linkIsClean, type LinkReport, repairLinks } from "../../hooks/cli/link.ts";
import { EnvironmentError } from "../../hooks/errors.ts";

interface Charm {
  readonly dir: string;
  readonly executable: string;
  readonly path: (name: string) => string;
}

const METADATA = "name: a\nprovides: {x-relation: http}\nstorage: {data: {}}\n";

/** Runs a test in a charm that has an executable. */
async function withCharm(at: string, test: (charm: Charm) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    await Deno.writeTextFile(`${dir}/metadata.yaml`, METADATA);
    await Deno.writeTextFile(`${dir}/actions.yaml`, "backup: {}\nrestore: {}\n");
    await Deno.mkdir(dirname(`${dir}/${at}`), { recursive: true });
    await Deno.writeTextFile(`${dir}/${at}`, "#!/bin/sh\necho $0\n", { mode: 0o755 });
    await test({ dir, executable: `${dir}/${at}`, path: (name) => `${dir}/${name}` });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

function counts({ created, repaired, removed, unchanged, foreign }: LinkReport): number[] {
  return [created, repaired, removed, unchanged, foreign].map((paths) => paths.length);
}

/** Every path under a directory, with the targets of links and the contents of files. */
async function snapshot(dir: string, under = ""): Promise<Record<string, string>> {
  const entries: Record<string, string> = {};
  for await (const { name, isDirectory, isSymlink } of Deno.readDir(`${dir}/${under}`)) {
    const path = `${under}${name}`;
    if (isDirectory) Object.assign(entries, { [path]: "folder" }, await snapshot(dir, `${path}/`));
    else {entries[path] = isSymlink
        ? `-> ${await Deno.readLink(`${dir}/${path}`)}`
        : await Deno.readTextFile(`${dir}/${path}`);}
  }
  return entries;
}

for (const [at, target] of [["bin/charmlet", "../bin/charmlet"], ["hooks/charmlet", "charmlet"], ["tool", "../tool"]]) {
  Deno.test(`an executable at ${at} gets a relative link for each hook and action`, async () => {
    await withCharm(at ?? "", async ({ dir, executable, path }) => {
      const charm = await loadCharm(dir);
      const report = await link({ charmDir: dir, executable });
      assertEquals(report.created, [
        ...hookNames(charm).map((name) => `hooks/${name}`),
        ...actionNames(charm).map((name) => `actions/${name}`),
      ]);
      assert(report.created.includes("hooks/x-relation-relation-joined"));
      assert(report.created.includes("actions/restore"));
      assertEquals(await Deno.readLink(path("hooks/install")), target);
      for (const name of report.created) assertEquals(await Deno.realPath(path(name)), executable);
      const { stdout } = await new Deno.Command(path("hooks/update-status")).output();
      assertStringIncludes(new TextDecoder().decode(stdout), "hooks/update-status");

      const before = await snapshot(dir);
      const again = await link({ charmDir: dir, executable });
      assertEquals(counts(again), [0, 0, 0, report.created.length, 0]);
      assert(linkIsClean(again));
      assertEquals(await snapshot(dir), before, "a second run changes nothing, and leaves no temporary files");
    });
  });
}

Deno.test("folders that others must be able to read", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    const umask = Deno.umask(0o077);
    try {
      await link({ charmDir: dir, executable });
    } finally {
      Deno.umask(umask);
    }
    assertEquals(((await Deno.stat(path("hooks"))).mode ?? 0) & 0o777, 0o755);
  });
});

Deno.test("only the handled ones, and those no longer handled go", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    const handled = new Set(["hooks/install", "hooks/stop", "actions/backup", "hooks/of-another-charm", "../../x"]);
    const report = await link({ charmDir: dir, executable, handled });
    assertEquals(report.created, ["hooks/install", "hooks/stop", "actions/backup"]);
    const fewer = await link({ charmDir: dir, executable, handled: new Set(["hooks/install"]) });
    assertEquals([fewer.removed, fewer.unchanged], [["actions/backup", "hooks/stop"], ["hooks/install"]]);
    assertEquals(Array.from(Deno.readDirSync(path("hooks")), ({ name }) => name), ["install"]);
  });
});

Deno.test("one dispatch instead of all links, and back", async () => {
  await withCharm("hooks/charmlet", async ({ dir, executable, path }) => {
    const { created } = await link({ charmDir: dir, executable });
    const dispatched = await link({ charmDir: dir, executable, dispatch: true });
    assertEquals(dispatched.created, ["dispatch"]);
    assertEquals(dispatched.removed.length, created.length);
    assertEquals(await Deno.readLink(path("dispatch")), "hooks/charmlet");
    assertEquals(Array.from(Deno.readDirSync(path("hooks")), ({ name }) => name), ["charmlet"]);
    assert(linkIsClean(await link({ charmDir: dir, executable, dispatch: true })));
    const back = await link({ charmDir: dir, executable });
    assertEquals([back.created.length, back.removed], [created.length, ["dispatch"]]);
  });
});

Deno.test("--check reports what would be done and writes nothing", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    await Deno.mkdir(path("hooks"));
    await Deno.symlink(executable, path("hooks/install"));
    await Deno.symlink("../bin/charmlet", path("hooks/gone-relation-joined"));
    await Deno.writeTextFile(path("hooks/start"), "mine");
    const before = await snapshot(dir);
    const report = await link({ charmDir: dir, executable, check: true, force: false });
    assertEquals(report.repaired, ["hooks/install"]);
    assertEquals(report.removed, ["hooks/gone-relation-joined"]);
    assertEquals(report.foreign, ["hooks/start"]);
    assert(report.created.includes("actions/backup"));
    assert(!linkIsClean(report));
    assertEquals(await snapshot(dir), before);
    const lines = formatLinkReport(report);
    assertEquals(lines.slice(0, 1), ["would create hooks/config-changed"]);
    assert(lines.includes("would repair hooks/install") && lines.includes("would remove hooks/gone-relation-joined"));
    assertStringIncludes(lines.at(-2) ?? "", "left alone hooks/start: not made by charmlet; move it away, or");
    assertStringIncludes(lines.at(-1) ?? "", "1 repaired, 1 removed, 0 unchanged (only checked: nothing was written)");
    assertEquals(formatLinkReport(await link({ charmDir: dir, executable }))[0], "created hooks/config-changed");
  });
});

Deno.test("broken, absolute and roundabout links are repaired; those after a move of the executable, too", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    await Deno.mkdir(path("hooks"));
    await Deno.symlink(path("hooks/charmlet"), path("hooks/install"));
    await Deno.symlink("charmlet", path("hooks/start"));
    await Deno.symlink("../bin/../bin/charmlet", path("hooks/stop"));
    await Deno.symlink("stop", path("hooks/remove"));
    const report = await link({ charmDir: dir, executable });
    assertEquals(report.repaired, ["hooks/install", "hooks/start", "hooks/stop", "hooks/remove"]);
    for (const name of report.repaired) assertEquals(await Deno.readLink(path(name)), "../bin/charmlet");
  });
});

Deno.test("what others made is left alone, with --force replaced, but never folders", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    await Deno.mkdir(path("hooks/start"), { recursive: true });
    await Deno.writeTextFile(path("hooks/start/file"), "kept");
    await Deno.writeTextFile(path("hooks/install"), "mine");
    await Deno.symlink("install", path("hooks/stop"));
    await Deno.symlink("/nowhere/charmlet", path("hooks/remove"));
    await Deno.symlink("nowhere", path("hooks/update-status"));
    await Deno.writeTextFile(path("hooks/helper.sh"), "kept");
    await Deno.symlink("helper.sh", path("hooks/gone-relation-joined"));
    await Deno.symlink("../bin/charmlet", path("hooks/charmlet"));
    const others = ["install", "start", "update-status", "stop", "remove"].map((name) => `hooks/${name}`);
    const before = await snapshot(dir);
    const report = await link({ charmDir: dir, executable });
    assertEquals(report.foreign, others);
    assertEquals(report.removed, []);
    const after = await snapshot(dir);
    for (const [name, content] of Object.entries(before)) assertEquals(after[name], content, name);

    const forced = await link({ charmDir: dir, executable, force: true });
    assertEquals(forced.foreign, ["hooks/start"]);
    assertEquals(forced.repaired, others.filter((name) => name !== "hooks/start"));
    assertEquals(await Deno.readTextFile(path("hooks/start/file")), "kept");
    assertEquals(await Deno.readLink(path("hooks/stop")), "../bin/charmlet");
    assertEquals(await Deno.readTextFile(path("hooks/helper.sh")), "kept");
    assertEquals(await Deno.readLink(path("hooks/gone-relation-joined")), "helper.sh");
    assertEquals(await Deno.readLink(path("hooks/charmlet")), "../bin/charmlet");
    assertEquals(await Deno.readTextFile(executable), "#!/bin/sh\necho $0\n");
  });
});

Deno.test("a dispatch of others makes links useless, and is never removed", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    await Deno.writeTextFile(path("dispatch"), "mine");
    const report = await link({ charmDir: dir, executable, force: true });
    assertEquals(report.foreign, ["dispatch"]);
    assert(formatLinkReport(report).some((line) => line.includes("Juju runs it for every hook and action")));
    assertEquals(await Deno.readTextFile(path("dispatch")), "mine");
    const replaced = await link({ charmDir: dir, executable, dispatch: true, force: true });
    assertEquals([replaced.repaired, replaced.foreign], [["dispatch"], []]);
    assertEquals(await Deno.readLink(path("dispatch")), "bin/charmlet");
  });
});

Deno.test("an executable that itself has a hook's name, or is dispatch, is never replaced or removed", async () => {
  await withCharm("hooks/install", async ({ dir, executable, path }) => {
    const report = await link({ charmDir: dir, executable, force: true });
    assertEquals(report.unchanged, ["hooks/install"]);
    assert((await Deno.lstat(executable)).isFile);
    assertEquals(await Deno.readLink(path("hooks/start")), "install");
    await link({ charmDir: dir, executable, dispatch: true, force: true });
    assert((await Deno.lstat(executable)).isFile);
  });
  await withCharm("dispatch", async ({ dir, executable }) => {
    assertEquals((await link({ charmDir: dir, executable, dispatch: true, force: true })).unchanged, ["dispatch"]);
    assert((await Deno.lstat(executable)).isFile);
  });
});

Deno.test("links that the charm no longer has are removed, the charm's folder may be reached through a link", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    await link({ charmDir: dir, executable });
    await Deno.writeTextFile(path("metadata.yaml"), "name: a\nprovides: {web: http}\nstorage: {data: {}}\n");
    await Deno.writeTextFile(path("actions.yaml"), "backup: {}\n");
    await Deno.symlink(dir, `${dir}-link`);
    try {
      const report = await link({ charmDir: `${dir}-link`, executable: `${dir}-link/bin/charmlet` });
      assertEquals(report.created.length, 5);
      assertEquals(report.removed.filter((path) => !path.startsWith("hooks/x-relation-relation-")), [
        "actions/restore",
      ]);
      assertEquals(report.removed.length, 6);
    } finally {
      await Deno.remove(`${dir}-link`);
    }
  });
});

Deno.test("refused: an executable outside, absent or not executable; no charm", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    const refuse = async (options: { charmDir: string; executable: string }, text: string) => {
      const before = await snapshot(dir);
      const error = await assertRejects(() => link(options), EnvironmentError);
      assertStringIncludes(error.message, text);
      assert(!error.message.includes("\n"));
      assertEquals(await snapshot(dir), before);
    };
    await refuse({ charmDir: dir, executable: "/bin/sh" }, `is outside the charm: copy it to ${dir}/bin/charmlet`);
    await Deno.mkdir(`${dir}2`);
    try {
      await Deno.writeTextFile(`${dir}2/charmlet`, "", { mode: 0o755 });
      await refuse({ charmDir: dir, executable: `${dir}2/charmlet` }, "outside the charm");
    } finally {
      await Deno.remove(`${dir}2`, { recursive: true });
    }
    await Deno.symlink("/bin/sh", path("sh"));
    await refuse({ charmDir: dir, executable: path("sh") }, "outside the charm");
    await refuse({ charmDir: dir, executable: path("none") }, "there is no");
    await refuse({ charmDir: path("none"), executable }, "there is no");
    await Deno.chmod(executable, 0o644);
    await refuse({ charmDir: dir, executable }, "run chmod +x");
    await Deno.chmod(executable, 0o755);
    await refuse({ charmDir: path("bin"), executable }, "no metadata.yaml");
  });
});

Deno.test("refused: hooks or actions that are no folders", async () => {
  for (const folder of ["hooks", "actions"]) {
    await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
      await Deno.symlink("bin", path(folder));
      const options = { charmDir: dir, executable, force: true };
      await assertRejects(() => link(options), EnvironmentError, `${folder} is not a folder`);
      await Deno.remove(path(folder));
      await Deno.writeTextFile(path(folder), "mine");
      await assertRejects(() => link(options), EnvironmentError, `${folder} is not a folder`);
      assertEquals(await Deno.readTextFile(path(folder)), "mine");
    });
  }
});

Deno.test("a charm that cannot be written: one clear line, and no remains", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    const options = JSON.stringify({ charmDir: dir, executable });
    const script = `import { link } from ${JSON.stringify(import.meta.resolve("../../hooks/cli/link.ts"))};
      await link(${options}).catch(({ name, message }) => console.log(JSON.stringify({ name, message })));`;
    await Deno.writeTextFile(path("run.ts"), script);
    const before = await snapshot(dir);
    const importMap = new URL("../../build/npm/import_map.json", import.meta.url).pathname;
    // Root may write anywhere, so it is Deno that refuses here.
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--no-check",
        "--no-lock",
        `--import-map=${importMap}`,
        "--allow-read",
        path("run.ts"),
      ],
      stderr: "inherit",
    }).output();
    const { name, message } = JSON.parse(new TextDecoder().decode(stdout));
    assertEquals(name, "EnvironmentError");
    assert(message.startsWith(`cannot link in ${dir}: `), message);
    assert(message.endsWith("; make it writable, or run this as its owner"), message);
    assertEquals(await snapshot(dir), before);
  });
});

Deno.test("after an upgrade, what was linked is repaired, new things get links and gone ones lose theirs", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    await link({ charmDir: dir, executable, handled: new Set(["hooks/install", "hooks/x-relation-relation-joined"]) });
    assertEquals(await repairLinks(dir, executable), [
      "hooks/data-storage-attached",
      "hooks/data-storage-detaching",
      "actions/backup",
      "actions/restore",
    ]);
    assertEquals(await repairLinks(dir, executable), []);
    await Deno.writeTextFile(path("metadata.yaml"), "name: a\nprovides: {x-relation: http}\npeers: {p: q}\n");
    await Deno.remove(path("hooks/install"));
    await Deno.symlink("charmlet", path("hooks/install"));
    const repaired = await repairLinks(dir, executable);
    assertEquals(repaired.filter((name) => name.startsWith("hooks/p-relation-")).length, 5);
    assertEquals(repaired.slice(5), ["hooks/install", "hooks/data-storage-attached", "hooks/data-storage-detaching"]);
    assertEquals(await Deno.readLink(path("hooks/install")), "../bin/charmlet");
    await assertRejects(() => Deno.lstat(path("hooks/x-relation-relation-broken")), Deno.errors.NotFound);
  });
});

Deno.test("after an upgrade, nothing is done where nothing was linked, or all goes through dispatch", async () => {
  await withCharm("bin/charmlet", async ({ dir, executable, path }) => {
    const before = await snapshot(dir);
    assertEquals(await repairLinks(dir, executable), []);
    assertEquals(await repairLinks(dir, "/bin/sh"), []);
    assertEquals(await snapshot(dir), before);
    await link({ charmDir: dir, executable, dispatch: true });
    assertEquals(await repairLinks(dir, executable), []);
    await assertRejects(() => Deno.lstat(path("hooks")), Deno.errors.NotFound);
  });
});
