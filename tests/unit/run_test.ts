/** Programs of the machine that a handler runs to their end. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ClientError, InputError } from "../../interfaces/clients/errors.ts";
import { capture, ProgramTimeoutError } from "../../interfaces/clients/run.ts";

Deno.test("capture: exit code, output and input", async () => {
  const result = await capture("sh", ["-c", "cat; echo bad >&2; exit 3"], { input: "secret", timeoutMs: 60_000 });
  assertEquals(result, { code: 3, stdout: "secret", stderr: "bad\n" });
  assertEquals((await capture("sh", ["-c", 'echo "$LC_ALL $A"'], { environment: { A: "1" } })).stdout, "C 1\n");
  await assertRejects(() => capture("charmlet-no-such-program", []), InputError, "install the package that has it");
});

Deno.test("capture: a program that does not end in time is killed, and the error says so", async () => {
  const start = performance.now();
  const script = "exec sleep 300";
  const run = () => capture("sh", ["-c", script], { input: "password", timeoutMs: 200 });
  const error = await assertRejects(run, ProgramTimeoutError, "sh did not end within 200 ms and was killed");
  assert(error instanceof ClientError && !error.message.includes("password"));
  assert(performance.now() - start < 250_000);
});
