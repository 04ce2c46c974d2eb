import { assertEquals, assertNotMatch } from "@std/assert";
import { Logger } from "../../hooks/log.ts";
import { Redactor } from "../../hooks/redact.ts";

Deno.test("values, their lines and their JSON form are masked", () => {
  const redactor = new Redactor();
  const pem = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSj0123456\n-----END KEY-----\n";
  redactor.add(pem);
  redactor.add('pa"ss');
  assertEquals(redactor.apply('login with pa"ss'), "login with [secret]");
  assertEquals(redactor.apply('{"password":"pa\\"ss"}'), '{"password":"[secret]"}');
  assertNotMatch(redactor.apply(`line AQEFAASCBKcwggSj0123456 of ${pem}`), /AQEFAASCBKcwggSj/);
});

Deno.test("a secret inside a longer secret leaves no rest", () => {
  const redactor = new Redactor();
  redactor.add("abc");
  redactor.add("abcdef");
  assertEquals(redactor.apply("abcdef abc"), "[secret] [secret]");
});

Deno.test("log lines keep their order, and one that is refused does not fail the others", async () => {
  const sent: string[] = [];
  const redactor = new Redactor();
  const log = new Logger({
    send: (level, message) => {
      if (message === "refused") return Promise.reject(new Error("no"));
      sent.push(`${level} ${message}`);
      return Promise.resolve();
    },
    printDebug: (line) => void sent.push(`print ${line}`),
  }, redactor);
  redactor.add("hunter2");
  log.info("password is hunter2");
  log.warning("refused");
  log.error("last");
  log.debug("hunter2");
  await log.flush();
  assertEquals(sent, ["print [secret]", "INFO password is [secret]", "ERROR last"]);
});
