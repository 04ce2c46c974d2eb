/**
 * Command line flags as the Go library of Juju's hook commands reads them.
 * Source: contract section 3.1; juju/gnuflag flag.go, Parse.
 *
 * @module
 */

/** One flag with all its spellings. */
export interface FlagSpec {
  /** Spellings without dashes; the first is the key in {@link ParsedFlags.values}. */
  readonly names: readonly string[];
  readonly type: "bool" | "string" | "int";
  readonly usage?: string;
  /** Shown by `--help`. */
  readonly initial?: string;
  /** Returns why the value is refused, or undefined when it is fine. */
  readonly check?: (value: string) => string | undefined;
}

/** Flags and positional arguments. */
export interface ParsedFlags {
  readonly values: ReadonlyMap<string, string>;
  readonly args: readonly string[];
}

/** A flag that the command does not know, or a value that it refuses. The command exits with 2. */
export class FlagError extends Error {
  override readonly name = "FlagError";
}

/** `--help` or `-h` was given. */
export class HelpRequested extends Error {
  override readonly name = "HelpRequested";
}

const BOOLEANS: Readonly<Record<string, string>> = {
  "1": "true",
  t: "true",
  T: "true",
  true: "true",
  TRUE: "true",
  True: "true",
  "0": "false",
  f: "false",
  F: "false",
  false: "false",
  FALSE: "false",
  False: "false",
};

const dashed = (name: string) => `${name.length > 1 ? "--" : "-"}${name}`;

/**
 * Separates flags from positional arguments. They may be mixed; `--` ends the flags, a lone `-` is
 * positional, the value of a flag may start with a dash.
 *
 * @param specs flags that the command knows
 * @param argv arguments after the command's name
 * @throws {FlagError} unknown flag, missing or refused value
 * @throws {HelpRequested} `--help` or `-h`
 */
export function parseFlags(specs: readonly FlagSpec[], argv: readonly string[]): ParsedFlags {
  const known = new Map(specs.flatMap((spec) => spec.names.map((name) => [name, spec] as const)));
  const values = new Map<string, string>();
  const args: string[] = [];

  const lookUp = (name: string): FlagSpec => {
    const spec = known.get(name);
    if (spec) return spec;
    if (name === "help" || name === "h") throw new HelpRequested();
    throw new FlagError(`option provided but not defined: ${dashed(name)}`);
  };
  const set = (spec: FlagSpec, name: string, value: string) => {
    const reason = refusal(spec, value);
    if (reason !== undefined) {
      throw new FlagError(`invalid value ${goQuote(value)} for option ${dashed(name)}: ${reason}`);
    }
    values.set(spec.names[0] ?? name, spec.type === "bool" ? BOOLEANS[value] ?? value : value);
  };

  const rest = [...argv];
  const valueOf = (name: string, attached: string | undefined): string => {
    const value = attached ?? rest.shift();
    if (value === undefined) throw new FlagError(`option needs an argument: ${dashed(name)}`);
    return value;
  };
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--") {
      args.push(...rest);
      break;
    }
    if (word === "-" || !word.startsWith("-")) {
      args.push(word);
    } else if (word.startsWith("--")) {
      const equals = word.indexOf("=");
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      const attached = equals < 0 ? undefined : word.slice(equals + 1);
      if (name === "") throw new FlagError(`empty option in argument ${goQuote(word)}`);
      const spec = lookUp(name);
      set(spec, name, spec.type === "bool" ? attached ?? "true" : valueOf(name, attached));
    } else {
      const letters = [...word.slice(1)];
      for (let letter = letters.shift(); letter !== undefined; letter = letters.shift()) {
        const spec = lookUp(letter);
        if (spec.type === "bool") {
          set(spec, letter, "true");
        } else {
          set(spec, letter, valueOf(letter, letters.length > 0 ? letters.splice(0).join("") : undefined));
        }
      }
    }
  }
  return { values, args };
}

function refusal(spec: FlagSpec, value: string): string | undefined {
  if (spec.type === "bool" && BOOLEANS[value] === undefined) {
    return `strconv.ParseBool: parsing ${goQuote(value)}: invalid syntax`;
  }
  if (spec.type === "int" && !/^[-+]?\d+$/.test(value)) {
    return `strconv.ParseInt: parsing ${goQuote(value)}: invalid syntax`;
  }
  return spec.check?.(value);
}

/**
 * A string as Go's `%q` prints it.
 *
 * @param text any text
 */
export function goQuote(text: string): string {
  const escaped = JSON.stringify(text).replaceAll(/\\u([0-9a-f]{4})/g, (all, hex: string) => {
    const named = hex === "0007" ? "\\a" : hex === "000b" ? "\\v" : undefined;
    return named ?? (hex.startsWith("00") ? `\\x${hex.slice(2)}` : all);
  });
  return escaped.replaceAll("\x7f", "\\x7f");
}

/**
 * A list of strings as Go's `%q` prints it: `["x" "y"]`.
 *
 * @param list any texts
 */
export function goQuoteList(list: readonly string[]): string {
  return `[${list.map(goQuote).join(" ")}]`;
}
