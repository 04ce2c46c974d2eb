/** Charm files: what is read, and what is refused and how. */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { loadCharm, readCharm } from "../../hooks/charm/load.ts";
import { CharmFileError, EnvironmentError } from "../../hooks/errors.ts";
import { METADATA, withFiles } from "./charm_directory.ts";

Deno.test("metadata.yaml, config.yaml and actions.yaml become typed metadata", async () => {
  const config = `options:
  port: {type: int, default: 80, description: A port}
  ratio: {type: float, default: 1}
  verbose: {type: boolean, default: yes}
  label: {default: ""}
  token: {type: secret}
`;
  const actions = `resume:
backup:
  description: Makes a backup
  params:
    target: {type: string, default: here}
  required: [target]
  additionalProperties: false
  parallel: true
`;
  const files = { "metadata.yaml": METADATA, "config.yaml": config, "actions.yaml": actions };
  await withFiles(files, async (dir) => {
    const charm = await loadCharm(dir);
    assertEquals(charm.name, "pg");
    assertEquals(charm.summary, "A database");
    assertEquals(charm.subordinate, false);
    assertEquals(charm.endpoints, [
      { name: "database", role: "provides", interface: "pgsql", scope: "container" },
      { name: "x-relation", role: "requires", interface: "http", scope: "global" },
      { name: "database-peers", role: "peers", interface: "postgresql_peers", scope: "global" },
    ]);
    assertEquals(charm.storages, ["pgdata"]);
    assertEquals(charm.containers, ["a-pebble"]);
    assertEquals(Object.values(charm.config), [
      { name: "port", type: "int", default: 80, description: "A port" },
      { name: "ratio", type: "float", default: 1, description: "" },
      { name: "verbose", type: "boolean", default: true, description: "" },
      { name: "label", type: "string", default: "", description: "" },
      { name: "token", type: "secret", description: "" },
    ]);
    assertEquals(Object.keys(charm.actions), ["resume", "backup"]);
    assertEquals(charm.actions.resume?.additionalProperties, true);
    assertEquals(charm.actions.backup, {
      name: "backup",
      description: "Makes a backup",
      params: { target: { type: "string", default: "here" } },
      required: ["target"],
      additionalProperties: false,
    });
  });
});

Deno.test("charmcraft.yaml stands in for each file that is missing", async () => {
  const charmcraft = `type: charm
name: from-charmcraft
peers: {cluster: magpie}
config: {options: {a: {type: string}}}
actions: {backup: {}}
parts: {x: {plugin: nil}}
`;
  await withFiles({ "charmcraft.yaml": charmcraft }, async (dir) => {
    const charm = await loadCharm(dir);
    assertEquals([charm.name, Object.keys(charm.config), Object.keys(charm.actions)], ["from-charmcraft", ["a"], [
      "backup",
    ]]);
    assertEquals(charm.endpoints.map(({ name }) => name), ["cluster"]);
  });
  const files = { "charmcraft.yaml": charmcraft, "metadata.yaml": "name: split", "actions.yaml": "" };
  await withFiles(files, async (dir) => {
    const charm = await loadCharm(dir);
    assertEquals([charm.name, charm.endpoints, charm.actions], ["split", [], {}]);
    assertEquals(Object.keys(charm.config), ["a"]);
  });
});

Deno.test("charmcraft.yaml is not looked at beside the files that packing makes of it", async () => {
  const files = { "metadata.yaml": "name: a", "config.yaml": "", "actions.yaml": "", "charmcraft.yaml": "{" };
  await withFiles(files, async (dir) => assertEquals((await loadCharm(dir)).name, "a"));
});

Deno.test("YAML that charm authors use: anchors, merge keys, block text, comments", async () => {
  const actions = `
# both
backup: &common
  description: >
    two
    lines
  params: {path: {type: string}}
restore:
  <<: *common
  required: [path]
`;
  await withFiles({ "metadata.yaml": "name: a", "actions.yaml": actions }, async (dir) => {
    const { actions } = await loadCharm(dir);
    assertEquals(actions.restore?.params, { path: { type: "string" } });
    assertEquals(actions.restore?.description, "two lines\n");
    assertEquals(actions.restore?.required, ["path"]);
  });
});

Deno.test("a directory without charm files, or no directory, is no charm", async () => {
  await withFiles({ "config.yaml": "" }, async (dir) => {
    for (const path of [dir, `${dir}/missing`, `${dir}/config.yaml`]) {
      const error = await assertRejects(() => readCharm(path), EnvironmentError);
      assertEquals(
        error.message,
        `there is no metadata.yaml or charmcraft.yaml in ${path}: run this in a charm's directory`,
      );
    }
  });
});

/** file, text, and the message after the directory. */
const WRONG: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
  ["metadata.yaml", "name: a\n  b: [1\n", /^metadata\.yaml:2:\d+: is not YAML: .+; correct it there$/],
  ["metadata.yaml", "name: a\nname: b\n", /^metadata\.yaml:2:\d+: is not YAML: .*[Dd]uplicate/],
  ["metadata.yaml", "a: *unknown\n", /^metadata\.yaml:1:\d+: is not YAML/],
  ["metadata.yaml", "- a\n", /^metadata\.yaml:1:1: is not a map/],
  ["metadata.yaml", "just text", /^metadata\.yaml:1:1: is not a map/],
  ["metadata.yaml", "", /^metadata\.yaml:1:1: has no name; add a line: name: NAME$/],
  ["metadata.yaml", "summary: x\nname: [a]", /^metadata\.yaml:2:1: \["a"\] is no charm name/],
  ["metadata.yaml", "name: ../etc", /^metadata\.yaml:1:1: "\.\.\/etc" is no charm name; use /],
  ["metadata.yaml", "name: a\nsummary: [1]", /^metadata\.yaml:2:1: summary must be text/],
  ["metadata.yaml", "name: a\nsubordinate: maybe", /^metadata\.yaml:2:1: subordinate must be true or false/],
  ["metadata.yaml", "name: a\npeers: [b]", /^metadata\.yaml:2:1: peers must be a map/],
  ["metadata.yaml", "name: a\npeers:\n  b:\n", /^metadata\.yaml:3:3: endpoint b has no interface; add /],
  ["metadata.yaml", "name: a\npeers:\n  b: {interface: 7}\n", /^metadata\.yaml:3:3: 7 is no interface name/],
  [
    "metadata.yaml",
    "name: a\nrequires:\n  db:\n    interface: x\nprovides:\n  c: d\n  'db': x\n",
    /^metadata\.yaml:3:3: endpoint db is listed under provides, too; rename one of them$/,
  ],
  [
    "metadata.yaml",
    "name: a\nprovides:\n  b:\n    interface: x\n    scope: moon\n",
    /^metadata\.yaml:5:5: scope of endpoint b must be global or container$/,
  ],
  ["metadata.yaml", "name: a\nprovides:\n  ../../x: y\n", /^metadata\.yaml:3:3: "\.\.\/\.\.\/x" is no endpoint name/],
  ["metadata.yaml", "name: a\nprovides:\n  __proto__: y\n", /^metadata\.yaml:3:3: "__proto__" is no endpoint name/],
  ["metadata.yaml", `name: a\nprovides:\n  ${"b".repeat(300)}: y\n`, /^metadata\.yaml:3:3: "b+" is no endpoint name/],
  ["metadata.yaml", "name: a\nstorage:\n  Data: {}\n", /^metadata\.yaml:3:3: "Data" is no storage name/],
  ["metadata.yaml", "name: a\ncontainers:\n  a b: {}\n", /^metadata\.yaml:3:3: "a b" is no container name/],
  ["metadata.yaml", "name: a\nstorage: {x/y: {}}\n", /^metadata\.yaml:2:1: "x\/y" is no storage name/],
  ["config.yaml", "options:\n  a: string\n", /^config\.yaml:2:3: option a must be a map/],
  [
    "config.yaml",
    "options:\n  a:\n    type: text\n",
    /^config\.yaml:3:5: type of option a must be one of: string, int,/,
  ],
  ["config.yaml", "options:\n  a: {type: toString}\n", /^config\.yaml:2:3: type of option a must be one of/],
  ["config.yaml", "options:\n  a:\n    default: 5\n", /^config\.yaml:3:5: default of option a must be text; put it in/],
  [
    "config.yaml",
    "options:\n  b: {}\n  a:\n    type: int\n    default: '5'\n",
    /^config\.yaml:5:5: default of option a must be a whole number, without quotes$/,
  ],
  ["config.yaml", "options:\n  a: {type: int, default: 1.5}\n", /^config\.yaml:2:3: default of option a must be/],
  ["config.yaml", "options:\n  a: {type: float, default: .inf}\n", /^config\.yaml:2:3: default of option a must be/],
  ["config.yaml", "options:\n  a: {default: 2020-01-01}\n", /^config\.yaml:2:3: default of option a must be text/],
  ["config.yaml", "options:\n  a b: {}\n", /^config\.yaml:2:3: "a b" is no option name/],
  ["config.yaml", "options: 7\n", /^config\.yaml:1:1: options must be a map/],
  ["actions.yaml", "../hooks/x: {}\n", /^actions\.yaml:1:1: "\.\.\/hooks\/x" is no action name/],
  ["actions.yaml", "a: run it\n", /^actions\.yaml:1:1: a must be a map/],
  ["actions.yaml", "a:\n  params: [b]\n", /^actions\.yaml:2:3: a\.params must be a map/],
  ["actions.yaml", "a:\n  params:\n    b: string\n", /^actions\.yaml:3:5: parameter b of a must be a map/],
  ["actions.yaml", "a:\n  params:\n    b: {type: 7}\n", /^actions\.yaml:3:5: type of parameter b of a must be/],
  [
    "actions.yaml",
    "a:\n  params:\n    b: {default: 2020-01-01}\n",
    /^actions\.yaml:3:5: parameter b of a holds a date/,
  ],
  ["actions.yaml", "a:\n  required: b\n", /^actions\.yaml:2:3: required of a must be a list/],
  ["actions.yaml", "a:\n  additionalProperties: no way\n", /^actions\.yaml:2:3: additionalProperties of a must be/],
  ["actions.yaml", "a:\n  description: 7\n", /^actions\.yaml:2:3: description of action a must be text/],
  ["metadata.yaml", Uint8Array.of(0x61, 0x0a, 0x62, 0xff, 0x63), /^metadata\.yaml:2:2: is not UTF-8; save the file/],
  ["metadata.yaml", `name: a\n#${"x".repeat(1024 * 1024)}`, /^metadata\.yaml: has \d+ bytes; at most 1048576 are read/],
];

for (const [file, text, expected] of WRONG) {
  Deno.test(`refused: ${file} ${String(text).slice(0, 50).replaceAll("\n", "\\n")}`, async () => {
    await withFiles({ "metadata.yaml": "name: a", [file]: text }, async (dir) => {
      const error = await assertRejects(() => loadCharm(dir), CharmFileError);
      assert(error.message.startsWith(`${dir}/`), error.message);
      assertMatch(error.message.slice(dir.length + 1), expected);
      assert(!error.message.includes("\n"), "one line");
    });
  });
}

Deno.test("YAML bombs are refused, quickly", async () => {
  const levels = Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`);
  const bombs = [
    `name: a\na0: &a0 [x]\n${levels.join("\n")}\n`,
    "name: a\nloop: &loop [*loop]\n",
    `name: a\ndeep: ${"[".repeat(200_000)}\n`,
    `name: a\ndeep: ${"[".repeat(500)}${"]".repeat(500)}\n`,
    `name: a\nx: &x 1\ny: [${"*x, ".repeat(1001)}]\n`,
  ];
  for (const bomb of bombs) {
    await withFiles({ "metadata.yaml": bomb }, async (dir) => {
      const error = await assertRejects(() => loadCharm(dir), CharmFileError);
      assertMatch(error.message, /metadata\.yaml:\d+:\d+: /);
    });
  }
});

Deno.test("something other than a file in place of metadata.yaml", async () => {
  await withFiles({}, async (dir) => {
    await Deno.mkdir(`${dir}/metadata.yaml`);
    const error = await assertRejects(() => readCharm(dir), CharmFileError);
    assertStringIncludes(error.message, "metadata.yaml: is not a file");
    await Deno.remove(`${dir}/metadata.yaml`);
    await Deno.symlink("metadata.yaml", `${dir}/metadata.yaml`);
    assertStringIncludes((await assertRejects(() => readCharm(dir), CharmFileError)).message, "cannot be read");
  });
});
