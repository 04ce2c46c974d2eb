/** Completion scripts: their syntax in each shell that is there, and what they complete in bash and fish. */
import { assert, assertEquals } from "@std/assert";
import { completions, type CompletionSpec, type Shell, SHELLS } from "../../hooks/cli/completions.ts";

const SPEC: CompletionSpec = {
  program: "charmlet",
  commands: [
    { name: "link", help: "link a charm", takes: "dir" },
    { name: "completions", help: "print a script", takes: "value", values: ["bash", "zsh", "fish"] },
    { name: "check", help: "check it" },
  ],
  options: [
    { name: "--help", help: "print help" },
    { name: "-v", help: "say more" },
    { name: "--explain", help: "what a hook would run", takes: "value" },
    { name: "--level", help: "how much: a little", takes: "value", values: ["debug", "info"] },
    { name: "--output", help: "where to", takes: "file" },
    { name: "--dir", help: "which folder", takes: "dir" },
  ],
};

const CANARY = "CANARY";
const BAD = `$(touch ${CANARY})\`touch ${CANARY}\`;touch ${CANARY}'"\\ [x]:y{a,b}*`;

const HOSTILE: CompletionSpec = {
  program: "charm'let; touch CANARY",
  commands: [{ name: BAD, help: BAD, takes: "value", values: [BAD, "--x", "a b"] }],
  options: [{ name: `--${BAD}`, help: `${BAD}\ntouch ${CANARY}`, takes: "value", values: [BAD] }],
};

async function isPresent(shell: Shell): Promise<boolean> {
  try {
    return (await new Deno.Command(shell, { args: ["-c", "true"], stdout: "null", stderr: "null" }).output()).success;
  } catch {
    return false;
  }
}

const PRESENT = new Set<Shell>();
for (const shell of SHELLS) if (await isPresent(shell)) PRESENT.add(shell);

/** Runs a script in a fresh directory and returns the lines that it prints, without what is empty. */
async function runIn(shell: Shell, args: readonly string[], script: string): Promise<string[]> {
  const cwd = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${cwd}/a folder`);
    await Deno.writeTextFile(`${cwd}/a file`, "");
    await Deno.writeTextFile(`${cwd}/script`, script);
    const { code, stdout, stderr } = await new Deno.Command(shell, { args: [...args, "script"], cwd }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stderr)], [0, ""]);
    const names = Array.from(Deno.readDirSync(cwd), ({ name }) => name).sort();
    assertEquals(names, ["a file", "a folder", "script"], "nothing of the table was run");
    return decoder.decode(stdout).split("\n").filter((line) => line !== "");
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

for (const shell of SHELLS) {
  for (
    const [kind, spec] of [["usual", SPEC], ["hostile", HOSTILE], ["empty", {
      ...SPEC,
      commands: [],
      options: [],
    }]] as const
  ) {
    Deno.test({
      name: `the ${shell} script of a table that is ${kind} is correct`,
      ignore: !PRESENT.has(shell),
      fn: async () => assertEquals(await runIn(shell, ["-n"], completions(shell, spec)), []),
    });
  }
}

/** What bash offers for a command line whose last word is being typed. */
function bashOffers(words: readonly string[], spec = SPEC): Promise<string[]> {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return runIn(
    "bash",
    [],
    `${completions("bash", spec)}
COMP_WORDS=(${quoted})
COMP_CWORD=$((\${#COMP_WORDS[@]} - 1))
$(complete -p | sed -n 's/.*-F \\([^ ]*\\).*/\\1/p')
printf '%s\\n' "\${COMPREPLY[@]}"
`,
  );
}

const LINES: readonly (readonly [readonly string[], readonly string[]])[] = [
  [["charmlet", ""], ["link", "completions", "check"]],
  [["charmlet", "c"], ["completions", "check"]],
  [["charmlet", "x"], []],
  [["charmlet", "-"], SPEC.options.map(({ name }) => name)],
  [["charmlet", "--e"], ["--explain"]],
  [["charmlet", "link", "--he"], ["--help"]],
  [["charmlet", "link", ""], ["a folder"]],
  [["charmlet", "--help", "link", "a"], ["a folder"]],
  [["charmlet", "completions", ""], ["bash", "zsh", "fish"]],
  [["charmlet", "completions", "z"], ["zsh"]],
  [["charmlet", "check", ""], []],
  [["charmlet", "--explain", ""], []],
  [["charmlet", "--level", "d"], ["debug"]],
  [["charmlet", "--output", "a"], ["a file", "a folder"]],
  [["charmlet", "--dir", ""], ["a folder"]],
  [["charmlet", "$(touch CANARY)"], []],
  [["charmlet", "link", "$(touch CANARY)"], []],
];

for (const [words, expected] of LINES) {
  Deno.test({
    name: `bash completes: ${words.join(" ")}`,
    ignore: !PRESENT.has("bash"),
    fn: async () => assertEquals((await bashOffers(words)).sort(), [...expected].sort()),
  });
}

Deno.test({
  name: "bash offers hostile names quoted, and runs nothing of them",
  ignore: !PRESENT.has("bash"),
  async fn() {
    const [command = "", ...more] = await bashOffers([HOSTILE.program, ""], HOSTILE);
    assertEquals(more, []);
    const typed = await runIn("bash", [], `printf '%s\\n' ${command}`);
    assertEquals(typed, [BAD], "what is inserted means the name itself");
    assertEquals((await bashOffers([HOSTILE.program, BAD, ""], HOSTILE)).length, 3);
    assertEquals((await bashOffers([HOSTILE.program, `--${BAD}`, ""], HOSTILE)).length, 1);
  },
});

/** What fish offers for a command line, without descriptions; only newer versions escape spaces here. */
async function fishOffers(line: string, spec = SPEC): Promise<string[]> {
  const script = `${completions("fish", spec)}
complete -C ${`'${line.replaceAll(/[\\']/g, "\\$&")}'`}
`;
  return (await runIn("fish", ["--no-config"], script)).map((offer) =>
    (offer.split("\t", 1)[0] ?? "").replaceAll("\\ ", " ")
  ).sort();
}

Deno.test({
  name: "fish completes commands, options, values, files and folders",
  ignore: !PRESENT.has("fish"),
  async fn() {
    assertEquals(await fishOffers("charmlet "), ["check", "completions", "link"]);
    assertEquals(await fishOffers("charmlet --e"), ["--explain"]);
    assertEquals(await fishOffers("charmlet completions "), ["bash", "fish", "zsh"]);
    assertEquals(await fishOffers("charmlet check "), []);
    assertEquals(await fishOffers("charmlet --level "), ["debug", "info"]);
    assertEquals(await fishOffers("charmlet link "), ["a folder/"]);
    assert((await fishOffers("charmlet --output a")).includes("a file"));
  },
});

Deno.test({
  name: "fish runs nothing of hostile names",
  ignore: !PRESENT.has("fish"),
  async fn() {
    const spec = { ...HOSTILE, program: "charmlet" };
    assertEquals((await fishOffers("charmlet ", spec)).length, 1);
  },
});

/** zsh completes on a terminal only: the functions that offer something are replaced by ones that print. */
async function zshOffers(words: readonly string[], spec = SPEC): Promise<string[]> {
  const script = `compdef() { : }
compadd() { shift; print -rl -- "$@" }
_files() { print -r -- "files $*" }
_describe() { [[ $1 == -o ]] && shift; print -rl -- "\${(@P)2}" }
${completions("zsh", spec)}
words=(${words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ")})
CURRENT=$#words
PREFIX=$words[CURRENT]
\${(k)functions[(I)_charm*]}
`;
  return await runIn("zsh", ["-f"], script);
}

Deno.test({
  name: "zsh completes commands, options, values, files and folders",
  ignore: !PRESENT.has("zsh"),
  async fn() {
    const commands = SPEC.commands.map(({ name, help }) => `${name}:${help}`);
    assertEquals(await zshOffers(["charmlet", ""]), commands);
    assertEquals((await zshOffers(["charmlet", "-"]))[3], "--level:how much: a little");
    assertEquals(await zshOffers(["charmlet", "completions", ""]), ["bash", "zsh", "fish"]);
    assertEquals(await zshOffers(["charmlet", "check", ""]), []);
    assertEquals(await zshOffers(["charmlet", "--level", ""]), ["debug", "info"]);
    assertEquals(await zshOffers(["charmlet", "--explain", ""]), []);
    assertEquals(await zshOffers(["charmlet", "--output", ""]), ["files "]);
    assertEquals(await zshOffers(["charmlet", "link", ""]), ["files -/"]);
    assertEquals(await zshOffers([HOSTILE.program, BAD, ""], HOSTILE), [BAD, "--x", "a b"]);
  },
});
