/**
 * Conformance of the simulated agent's hook commands: each case of a file is run over every wire path and
 * its exit status, output and effects are compared.
 *
 * @module
 */
import { parse } from "@std/yaml";
import { dirname, join } from "node:path";
import type { CommandReply } from "../../hooks/juju/transport.ts";
import { createHookRun, type HookRun } from "../model/hook_run.ts";
import { compareEffects, effectsOf, same } from "./hook_commands_effects.ts";
import { openPaths, type WirePath } from "./hook_commands_paths.ts";
import { buildWorld } from "./hook_commands_world.ts";

type Json = Record<string, unknown>;

/** One case of the file. */
export interface HookCommandCase {
  readonly id: string;
  readonly tool: string;
  readonly setup: Json;
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly expect: {
    readonly code: number;
    readonly stdout?: unknown;
    readonly stdout_match?: string;
    readonly stderr?: string;
    readonly stderr_match?: string;
    readonly effects?: Json;
    /** Content of files that the command writes, by path in the working directory. */
    readonly files?: Readonly<Record<string, unknown>>;
  };
}

/** A case that did not come out as expected on one path. */
export interface HookCommandFailure {
  /** Id of the case and name of the path. */
  readonly id: string;
  readonly expected: string;
  readonly got: string;
}

/** Result of a file. */
export interface HookCommandResult {
  /** Cases that passed on every path. */
  readonly passed: number;
  readonly failed: readonly HookCommandFailure[];
}

/** How to run a file. */
export interface HookCommandOptions {
  /** Wire paths; both adapters when absent. */
  readonly paths?: readonly WirePath[];
  /** Compiled hook tool for the process path; the program is run from source when absent. */
  readonly tool?: string;
}

/**
 * Runs all cases of a file.
 *
 * @param path file in the format of `data/hook-commands.json`
 * @param options paths to use
 * @throws {SyntaxError} the file is not JSON
 * @throws {TypeError} the file has another format
 */
export async function runHookCommands(path: string, options: HookCommandOptions = {}): Promise<HookCommandResult> {
  const cases: unknown = JSON.parse(await Deno.readTextFile(path))?.cases;
  if (!Array.isArray(cases)) throw new TypeError(`${path} holds no hook commands: "cases" is missing`);
  const opened = options.paths ? undefined : await openPaths(options.tool);
  const paths = options.paths ?? opened?.paths ?? [];
  const failed: HookCommandFailure[] = [];
  let passed = 0;
  try {
    for (const each of cases as HookCommandCase[]) {
      const before = failed.length;
      for (const wire of paths) {
        const failure = await runCase(each, wire);
        if (failure) failed.push({ id: `${each.id} (${wire.name})`, ...failure });
      }
      if (failed.length === before) passed++;
    }
  } finally {
    await opened?.close();
  }
  return { passed, failed };
}

async function runCase(each: HookCommandCase, wire: WirePath): Promise<Omit<HookCommandFailure, "id"> | undefined> {
  const dir = await Deno.makeTempDir({ prefix: "hook-command-" });
  try {
    for (const [name, content] of Object.entries(each.files ?? {})) {
      const file = join(dir, name);
      await Deno.mkdir(dirname(file), { recursive: true });
      await Deno.writeTextFile(file, content);
    }
    const { world, options } = buildWorld(each.setup);
    const ports = [...world.units[options.unit]?.ports ?? []];
    const run = createHookRun(world, options);
    const stdin = each.stdin === undefined ? undefined : new TextEncoder().encode(each.stdin);
    const args = argumentsOf(each, dir);
    const reply = await wire.invoke(run, { command: each.tool, args, stdin, dir });
    const problems = [
      ...compareReply(each, reply),
      ...effectProblems(each, run, ports),
      ...await fileProblems(each, dir),
    ];
    if (problems.length === 0) return undefined;
    return { expected: JSON.stringify(each.expect), got: problems.join("; ") };
  } catch (error) {
    return { expected: JSON.stringify(each.expect), got: error instanceof Error ? error.message : String(error) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The agent does not resolve the paths of secret-add and secret-set (contract 6.2): they become absolute here. */
function argumentsOf({ tool, args, files = {} }: HookCommandCase, dir: string): string[] {
  if (!tool.startsWith("secret-")) return [...args];
  return args.map((arg) => {
    const [, before = "", path = ""] = /^((?:--file=|[^=]+#file=)?)(.*)$/s.exec(arg) ?? [];
    return Object.hasOwn(files, path) ? before + join(dir, path) : arg;
  });
}

const EXPECT_KEYS: readonly string[] = [
  "code",
  "stdout",
  "stdout_match",
  "stderr",
  "stderr_match",
  "effects",
  "files",
  "note",
];

function compareReply({ expect }: HookCommandCase, reply: CommandReply): string[] {
  const decoder = new TextDecoder();
  const stdout = decoder.decode(reply.stdout);
  const stderr = decoder.decode(reply.stderr);
  const problems: string[] = [];
  const unknown = Object.keys(expect).filter((key) => !EXPECT_KEYS.includes(key));
  if (unknown.length > 0) problems.push(`unknown expect key ${unknown.join(", ")}`);
  if (reply.code !== expect.code) problems.push(`exit status ${reply.code}`);
  if (!textMatches(stdout, expect.stdout, expect.stdout_match ?? "exact")) {
    problems.push(`stdout ${JSON.stringify(stdout)}`);
  }
  if (!textMatches(stderr, expect.stderr, expect.stderr_match ?? "exact")) {
    problems.push(`stderr ${JSON.stringify(stderr)}`);
  }
  return problems;
}

function textMatches(got: string, expected: unknown, how: string): boolean {
  switch (how) {
    case "exact":
      return got === (expected ?? "");
    case "suffix":
      return got.endsWith(String(expected ?? ""));
    case "contains":
      return got.includes(String(expected));
    case "regex": {
      const pattern = String(expected).replace(/^\(\?s\)/, "");
      return new RegExp(`^(?:${pattern})$`, pattern === expected ? "" : "s").test(got);
    }
    case "json":
      return structureMatches(tryParse(JSON.parse, got), expected, JSON.parse);
    case "yaml":
      return structureMatches(tryParse(parse, got), expected, parse);
    default:
      throw new RangeError(`unknown way to compare: ${how}`);
  }
}

const UNREADABLE = Symbol("unreadable");

function tryParse(read: (text: string) => unknown, text: string): unknown {
  try {
    return read(text);
  } catch {
    return UNREADABLE;
  }
}

/** The expected structure may itself be given as text. */
function structureMatches(got: unknown, expected: unknown, read: (text: string) => unknown): boolean {
  if (got === UNREADABLE) return false;
  return same(got, expected) || (typeof expected === "string" && same(got, tryParse(read, expected)));
}

function effectProblems({ expect }: HookCommandCase, run: HookRun, ports: [string, string][]): string[] {
  const effects = { ...expect.effects };
  delete effects.files;
  const actual = effectsOf(run, ports);
  if (!expect.effects) delete actual.log;
  return compareEffects(effects, actual);
}

async function fileProblems({ expect }: HookCommandCase, dir: string): Promise<string[]> {
  const files = { ...expect.files, ...expect.effects?.files as Json | undefined };
  const problems: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    const got = await Deno.readTextFile(join(dir, name)).catch(() => undefined);
    const matches = got !== undefined && textMatches(got, content, typeof content === "string" ? "exact" : "yaml");
    if (!matches) problems.push(`file ${name} ${JSON.stringify(got)}`);
  }
  return problems;
}
