import { assertEquals, assertThrows } from "@std/assert";
import { goYaml } from "../model/commands/go_yaml.ts";
import { formatValue, goJson } from "../model/format.ts";
import { FlagError, goQuoteList, HelpRequested, parseFlags } from "../model/go_flags.ts";

Deno.test("flags mix with positionals, `--` ends them, short ones may be joined", () => {
  const specs = [
    { names: ["all", "a"], type: "bool" },
    { names: ["name", "n"], type: "string" },
  ] as const;
  const parsed = parseFlags(specs, ["x", "--name=v=1", "-", "-a", "--", "--name", "y"]);
  assertEquals([...parsed.values], [["name", "v=1"], ["all", "true"]]);
  assertEquals(parsed.args, ["x", "-", "--name", "y"]);
  assertEquals([...parseFlags(specs, ["-anv"]).values], [["all", "true"], ["name", "v"]]);
  assertEquals([...parseFlags(specs, ["--all=false", "-n", "-x"]).values], [["all", "false"], ["name", "-x"]]);
  assertThrows(() => parseFlags(specs, ["--all=maybe"]), FlagError, 'invalid value "maybe" for option --all');
  assertThrows(() => parseFlags(specs, ["--=x"]), FlagError, 'empty option in argument "--=x"');
  assertThrows(() => parseFlags(specs, ["-h"]), HelpRequested);
  assertEquals(goQuoteList(['a"b', "c\n"]), '["a\\"b" "c\\n"]');
});

Deno.test("output formats print as Go does", () => {
  const yaml = goYaml({
    a10: "12345",
    a9: "x",
    bool: "yes",
    date: "2200-11-05 15:29:12Z",
    empty: "",
    list: ["- x", { k: [] }],
    mac: "00:11:22:33:44:22",
    many: "pew\npew",
    none: null,
    special: "foo: bar",
    tab: "a\tb",
  });
  assertEquals(
    yaml,
    `a9: x
a10: "12345"
bool: "yes"
date: 2200-11-05 15:29:12Z
empty: ""
list:
- '- x'
- k: []
mac: "00:11:22:33:44:22"
many: |-
  pew
  pew
none: null
special: 'foo: bar'
tab: "a\\tb"
`,
  );
  assertEquals(goJson({ b: "<&>", a: [1, null, true] }), '{"a":[1,null,true],"b":"\\u003c\\u0026\\u003e"}');
  assertEquals(goYaml({ key: new Uint8Array([0x80, 0x81]) }), "key: !!binary gIE=\n");
  assertEquals(formatValue(["a", "b"], "smart", true), "a\nb\n");
  assertEquals(formatValue(["a", "b"], "smart"), "- a\n- b\n");
  assertEquals(formatValue("", "smart"), "");
  assertEquals(formatValue("", "yaml"), '""\n');
});

Deno.test("long texts are folded at single blanks, many words at a time", () => {
  const words = "word ".repeat(30).trim();
  const lines = goYaml({ k: words }).trimEnd().split("\n");
  assertEquals(lines.length, 2);
  assertEquals(lines.map((line) => line.trim()).join(" "), `k: ${words}`);
  assertEquals(lines.slice(1).every((line) => line.startsWith("  word")), true);
});
