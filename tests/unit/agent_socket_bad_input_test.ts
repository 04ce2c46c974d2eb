import { assertEquals } from "@std/assert";
import { AgentError } from "../../hooks/errors.ts";
import { GobEncoder } from "../../hooks/juju/gob.ts";
import { assertAgentError, bytes, replies, send, text, untilClosed, withPeer } from "./agent_helpers.ts";

Deno.test("replies in another order, and an agent that sends a byte at a time", async () => {
  const data = replies({ seq: 1, stdout: "one" }, { seq: 2, error: "bad request: no" }, { seq: 0, stdout: "zero" });
  await withPeer(async (stream) => {
    for (const byte of data) await send(stream, new Uint8Array([byte]));
  }, async (agent) => {
    const got = await Promise.all(["a", "b", "c"].map((name) => agent.run(name, [])));
    assertEquals(got.map(({ stdout }) => text(stdout)), ["zero", "one", ""]);
    assertEquals(text(got[2]?.stderr ?? new Uint8Array()), "ERROR bad request: no\n");
  });
});

Deno.test("an agent that closes mid-call fails every call that waits, and those after", async () => {
  await withPeer((stream) => send(stream, replies({ seq: 0, stdout: "ok" })), async (agent) => {
    const [first, second, third] = await Promise.allSettled(["a", "b", "c"].map((name) => agent.run(name, [])));
    assertEquals(first?.status, "fulfilled");
    for (const result of [second, third]) {
      assertEquals(result?.status === "rejected" && result.reason instanceof AgentError, true);
    }
    const closed = "the unit agent closed the connection with 2 hook commands under way";
    await assertAgentError(agent.run("d", []), closed, "Juju will retry the hook");
  });
});

const BROKEN: [name: string, data: Uint8Array, error: string][] = [
  ["ends inside a message", replies({ seq: 0, stdout: "x".repeat(100) }).slice(0, -1), "ended inside a message"],
  ["sends garbage", bytes("HTTP/1.1 400 Bad Request\r\n".repeat(10)), "does not speak the hook command protocol"],
  ["announces a message beyond the limit", new Uint8Array([0xfb, 0x7f, 0, 0, 0, 0]), "more than the limit"],
  ["answers a call that was not made", replies({ seq: 7 }), "a reply to call 7, which is not under way"],
  ["answers a call twice", replies({ seq: 0 }, { seq: 0 }), "a reply to call 0, which is not under way"],
];

for (const [name, data, error] of BROKEN) {
  Deno.test(`an agent that ${name} fails the calls with one line`, async () => {
    await withPeer((stream) => send(stream, data).catch(() => {}), async (agent) => {
      const results = await Promise.allSettled([agent.run("a", []), agent.run("b", [])]);
      const last = results[1];
      assertEquals(last.status, "rejected");
      await assertAgentError(agent.run("c", []), error);
    });
  });
}

Deno.test("a reply whose fields have other types is refused", async () => {
  const encoder = new GobEncoder();
  encoder.write({ name: "Response", fields: { ServiceMethod: "string", Seq: "string" } }, { Seq: "0" });
  const data = encoder.take();
  await withPeer((stream) => send(stream, data), async (agent) => {
    await assertAgentError(agent.run("a", []), 'field Seq of "Response" has another type');
  });
});

Deno.test("a reply with fields that no version had is read without them", async () => {
  const encoder = new GobEncoder();
  encoder.write({ name: "Response", fields: { Hint: "strings", Seq: "uint", Took: "int" } }, { Hint: ["x"], Took: -5 });
  encoder.write({ name: "Reply", fields: { Extra: "bytes", Stdout: "bytes" } }, {
    Extra: bytes("?"),
    Stdout: bytes("ok"),
  });
  const data = encoder.take();
  await withPeer((stream) => send(stream, data), async (agent) => {
    assertEquals(text((await agent.run("a", [])).stdout), "ok");
  });
});

Deno.test("an agent that never answers is given up", async () => {
  await withPeer(untilClosed, async (agent) => {
    const calls = [agent.run("a", []), agent.run("b", [])];
    for (const call of calls) call.catch(() => {});
    for (const call of calls) await assertAgentError(call, "has not answered for 0.001 s; Juju will retry the hook");
  }, { replyTimeoutMs: 1 });
});
