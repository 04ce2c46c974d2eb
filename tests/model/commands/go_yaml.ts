/**
 * YAML as Go's yaml.v2 prints it: two spaces, lists not indented in maps, double quotes for what would be
 * read as another type. The library of the project prints other quotes and other indentation, so these
 * simple shapes have their own printer.
 *
 * @module
 */

/** What hook commands print. A Map keeps its order (a Go struct), an object is sorted (a Go map). */
export type Printable =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Printable[]
  | ReadonlyMap<string, Printable>
  | { readonly [key: string]: Printable };

const OTHER_WORDS = new Set(
  ("y Y yes Yes YES on On ON true True TRUE n N no No NO off Off OFF false False FALSE ~ null Null NULL " +
    ".nan .NaN .NAN .inf .Inf .INF +.inf +.Inf +.INF -.inf -.Inf -.INF <<").split(" "),
);
const OTHER_FORMS: readonly RegExp[] = [
  /^[-+]?(0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+|[0-9][0-9_]*)$/,
  /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/,
  /^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$/,
  /^\d{4}-\d{1,2}-\d{1,2}([Tt]\d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?(Z|[-+]\d\d:\d\d)| \d{1,2}:\d{1,2}:\d{1,2}(\.\d+)?)?$/,
];
// deno-fmt-ignore
const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\0", "\x07": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
  "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\x85": "\\N", "\xa0": "\\_", "\u2028": "\\L", "\u2029": "\\P",
};
const SPECIAL = /[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

/** Column after which yaml.v2 folds at the next blank. */
const FOLD_AFTER = 80;

/**
 * Prints one document with a newline at its end.
 *
 * @param value any printable value
 */
export function goYaml(value: Printable): string {
  return `${node(value, 0, "top")}\n`.replace(/\n+$/, "\n");
}

/** Text of a value that follows `key:`, `-` or nothing; starts with the separator that it needs. */
function node(value: Printable, indent: number, place: "top" | "key" | "item"): string {
  const gap = place === "top" ? "" : " ";
  if (Array.isArray(value)) {
    if (value.length === 0) return `${gap}[]`;
    const at = place === "item" ? indent + 2 : indent;
    const items = value.map((item: Printable) => `-${node(item, at, "item")}`);
    return joined(items, at, place);
  }
  if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) {
    const entries = entriesOf(value as ReadonlyMap<string, Printable> | Record<string, Printable>);
    if (entries.length === 0) return `${gap}{}`;
    const at = place === "top" ? 0 : indent + 2;
    const lines = entries.map(([key, item]) => `${scalar(key, at, true)}:${node(item, at, "key")}`);
    return joined(lines, at, place);
  }
  return gap + leaf(value as Exclude<Printable, object> | Uint8Array, indent);
}

function joined(lines: string[], indent: number, place: "top" | "key" | "item"): string {
  const pad = " ".repeat(indent);
  const text = lines.join(`\n${pad}`);
  return place === "top" ? text : place === "item" ? ` ${text}` : `\n${pad}${text}`;
}

function leaf(value: null | boolean | number | string | Uint8Array, indent: number): string {
  if (value instanceof Uint8Array) return binary(value, indent);
  return typeof value === "string" ? scalar(value, indent, false) : String(value);
}

function binary(bytes: Uint8Array, indent: number): string {
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  if (text.length < 70) return `!!binary ${text}`;
  const pad = `\n${" ".repeat(indent + 2)}`;
  return `!!binary |${pad}${(text.match(/.{1,70}/g) ?? []).join(pad)}`;
}

function scalar(text: string, indent: number, isKey: boolean): string {
  const special = SPECIAL.test(text) || / \n/.test(text);
  const pad = `\n${" ".repeat(indent + 2)}`;
  if (text.includes("\n") && !isKey && !special && !/ $/.test(text)) return literal(text, pad);
  if (special || text.includes("\n") || wouldBeOther(text)) return fold(doubleQuoted(text), isKey ? undefined : pad);
  const quoted = plainAllowed(text) ? text : `'${text.replaceAll("'", "''")}'`;
  return fold(quoted, isKey ? undefined : pad);
}

/** Whether YAML would read the bare text as a number, boolean, time or null. */
function wouldBeOther(text: string): boolean {
  return text === "" || OTHER_WORDS.has(text) || OTHER_FORMS.some((form) => form.test(text));
}

function plainAllowed(text: string): boolean {
  if (/^(---|\.\.\.)/.test(text) || /^\s|\s$/.test(text)) return false;
  if (/^[#,[\]{}&*!|>'"%@`]/.test(text) || /^[-?:](\s|$)/.test(text)) return false;
  return !/:(\s|$)|\s#/.test(text);
}

function doubleQuoted(text: string): string {
  const escaped = Array.from(text, (char) => {
    if (ESCAPES[char] !== undefined) return ESCAPES[char];
    if (!SPECIAL.test(char)) return char;
    const code = (char.codePointAt(0) ?? 0).toString(16).toUpperCase();
    if (code.length <= 2) return `\\x${code.padStart(2, "0")}`;
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\U${code.padStart(8, "0")}`;
  });
  return `"${escaped.join("")}"`;
}

function literal(text: string, pad: string): string {
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const chomp = !text.endsWith("\n") ? "-" : text === "\n" || text.endsWith("\n\n") ? "+" : "";
  const lines = text.replace(/\n$/, "").split("\n");
  return `|${hint}${chomp}${lines.map((line) => (line === "" ? "\n" : pad + line)).join("")}`;
}

/** Folds a long scalar at single blanks, as yaml.v2 does by default. Keys are never folded. */
function fold(text: string, pad: string | undefined): string {
  if (pad === undefined || text.length <= FOLD_AFTER) return text;
  let column = pad.length - 1;
  return text.replaceAll(/(\S+)( ?)/g, (all, word: string, blank: string, at: number) => {
    column += word.length;
    const next = text[at + all.length];
    if (blank && column > FOLD_AFTER && next !== " " && next !== undefined) {
      column = pad.length - 1;
      return word + pad;
    }
    column += blank.length;
    return all;
  });
}

function entriesOf(value: ReadonlyMap<string, Printable> | Record<string, Printable>): [string, Printable][] {
  if (value instanceof Map) return [...value];
  return Object.entries(value as Record<string, Printable>).sort(([a], [b]) => naturalOrder(a, b));
}

/** Order of keys in yaml.v2: letters after other characters, runs of digits as numbers. */
function naturalOrder(left: string, right: string): number {
  const a = [...left];
  const b = [...right];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const x = a[i] ?? "";
    const y = b[i] ?? "";
    if (x === y) continue;
    const letterX = /\p{L}/u.test(x);
    const letterY = /\p{L}/u.test(y);
    if (letterX && letterY) return x < y ? -1 : 1;
    if (letterX || letterY) return letterY ? -1 : 1;
    const runX = /^\d*/.exec(a.slice(i).join(""))?.[0] ?? "";
    const runY = /^\d*/.exec(b.slice(i).join(""))?.[0] ?? "";
    const inNumber = (x === "0" || y === "0") && /[1-9]\d*$/.test(a.slice(0, i).join(""));
    const difference = Number(`${inNumber ? 1 : 0}${runX}`) - Number(`${inNumber ? 1 : 0}${runY}`);
    if (difference !== 0) return difference;
    if (runX.length !== runY.length) return runX.length - runY.length;
    return x < y ? -1 : 1;
  }
  return a.length - b.length;
}
