/**
 * The part of `@std/cli` that the project uses, over minimist, of which `@std/cli` is a port: numbers, letter groups,
 * `=`, aliases and defaults are read alike. Where the port went its own way (`collect`, `--no-`) this file follows it.
 *
 * @module
 */
// @ts-types="@types/minimist"
import minimist from "minimist";

/** What {@linkcode parseArgs} is told about the options. Names must not contain dots. */
export interface ParseOptions<
  Booleans extends string,
  Strings extends string,
  Collected extends string,
  Defaults extends Readonly<Record<string, unknown>>,
  Aliases extends Readonly<Record<string, string | readonly string[]>>,
  DoubleDash extends boolean,
> {
  /** Options without a value; `false` where not given. */
  boolean?: readonly Booleans[];
  /** Options whose value stays text. */
  string?: readonly Strings[];
  /** Options that may be given several times: an array of all values. Others keep the last one. */
  collect?: readonly Collected[];
  /** Other names of an option. */
  alias?: Aliases;
  /** Values of options that are not given. */
  default?: Defaults;
  /** Whether everything after the first word that is no option goes to `_` unread. */
  stopEarly?: boolean;
  /** Whether what follows `--` is kept apart, under `--`. */
  "--"?: DoubleDash;
  /** Called with each argument that is no known option; returning `false` leaves it out. */
  unknown?: (arg: string) => unknown;
}

type AliasNames<Name, Aliases> = Name extends keyof Aliases
  ? Name | (Aliases[Name] extends readonly (infer Alias)[] ? Alias : Aliases[Name])
  : Name;

type Values<Booleans extends string, Strings extends string, Collected extends string, Defaults> =
  & { [Name in Exclude<Booleans, Collected | keyof Defaults>]: boolean }
  & { [Name in Exclude<Strings, Collected | keyof Defaults>]?: string }
  & { [Name in Extract<Collected, Strings>]: string[] }
  & { [Name in Exclude<Collected, Strings>]: unknown[] }
  & { [Name in Exclude<Extract<Booleans, keyof Defaults>, Collected>]: boolean | Defaults[Name] }
  & { [Name in Exclude<Extract<Strings, keyof Defaults>, Collected>]: string | Defaults[Name] }
  & { [Name in Exclude<keyof Defaults, Strings | Booleans | Collected>]: unknown };

/** What {@linkcode parseArgs} returns: every option under its name and its aliases. */
export type Args<Options, Aliases, DoubleDash extends boolean> =
  & { [Name in keyof Options as Extract<AliasNames<Name, Aliases>, PropertyKey>]: Options[Name] }
  & { _: (string | number)[] }
  & (DoubleDash extends true ? { "--": string[] } : unknown);

/** Hides `no-` from minimist: the arguments of a process cannot contain this character. */
const SHIELD = "\0";

/**
 * Reads command line arguments.
 *
 * @param args the arguments without the program's name
 * @param options what is known about them
 */
export function parseArgs<
  Booleans extends string = never,
  Strings extends string = never,
  Collected extends string = never,
  Defaults extends Readonly<Record<string, unknown>> = Record<never, never>,
  const Aliases extends Readonly<Record<string, string | readonly string[]>> = Record<never, never>,
  DoubleDash extends boolean = false,
>(
  args: string[],
  options: ParseOptions<Booleans, Strings, Collected, Defaults, Aliases, DoubleDash> = {},
): Args<Values<Booleans, Strings, Collected, Defaults>, Aliases, DoubleDash> {
  const { unknown } = options;
  const parsed = minimist(args.map((arg) => arg.replace(/^--(?=no-)/, `--${SHIELD}`)), {
    boolean: options.boolean?.map(shield) ?? [],
    string: options.string?.map(shield) ?? [],
    alias: Object.fromEntries(
      Object.entries(options.alias ?? {}).map(([name, aliases]) => [shield(name), [aliases].flat().map(shield)]),
    ),
    default: Object.fromEntries(Object.entries(options.default ?? {}).map(([name, value]) => [shield(name), value])),
    stopEarly: options.stopEarly ?? false,
    "--": options["--"] ?? false,
    ...(unknown ? { unknown: (arg: string) => unknown(unshield(arg)) !== false } : {}),
  });
  const collected = new Set<string>(options.collect?.flatMap((name) => [name, options.alias?.[name] ?? []].flat()));
  const defaults = new Set<unknown>(Object.values(options.default ?? {}));
  const result: Record<string, unknown> = {};
  for (const [shielded, value] of Object.entries(parsed)) {
    const name = unshield(shielded);
    if (name === "_" || name === "--") result[name] = [value].flat().map(unshield);
    else if (collected.has(name)) result[name] = [value].flat();
    else result[name] = Array.isArray(value) && !defaults.has(value) ? value.at(-1) : value;
  }
  for (const name of collected) result[name] ??= [];
  return result as Args<Values<Booleans, Strings, Collected, Defaults>, Aliases, DoubleDash>;
}

/** minimist reads `--no-x` as x = false; `@std/cli` as an option called `no-x`, which this makes minimist do. */
function shield(name: string): string {
  return name.startsWith("no-") ? SHIELD + name : name;
}

function unshield<Value>(value: Value): Value | string {
  return typeof value === "string" ? value.replace(SHIELD, "") : value;
}
