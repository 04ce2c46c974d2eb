/** Replies to a request that is sent once: what was cut short is no answer. */
import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { ReplyError } from "../../interfaces/clients/errors.ts";
import { type HttpReply, TransportFailure } from "../../interfaces/clients/http/exchange.ts";
import { sendOnce } from "../../interfaces/clients/http/send_once.ts";

/** Asks a server that says just this, and ends the connection. */
async function asked(reply: string): Promise<HttpReply> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    await connection.read(new Uint8Array(16_384));
    const bytes = new TextEncoder().encode(reply);
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  })();
  try {
    const request = { endpoint: `http://127.0.0.1:${listener.addr.port}`, path: "/", server: "a server", body: "{}" };
    return await sendOnce(request, { tls: {}, signal: AbortSignal.timeout(60_000), maxReplyBytes: 10_000 });
  } finally {
    await serving;
  }
}

Deno.test("send once: a whole reply, with its length in bytes or without", async () => {
  const body = '{"name":"größer"}';
  const length = new TextEncoder().encode(body).length;
  for (const header of [`Content-Length: ${length}`, `content-length:${length}`, "Server: x"]) {
    const { status, text } = await asked(`HTTP/1.1 200 OK\r\n${header}\r\n\r\n${body}`);
    assertEquals([status, text], [200, body]);
  }
  assertEquals((await asked("HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")).text, "");
});

Deno.test("send once: a body that is shorter than announced is a connection that broke", async () => {
  for (const body of ["", '{"done":tr', '{"done":true}']) {
    const error = await assertRejects(() => asked(`HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n${body}`));
    assertInstanceOf(error, TransportFailure);
    assertEquals(error.kind, "broken");
  }
});

Deno.test("send once: what is no HTTP, or points elsewhere, is told as such", async () => {
  for (const reply of ["hello", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"]) {
    await assertRejects(() => asked(reply), ReplyError, "check that it is a server");
  }
});
