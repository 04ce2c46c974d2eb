/** The Patroni client without Patroni: servers that are not what they should be. */
import { assertEquals, assertInstanceOf, assertNotMatch, assertRejects, assertThrows } from "@std/assert";
import { openPatroni, type Patroni, type PatroniOptions } from "../../interfaces/clients/patroni/client.ts";
import { PatroniRefusedError } from "../../interfaces/clients/patroni/errors.ts";
import {
  ClientError,
  ClientTimeoutError,
  InputError,
  ReplyError,
  UnreachableError,
} from "../../interfaces/clients/errors.ts";

interface Seen {
  readonly port: number;
  /** Method, path, password header and body of each request. */
  readonly requests: { line: string; authorization: string | null; body: string }[];
}

/** A server on a free port that answers as told, while a function runs. */
async function withServer(
  answer: (line: string) => Response | Promise<Response>,
  run: (server: Seen) => Promise<void>,
): Promise<void> {
  const requests: Seen["requests"] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname, search } = new URL(request.url);
    const line = `${request.method} ${pathname}${search}`;
    requests.push({ line, authorization: request.headers.get("authorization"), body: await request.text() });
    return await answer(line);
  });
  try {
    await run({ port: server.addr.port, requests });
  } finally {
    await server.shutdown();
  }
}

function open(port: number, options: Partial<PatroniOptions> = {}): Patroni {
  return openPatroni({ address: "127.0.0.1", port, auth: { user: "patroni", password: "s3cret" }, ...options });
}

const MEMBER = { name: "pg-0", role: "leader", state: "running", host: "10.0.0.1", port: 5432, timeline: 1 };

Deno.test("servers that are no Patroni, or answer too much or half, are told apart", async () => {
  const half = JSON.stringify({ members: [MEMBER] }).slice(0, 20);
  const answers: [() => Response, string][] = [
    [() => new Response("<!doctype html>secret"), "HTML"],
    [() => new Response(""), "nothing"],
    [() => new Response("[]"), "something other than a whole JSON object"],
    [() => new Response(half), "something other than a whole JSON object"],
    [() => Response.json({ members: "x".repeat(5000) }), "larger than 1000 bytes"],
    [() => new Response(null, { status: 302, headers: { location: "http://127.0.0.1:9/" } }), "redirects elsewhere"],
    [() => new Response("not found", { status: 404 }), "HTTP 404"],
    [() => Response.json({}), "no members"],
  ];
  for (const [answer, reason] of answers) {
    await withServer(answer, async ({ port, requests }) => {
      using patroni = open(port, { maxReplyBytes: 1000 });
      const error = await assertRejects(() => patroni.cluster(), ReplyError, reason);
      assertNotMatch(error.message, /secret|127\.0\.0\.1:9/);
      assertEquals(requests.length, 1, "once is enough");
    });
  }
  await withServer(() => new Response("yes"), async ({ port }) => {
    using patroni = open(port);
    await assertRejects(() => patroni.is("primary"), ReplyError);
    await assertRejects(() => patroni.is("readiness"), ReplyError);
    await assertRejects(() => patroni.health(), ReplyError);
    assertEquals(await patroni.alive(), true);
  });
});

Deno.test("passwords go with writes only, and every write has a body", async () => {
  const answer = (line: string): Response => {
    if (line.startsWith("GET /cluster")) return Response.json({ members: [MEMBER] });
    if (line.startsWith("GET")) return Response.json({ state: "running", role: "master" });
    if (line.startsWith("PATCH")) return Response.json({ ttl: 20 });
    if (line.startsWith("POST /switchover")) return new Response('Successfully switched over to "pg-1"');
    if (line.startsWith("POST /failover")) return new Response('Failed over to "pg-2" instead of "pg-1"');
    if (line.startsWith("DELETE")) return new Response("no restarts are scheduled", { status: 404 });
    if (line === "POST /restart") return new Response("restart conditions are not satisfied", { status: 503 });
    return new Response("reload scheduled", { status: 202 });
  };
  await withServer(answer, async ({ port, requests }) => {
    using patroni = open(port);
    assertEquals([(await patroni.cluster()).members.length, await patroni.is("replica", { lagBytes: 1e6 })], [1, true]);
    assertEquals(await patroni.patchConfig({ ttl: 20 }), { ttl: 20 });
    await patroni.reload();
    assertEquals(await patroni.restart({ pendingOnly: true, role: "replica", timeoutSeconds: 5 }), "not-needed");
    assertEquals(await patroni.cancelRestart(), false);
    assertEquals(await patroni.switchover({ leader: "pg-0", candidate: "pg-1" }), { done: "switched", leader: "pg-1" });
    assertEquals(await patroni.failover({ candidate: "pg-1" }), { done: "switched", leader: "pg-2" });
    const header = `Basic ${btoa("patroni:s3cret")}`;
    assertEquals(requests.map(({ line, authorization, body }) => [line, authorization, body]), [
      ["GET /cluster", null, ""],
      ["GET /replica?lag=1000000", null, ""],
      ["PATCH /config", header, '{"ttl":20}'],
      ["POST /reload", header, "{}"],
      ["POST /restart", header, '{"restart_pending":true,"role":"replica","timeout":5}'],
      ["DELETE /restart", header, "{}"],
      ["POST /switchover", header, '{"leader":"pg-0","candidate":"pg-1"}'],
      ["POST /failover", header, '{"candidate":"pg-1"}'],
    ]);
  });
});

Deno.test("a switchover whose end Patroni does not know is said to be unknown", async () => {
  await withServer(() => new Response("Switchover status unknown", { status: 503 }), async ({ port }) => {
    using patroni = open(port);
    const error = await assertRejects(() => patroni.switchover({ leader: "pg-0" }), PatroniRefusedError);
    assertEquals([error.reason, error.outcomeUnknown], ["failed", true]);
  });
});

/** A listener that does something with each connection, while a function runs. */
async function withListener(
  meet: (connection: Deno.TcpConn) => Promise<void>,
  run: (port: number, count: () => number) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let met = 0;
  const done = (async () => {
    for await (const connection of listener) {
      met++;
      await meet(connection);
      connection.close();
    }
  })();
  try {
    await run(listener.addr.port, () => met);
  } finally {
    listener.close();
    await done;
  }
}

Deno.test("a read whose connection breaks is sent again, a write is not", async () => {
  const slam = async (connection: Deno.TcpConn): Promise<void> => {
    await connection.read(new Uint8Array(4096));
  };
  await withListener(slam, async (port, count) => {
    using patroni = open(port);
    const error = await assertRejects(() => patroni.reload(), UnreachableError);
    assertEquals([count(), error.outcomeUnknown], [1, true]);
    assertNotMatch(error.message, /s3cret/);
    await assertRejects(() => patroni.cluster(), UnreachableError);
    const twice = count() - 1;
    using once = open(port, { tries: 1 });
    await assertRejects(() => once.cluster(), UnreachableError);
    // Deno sends a read again by itself too.
    assertEquals(twice, 2 * (count() - 1 - twice));
  });
});

Deno.test("a write's reply may be cut short, too large, point elsewhere or be no HTTP", async () => {
  const cases: [string, string][] = [
    ["HTTP/1.0 200 OK\r\nSer", "broke off"],
    ["SSH-2.0-OpenSSH_9.2\r\n", "speaks no HTTP"],
    ["HTTP/1.0 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n", "redirects elsewhere"],
    [`HTTP/1.0 200 OK\r\n\r\n${"x".repeat(2000)}`, "larger than 1000 bytes"],
    ['HTTP/1.0 200 OK\r\n\r\n{"ttl":', "something other than a whole JSON object"],
    ["HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404"],
  ];
  for (const [reply, reason] of cases) {
    const answer = async (connection: Deno.TcpConn): Promise<void> => {
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(reply));
    };
    await withListener(answer, async (port) => {
      using patroni = open(port, { maxReplyBytes: 1000 });
      await assertRejects(() => patroni.patchConfig({ ttl: 20 }), ReplyError, reason);
    });
  }
});

Deno.test("HTTP/1.0 with one request per connection is what Patroni speaks", async () => {
  const body = JSON.stringify({ members: [MEMBER] });
  const answer = async (connection: Deno.TcpConn): Promise<void> => {
    await connection.read(new Uint8Array(4096));
    await connection.write(new TextEncoder().encode(`HTTP/1.0 200 OK\r\nServer: BaseHTTP/0.6\r\n\r\n${body}`));
  };
  await withListener(answer, async (port, count) => {
    using patroni = open(port);
    for (let i = 0; i < 3; i++) assertEquals((await patroni.cluster()).members.length, 1);
    assertEquals(count(), 3);
  });
});

Deno.test("where https does not answer, http does, if it is allowed", async () => {
  await withServer(() => Response.json({ members: [MEMBER] }), async ({ port, requests }) => {
    using either = open(port, { schemes: ["https", "http"] });
    assertEquals([either.scheme, (await either.cluster()).members.length, either.scheme], ["https", 1, "http"]);
    using strict = open(port, { schemes: ["https"] });
    const error = await assertRejects(() => strict.patchConfig({ ttl: 30 }), UnreachableError);
    assertEquals(error.outcomeUnknown, false);
    assertEquals(requests.map(({ authorization }) => authorization), [null], "no password has left");
  });
});

Deno.test("a server that never answers is a timeout, nobody there is unreachable", async () => {
  const gate = Promise.withResolvers<void>();
  await withServer(() => gate.promise.then(() => Response.json({})), async ({ port }) => {
    using patroni = open(port, { timeoutMs: 1000 });
    await assertRejects(() => patroni.cluster(), ClientTimeoutError, "no answer within 1000 ms");
    const error = await assertRejects(() => patroni.reload(), ClientTimeoutError);
    assertEquals([error.outcomeUnknown, await patroni.alive()], [true, false]);
    gate.resolve();
  });
  using patroni = open(1);
  const error = await assertRejects(() => patroni.reload(), UnreachableError, "connection refused");
  assertEquals(error.outcomeUnknown, false);
});

Deno.test("what cannot be asked is refused before anything is sent", async () => {
  for (const address of ["", "a b", "10.0.0.1/x", "http://10.0.0.1", "user@host", "x".repeat(300)]) {
    assertThrows(() => openPatroni({ address }), InputError);
  }
  for (const port of [0, 70000, 1.5, NaN]) assertThrows(() => openPatroni({ address: "10.0.0.1", port }), InputError);
  assertThrows(() => openPatroni({ address: "10.0.0.1", tls: { ca: "no PEM" } }), InputError);
  using patroni = open(1);
  await assertRejects(() => patroni.switchover({ leader: "a\r\nb" }), InputError);
  await assertRejects(() => patroni.failover({ candidate: "" }), InputError);
  const error = await assertRejects(() => patroni.patchConfig({}), ClientError);
  assertInstanceOf(error, InputError);
});
