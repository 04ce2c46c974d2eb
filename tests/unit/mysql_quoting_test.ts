import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { InputError } from "../../interfaces/clients/errors.ts";
import { account, list, name, Sql, sql } from "../../interfaces/clients/mysql/quoting.ts";

/** Reads a quoted literal as MySQL does without NO_BACKSLASH_ESCAPES; fails when anything is left behind it. */
function readLiteral(text: string): string {
  const characters = [...text];
  assertEquals(characters[0], "'");
  let value = "";
  for (let index = 1; index < characters.length; index++) {
    const character = characters[index];
    if (character === "'") {
      assertEquals(index, characters.length - 1, "the literal ends before the text does");
      return value;
    }
    if (character !== "\\") {
      value += character;
      continue;
    }
    const next = characters[++index] ?? "";
    value += ({ "0": "\0", n: "\n", r: "\r", Z: "\x1a" } as Record<string, string>)[next] ?? next;
  }
  throw new Error("the literal has no end");
}

const HOSTILE = [
  "",
  "plain",
  "it's",
  'say "hi"',
  "back`tick",
  "\\",
  "trailing\\",
  "\\'",
  "'; DROP USER root; -- ",
  "' OR '1'='1",
  "a?b:c@d %s",
  "  spaces  ",
  "line\nline\r\n",
  "nul\0nul",
  "\x1a\x00\x08\t",
  "ünïcödé \u{1F600} \u2028 ‘’ ＇",
  "/* comment */ # -- ",
  "%_",
  "x".repeat(65_536),
];

Deno.test("mysql quoting: every hostile text is one literal that means the text", () => {
  for (const text of HOSTILE) {
    assertEquals(readLiteral(Sql.textOf(sql`${text}`)), text);
    const statement = Sql.textOf(sql`ALTER USER ${account("u", "%")} IDENTIFIED BY ${text} PASSWORD EXPIRE NEVER`);
    assert(statement.startsWith("ALTER USER 'u'@'%' IDENTIFIED BY '"));
    assert(statement.endsWith("' PASSWORD EXPIRE NEVER"));
  }
});

Deno.test("mysql quoting: numbers are whole, null is NULL, parts go in as they are", () => {
  assertEquals(
    Sql.textOf(sql`SELECT ${1}, ${-5}, ${12345678901234567890n}, ${null}`),
    "SELECT 1, -5, 12345678901234567890, NULL",
  );
  assertEquals(Sql.textOf(sql`A ${sql`B ${"c"}`} D`), "A B 'c' D");
  assertEquals(Sql.textOf(list([sql`a`, sql`${"b"}`])), "a, 'b'");
  for (const bad of [1.5, NaN, Infinity, 2 ** 60]) assertThrows(() => sql`SELECT ${bad}`, InputError);
});

Deno.test("mysql quoting: half characters and endless texts are refused", () => {
  assertThrows(() => sql`${"\ud800"}`, InputError);
  assertThrows(() => sql`${"x".repeat(1024 * 1024 + 1)}`, InputError);
});

Deno.test("mysql quoting: what is no text, number or SQL is refused", () => {
  for (const value of [undefined, {}, [], true, { toString: () => "1; DROP" }]) {
    assertThrows(() => sql`${value as unknown as string}`, InputError);
  }
});

Deno.test("mysql quoting: nobody makes SQL out of a text", () => {
  assertThrows(() => new Sql("DROP DATABASE x", Symbol("sql") as never), InputError);
});

Deno.test("mysql quoting: SQL does not show what it says", () => {
  const statement = sql`ALTER USER ${account("u", "%")} IDENTIFIED BY ${"hunter2"}`;
  const shown = `${statement} ${JSON.stringify({ statement })} ${
    Deno.inspect(statement, { showHidden: true, depth: 9 })
  }`;
  assert(!shown.includes("hunter2"), shown);
  assertStringIncludes(shown, "[SQL]");
});

Deno.test("mysql quoting: names keep dots and backticks inside", () => {
  assertEquals(Sql.textOf(name("a.b")), "`a.b`");
  assertEquals(Sql.textOf(name("a`; DROP TABLE x; -- ")), "`a``; DROP TABLE x; -- `");
  for (const bad of ["", "x".repeat(65), "a\0b", "a\nb", "\udc00"]) assertThrows(() => name(bad), InputError);
});

Deno.test("mysql quoting: users and hosts", () => {
  assertEquals(Sql.textOf(account("o'brien", "10.0.0.%")), "'o\\'brien'@'10.0.0.%'");
  assertEquals(Sql.textOf(account("u@h", "fd00::1")), "'u@h'@'fd00::1'");
  for (const user of ["", " u", "u ", "x".repeat(33), "a\0", "a\nb"]) {
    assertThrows(() => account(user, "%"), InputError);
  }
  for (const host of ["", "a b", "h'; --", "h`", "h\0", "x".repeat(256), 'h"']) {
    assertThrows(() => account("u", host), InputError);
  }
});
