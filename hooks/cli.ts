/**
 * The command line, for those who run the executable by hand.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { readCharm } from "./charm/load.ts";
import { completions, type CompletionSpec, SHELLS } from "./cli/completions.ts";
import { explain, formatDeferred, formatList, handledNames, listCharm, listFlagHandlers } from "./cli/inspect.ts";
import { formatLinkReport, link, linkIsClean } from "./cli/link.ts";
import type { Program } from "./definition.ts";
import { EnvironmentError, UsageError } from "./errors.ts";
import { hookCommands } from "./juju/commands.ts";
import { connect } from "./juju/connect.ts";
import type { JujuEnvironment } from "./juju/environment.ts";
import { Logger } from "./log.ts";
import { Redactor } from "./redact.ts";
import { invocationOf } from "./route.ts";
import { run } from "./run.ts";
import { Session } from "./session.ts";
import { UnitState } from "./state/unit_state.ts";
import { VERSION } from "./version.ts";

const HELP = `charmlet ${VERSION}: every hook and action of a Juju charm, in one executable

Usage:
  charmlet link CHARM_DIR [--handled] [--dispatch] [--check] [--force]
                       create, repair or check the links under hooks/ and actions/
  charmlet --list      every hook and action of the charm here, and what handles it
  charmlet --explain EVENT
                       what a hook would run now, and what not, and why
  charmlet completions bash|zsh|fish
                       print a completion script for the shell
  charmlet --version   print the version
  charmlet --help      print this text

In a hook environment (juju debug-hooks, or juju exec --unit UNIT -- bin/charmlet …):
  --dry-run            run the hook's handlers, print what they would write, write nothing;
                       in juju exec name the hook: JUJU_DISPATCH_PATH=hooks/NAME bin/charmlet --dry-run
  --deferred           what is deferred, since when and why
  --flags              the flags that are set

link options:
  --handled            only the hooks and actions that have a handler: a missing hook costs Juju no process
  --dispatch           one dispatch file instead of links for each hook and action
  --check              change nothing; exit 1 when something would be changed
  --force              replace files of others, too (never folders)
`;

const SPEC: CompletionSpec = {
  program: "charmlet",
  commands: [
    { name: "link", help: "create, repair or check the links of a charm", takes: "dir" },
    { name: "completions", help: "print a completion script", takes: "value", values: SHELLS },
  ],
  options: [
    { name: "--help", help: "print help" },
    { name: "--version", help: "print the version" },
    { name: "--list", help: "every hook and action, and what handles it" },
    { name: "--explain", help: "what a hook would run now", takes: "value" },
    { name: "--dry-run", help: "print what the hook would write" },
    { name: "--deferred", help: "what is deferred" },
    { name: "--flags", help: "the flags that are set" },
    { name: "--handled", help: "link only what has a handler" },
    { name: "--dispatch", help: "link one dispatch file" },
    { name: "--check", help: "change nothing" },
    { name: "--force", help: "replace files of others" },
  ],
};

const BOOLEANS = [
  "help",
  "version",
  "list",
  "dry-run",
  "deferred",
  "flags",
  "handled",
  "dispatch",
  "check",
  "force",
] as const;

/** What the command line needs of the process. */
export interface CliOptions {
  readonly args: readonly string[];
  readonly environment: JujuEnvironment;
  readonly env: Readonly<Record<string, string>>;
  readonly print: (line: string) => void;
  readonly printError: (line: string) => void;
}

/**
 * Runs the command line.
 *
 * @returns the exit status: 0 done, 1 not as it should be
 * @throws {UsageError} the arguments make no sense
 * @throws {CharmletError} what was asked for cannot be done
 */
export async function runCli(program: Program, options: CliOptions): Promise<number> {
  const { args, print } = options;
  const parsed = parseArgs([...args], {
    boolean: [...BOOLEANS],
    string: ["explain"],
    unknown: (arg: string) => {
      if (arg.startsWith("-")) throw new UsageError(`there is no option ${arg}; see: charmlet --help`);
      return true;
    },
  });
  const [command, ...rest] = parsed._.map(String);
  if (parsed.help || args.length === 0) {
    print(HELP.trimEnd());
    return 0;
  }
  if (parsed.version) {
    print(`charmlet ${VERSION}`);
    return 0;
  }
  if (command === "link") return await runLink(program, options, parsed, rest);
  if (command === "completions") {
    const shell = SHELLS.find((name) => name === rest[0]);
    if (!shell) throw new UsageError("name a shell: charmlet completions bash|zsh|fish");
    print(completions(shell, SPEC));
    return 0;
  }
  if (command !== undefined) throw new UsageError(`there is no command ${command}; see: charmlet --help`);
  if (parsed.list) {
    const { charm } = await readCharm(charmDir(options));
    const lines = formatList(await listCharm(charm, program), await listFlagHandlers(charm, program));
    for (const line of lines) print(line);
    return 0;
  }
  if (parsed.explain !== undefined) return await runExplain(program, options, parsed.explain);
  if (parsed["dry-run"]) return await runDry(program, options);
  if (parsed.deferred || parsed.flags) return await showState(options, parsed.deferred);
  throw new UsageError("say what to do; see: charmlet --help");
}

async function runLink(
  program: Program,
  { print, printError }: CliOptions,
  flags: { handled: boolean; dispatch: boolean; check: boolean; force: boolean },
  [dir, ...more]: readonly string[],
): Promise<number> {
  if (dir === undefined || more.length > 0) throw new UsageError("name the charm's directory: charmlet link CHARM_DIR");
  if (flags.dispatch && flags.handled) throw new UsageError("--dispatch serves every hook: leave out --handled");
  const { charm } = await readCharm(await realDir(dir));
  const report = await link({
    charmDir: await realDir(dir),
    executable: Deno.execPath(),
    ...(flags.handled ? { handled: await handledNames(charm, program) } : {}),
    dispatch: flags.dispatch,
    check: flags.check,
    force: flags.force,
  });
  for (const line of formatLinkReport(report)) (report.foreign.length > 0 ? printError : print)(line);
  if (report.foreign.length > 0) return 1;
  return flags.check && !linkIsClean(report) ? 1 : 0;
}

async function runExplain(program: Program, options: CliOptions, event: string): Promise<number> {
  if (event === "") throw new UsageError("name a hook: charmlet --explain db-relation-changed");
  const { environment, env, print } = options;
  const { charm } = await readCharm(charmDir(options));
  if (environment.contextId === "") {
    for (const line of await explain(event, charm, program, undefined, Date.now())) print(line);
    return 0;
  }
  const { transport } = await connect(environment, env);
  try {
    const commands = hookCommands(transport);
    const redactor = new Redactor();
    const log = new Logger({ send: () => Promise.resolve(), printDebug: undefined }, redactor);
    const state = new UnitState(await commands.state.get());
    const session = new Session({ environment, charm, commands, state, log, redactor, now: Date.now });
    for (const line of await explain(event, charm, program, session, Date.now())) print(line);
    return 0;
  } finally {
    transport.close();
  }
}

async function runDry(program: Program, options: CliOptions): Promise<number> {
  const invocation = invocationOf(options.environment);
  if (!invocation) {
    throw new EnvironmentError(
      "--dry-run needs to know the hook: JUJU_DISPATCH_PATH=hooks/NAME hooks/charmlet --dry-run",
    );
  }
  return await run(program, { ...options, invocation, dryRun: true });
}

async function showState(options: CliOptions, deferred: boolean): Promise<number> {
  const state = await readState(options);
  const lines = deferred ? formatDeferred(state, Date.now()) : [...state.flags].sort();
  for (const line of lines.length > 0 ? lines : ["no flag is set"]) options.print(line);
  return 0;
}

async function readState({ environment, env }: CliOptions): Promise<UnitState> {
  const { transport } = await connect(environment, env);
  try {
    return new UnitState(await hookCommands(transport).state.get());
  } finally {
    transport.close();
  }
}

/** The charm of the hook environment, else the one in the current directory or, from `hooks/` and `bin/`, above it. */
function charmDir({ environment }: CliOptions): string {
  return environment.charmDir || Deno.cwd().replace(/\/(hooks|actions|bin)$/, "");
}

async function realDir(dir: string): Promise<string> {
  try {
    return await Deno.realPath(dir);
  } catch {
    throw new EnvironmentError(`there is no directory ${dir}; name the charm's: charmlet link CHARM_DIR`);
  }
}
