/** What people get to see is plain text, whatever others put into it. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { AgentError, HookCommandError } from "../../hooks/errors.ts";
import { message, reportFailure } from "../../hooks/failure.ts";
import { hookCommandCall } from "../../hooks/juju/call.ts";
import type { HookCommandTransport } from "../../hooks/juju/transport.ts";
import { Logger } from "../../hooks/log.ts";
import { Redactor } from "../../hooks/redact.ts";
import type { RunOptions } from "../../hooks/run_options.ts";
import { oneLine, plain, printable } from "../../hooks/text.ts";

/** A line break, a bell, an escape sequence, its one-byte form, and two that editors take for line breaks. */
const ODD = "a\nERROR forged\u0007\u001b[2J\u009b31m\u0085b\u2028c\u2029d";
const PLAIN = "a ERROR forged [2J 31m b c d";

Deno.test("one line has no control characters and keeps its end when it is long", () => {
  assertEquals(oneLine(ODD), PLAIN);
  assertEquals(oneLine("\ud800"), "\ufffd");
  const long = oneLine(`bad value ${"y".repeat(70_000)}: correct it`);
  assertMatch(long, /^bad value y+…y+: correct it$/);
  assertEquals(long.length, 1_001);
  assertMatch(oneLine("😀".repeat(2_000)), /^(?:😀|\ufffd)+…(?:😀|\ufffd)+$/u);
});

Deno.test("errors are one plain line, whatever they repeat", () => {
  assertEquals(new AgentError(ODD).message, PLAIN);
  assertEquals(new HookCommandError("x", 1, ODD).message, `x failed with exit status 1: ${PLAIN}`);
  assertEquals(message(new TypeError(ODD)), `TypeError: ${PLAIN.replace(" ERROR", "; ERROR")}`);
  assertEquals(message(ODD), PLAIN.replace(" ERROR", "; ERROR"));
});

Deno.test("a secret is masked in an error's line, however that changes its blanks and wherever it would be cut", () => {
  const redactor = new Redactor();
  const secrets = ["two  blanks", "a\ttab", `long-${"s".repeat(40)}`];
  for (const secret of secrets) redactor.add(secret);
  for (const secret of secrets) {
    assertEquals(redactor.apply(message(new AgentError(`no ${secret} here`))), "no [secret] here");
    for (const length of [650, 660, 670, 690, 699]) {
      const told: string[] = [];
      const options = { print: () => {}, printError: (line: string) => told.push(line), invocation: { name: "x" } };
      const error = new AgentError(`${"y".repeat(length)}${secret}${"z".repeat(900)}`);
      reportFailure(options as unknown as RunOptions, redactor, error);
      assertEquals(told.join().includes("sss") || told.join().includes(plain(secret)), false, told.join());
    }
  }
});

Deno.test("a secret is masked in what a hook command says, however long that is", async () => {
  const secret = `long-${"s".repeat(40)}`;
  const redactor = new Redactor();
  redactor.add(secret);
  for (const length of [440, 470, 499, 650, 690]) {
    const stderr = new TextEncoder().encode(`ERROR ${"y".repeat(length)} ${secret} ${"z".repeat(900)}`);
    const reply = { code: 1, stdout: new Uint8Array(), stderr };
    const transport: HookCommandTransport = { kind: "process", run: () => Promise.resolve(reply), close: () => {} };
    const call = hookCommandCall(transport);
    const error = await assertRejects(() => call.run("is-leader", []), HookCommandError);
    assertEquals(redactor.apply(error.wholeMessage).includes("ss"), false, error.wholeMessage);
  }
});

Deno.test("log lines may have several lines, and nothing else that a terminal obeys", async () => {
  assertEquals(printable("a\tb\nc"), "a\tb\nc");
  const lines: string[] = [];
  const send = (_level: string, line: string) => Promise.resolve(void lines.push(line));
  const log = new Logger({ send, printDebug: (line) => void lines.push(line) }, new Redactor());
  log.warning(ODD);
  log.debug(ODD);
  await log.flush();
  const shown = "a\nERROR forged\ufffd\ufffd[2J\ufffd31m\ufffdb\ufffdc\ufffdd";
  assertEquals(lines, [shown, shown]);
});
