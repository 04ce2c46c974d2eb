/**
 * Completion scripts for shells, from a table of what the command line takes.
 *
 * @module
 */

/** Shells that there are scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

/** A shell. */
export type Shell = typeof SHELLS[number];

/** An option or a command. */
export interface CompletionEntry {
  /** As typed: `--help`, `-h` or `link`. */
  readonly name: string;
  /** One line. */
  readonly help: string;
  /** What follows it; nothing if left out. */
  readonly takes?: "value" | "file" | "dir";
  /** The values there are, where `takes` is `value`. */
  readonly values?: readonly string[];
}

/** What a program takes. */
export interface CompletionSpec {
  readonly program: string;
  readonly commands: readonly CompletionEntry[];
  readonly options: readonly CompletionEntry[];
}

/** Makes the completion script of a program. Nothing in the table is ever evaluated by the shell. */
export function completions(shell: Shell, spec: CompletionSpec): string {
  const makers = { bash: bashScript, zsh: zshScript, fish: fishScript };
  return makers[shell](spec);
}

function bashScript({ program, commands, options }: CompletionSpec): string {
  const name = functionName(program);
  const words = (values: readonly string[]) => `${name}_words ${values.map(quote).join(" ")}`;
  const action = ({ takes, values = [] }: CompletionEntry) =>
    takes === "file"
      ? `${name}_paths -f`
      : takes === "dir"
      ? `${name}_paths -d`
      : values.length > 0
      ? words(values)
      : ":";
  return `# bash completion for ${comment(program)}
${name}_words() {
  local word
  for word in "$@"; do
    if [[ $word == "$current"* ]]; then
      printf -v word %q "$word"
      COMPREPLY+=("$word")
    fi
  done
}
${name}_paths() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
${name}() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
${cases(commands, ({ name }) => `command=${quote(name)}; break`, 6)}
    esac
  done
  case $previous in
${cases(options.filter(({ takes }) => takes), (option) => `${action(option)}; return`, 4)}
  esac
  if [[ $current == -* ]]; then
    ${words(options.map(({ name }) => name))}
    return
  fi
  case $command in
${cases(commands, action, 4)}
    '') ${words(commands.map(({ name }) => name))} ;;
  esac
}
complete -F ${name} -- ${quote(program)}
`;
}

function zshScript({ program, commands, options }: CompletionSpec): string {
  const action = ({ takes, values = [] }: CompletionEntry) =>
    takes === "file" ? "_files" : takes === "dir" ? "_files -/" : `compadd -- ${values.map(quote).join(" ")}`;
  const described = (entries: readonly CompletionEntry[]) =>
    entries.map(({ name, help }) => quote(`${name.replaceAll(":", "\\:")}:${oneLine(help)}`)).join(" ");
  const name = functionName(program);
  return `#compdef ${comment(program)}
${name}() {
  local command= word
  local -a options commands
  options=(${described(options)})
  commands=(${described(commands)})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in
${cases(commands, ({ name }) => `command=${quote(name)}; break`, 6)}
    esac
  done
  case $words[CURRENT-1] in
${cases(options.filter(({ takes }) => takes), (option) => `${action(option)}; return`, 4)}
  esac
  if [[ $PREFIX == -* ]]; then
    _describe -o option options
    return
  fi
  case $command in
${cases(commands, action, 4)}
    '') _describe command commands ;;
  esac
}
if [ "$funcstack[1]" = ${name} ]; then
  ${name} "$@"
else
  compdef ${name} ${quote(program)}
fi
`;
}

function fishScript({ program, commands, options }: CompletionSpec): string {
  const first = `complete -c ${fishQuote(program)}`;
  // fish reads the text of -a and -n once more when it completes.
  const list = (values: readonly string[]) => fishQuote(values.map(fishQuote).join(" "));
  const takes = ({ takes, values = [] }: CompletionEntry) =>
    takes === "file" ? "-r -F" : takes === "dir" ? "-x -a '(__fish_complete_directories)'" : `-x -a ${list(values)}`;
  const flag = (name: string) =>
    name.startsWith("--") ? `-l ${fishQuote(name.slice(2))}` : `-s ${fishQuote(name.slice(1))}`;
  const seen = ({ name }: CompletionEntry) => fishQuote(`__fish_seen_subcommand_from ${fishQuote(name)}`);
  return [
    `# fish completion for ${comment(program)}`,
    `${first} -f`,
    ...commands.map((entry) =>
      `${first} -n __fish_use_subcommand -a ${list([entry.name])} -d ${fishQuote(oneLine(entry.help))}`
    ),
    ...commands.filter((entry) => entry.takes).map((entry) =>
      `${first} -n ${seen(entry)} ${takes(entry).replace(/^-[rx] /, "")}`
    ),
    ...options.map((entry) =>
      `${first} ${flag(entry.name)}${entry.takes ? ` ${takes(entry)}` : ""} -d ${fishQuote(oneLine(entry.help))}`
    ),
    "",
  ].join("\n");
}

/** Branches of a shell's `case`, one for each entry. */
function cases(
  entries: readonly CompletionEntry[],
  action: (entry: CompletionEntry) => string,
  indent: number,
): string {
  return entries.map((entry) => `${" ".repeat(indent)}${quote(entry.name)}) ${action(entry)} ;;`).join("\n");
}

/** A word that POSIX shells take as it is. */
function quote(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A word that fish takes as it is. */
function fishQuote(text: string): string {
  return /^[A-Za-z0-9_./-]+$/.test(text) ? text : `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}

function functionName(program: string): string {
  return `_${program.replaceAll(/[^A-Za-z0-9]/g, "_")}`;
}

function comment(text: string): string {
  return text.replaceAll(/[^\w.+-]/g, "_");
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
