import { assertArrayIncludes, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Unzipped, unzipSync } from "fflate";
import { BuildError } from "../../build/errors.ts";
import { packCharm, programOf } from "../../build/pack.ts";
import { CharmletError } from "../../hooks/errors.ts";

const CHARMCRAFT = `name: demo
type: charm
summary: a demo
description: a longer text
base: ubuntu@22.04
platforms: {amd64: null}
peers: {demo-peers: {interface: demo}}
actions: {backup: {description: saves}}
config: {options: {port: {type: int, default: 80, description: the port}}}
`;

interface Charm {
  readonly directory: string;
  readonly executable: string;
}

/** Runs `test` with a charm directory and something that looks like an executable. */
async function withCharm(test: (charm: Charm) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  const charm = { directory: `${root}/charm`, executable: `${root}/charmlet` };
  try {
    await Deno.mkdir(charm.directory);
    await Deno.writeTextFile(`${charm.directory}/charmcraft.yaml`, CHARMCRAFT);
    const elf = crypto.getRandomValues(new Uint8Array(1000));
    elf.set([0x3e, 0], 18);
    await Deno.writeFile(charm.executable, elf);
    await test(charm);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function unpacked(charm: Charm, dispatch = false): Promise<Unzipped> {
  const { archive } = await packCharm({ charmDir: charm.directory, executable: charm.executable, dispatch });
  return unzipSync(archive);
}

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

Deno.test("pack: one executable, links for every hook and action, files split from charmcraft.yaml", () =>
  withCharm(async (charm) => {
    const files = await unpacked(charm);
    const names = Object.keys(files);
    assertArrayIncludes(names, ["hooks/install", "hooks/demo-peers-relation-changed", "actions/backup"]);
    for (const name of names.filter((name) => /^(hooks|actions)\//.test(name))) {
      assertEquals(text(files[name]), "../bin/charmlet");
    }
    assertEquals(files["bin/charmlet"], await Deno.readFile(charm.executable));
    assertEquals(names.filter((name) => !name.includes("/")), [
      "actions.yaml",
      "config.yaml",
      "manifest.yaml",
      "metadata.yaml",
    ]);
    assertMatch(text(files["metadata.yaml"]), /^name: demo$/m);
    assertMatch(text(files["manifest.yaml"]), /channel: '22.04'/);
  }));

Deno.test("pack: --dispatch stands for all hooks and actions", () =>
  withCharm(async (charm) => {
    const files = await unpacked(charm, true);
    assertEquals(text(files.dispatch), "bin/charmlet");
    assertEquals(Object.keys(files).filter((name) => /^(hooks|actions)\//.test(name)), []);
  }));

Deno.test("pack: the author's files come along; links to and copies of the executable do not", () =>
  withCharm(async (charm) => {
    const { directory } = charm;
    for (const name of ["hooks", "src", "tests", "dist", ".charmlet", "bin"]) await Deno.mkdir(`${directory}/${name}`);
    await Deno.writeTextFile(`${directory}/metadata.yaml`, "name: demo\nsummary: own\ndescription: own\n");
    await Deno.writeTextFile(`${directory}/manifest.yaml`, "bases: []\n");
    await Deno.writeTextFile(`${directory}/hooks/start`, "#!/bin/sh\n");
    await Deno.writeTextFile(`${directory}/src/template`, "text");
    await Deno.symlink("../src/template", `${directory}/src/link`);
    await Deno.symlink("charmlet", `${directory}/hooks/install`);
    const leftOut = [
      "tests/x",
      "dist/x",
      ".charmlet/charm.json",
      "old.charm",
      "SHA256SUMS",
      "hooks/SHA256SUMS",
      "hooks/charmlet",
      "bin/charmlet",
    ];
    for (const name of leftOut) await Deno.writeTextFile(`${directory}/${name}`, "left out");
    const files = await unpacked(charm);
    assertEquals(text(files["metadata.yaml"]), "name: demo\nsummary: own\ndescription: own\n");
    assertEquals(text(files["manifest.yaml"]), "bases: []\n");
    assertEquals(text(files["hooks/start"]), "#!/bin/sh\n");
    assertEquals([text(files["src/template"]), text(files["src/link"])], ["text", "../src/template"]);
    assertEquals(text(files["hooks/install"]), "../bin/charmlet");
    assertEquals(Object.values(files).filter((content) => text(content) === "left out"), []);
  }));

Deno.test("pack: a charm's own program is packed where it lies in the charm, else the standard one", () =>
  withCharm(async ({ directory }) => {
    assertMatch(await programOf(directory), /\/dist\/charmlet$/);
    await Deno.mkdir(`${directory}/hooks/charmlet`, { recursive: true });
    assertMatch(await programOf(directory), /\/dist\/charmlet$/);
    for (const name of ["charmlet", "hooks/charmlet", "bin/charmlet"]) {
      await Deno.remove(`${directory}/${name}`, { recursive: true }).catch(() => {});
      await Deno.mkdir(`${directory}/bin`, { recursive: true });
      await Deno.writeTextFile(`${directory}/${name}`, "own");
      assertEquals(await programOf(directory), `${directory}/${name}`);
    }
  }));

Deno.test("pack: links out of the charm are refused", () =>
  withCharm(async (charm) => {
    for (const target of ["/etc/passwd", "../../secret", ".."]) {
      await Deno.symlink(target, `${charm.directory}/link`);
      await assertRejects(() => unpacked(charm), BuildError, "outside the charm");
      await Deno.remove(`${charm.directory}/link`);
    }
  }));

Deno.test("pack: what is missing or wrong is named", () =>
  withCharm(async (charm) => {
    await assertRejects(() => unpacked({ ...charm, executable: "/missing" }), BuildError, "task compile first");
    await assertRejects(() => unpacked({ ...charm, directory: "/missing" }), CharmletError, "metadata.yaml");
    await Deno.writeTextFile(charm.executable, "#!/bin/sh\n");
    await assertRejects(() => unpacked(charm), BuildError, "neither amd64 nor arm64");
  }));
