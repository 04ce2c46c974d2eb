/** The etcd client's parts that need no etcd: endpoints, values, and servers that are not what they should be. */
import { assert, assertEquals, assertInstanceOf, assertNotMatch, assertRejects, assertThrows } from "@std/assert";
import { openEtcd } from "../../interfaces/clients/etcd/client.ts";
import { parseEndpoints } from "../../interfaces/clients/etcd/endpoints.ts";
import { isRefusal, readReply } from "../../interfaces/clients/etcd/answer.ts";
import { readLines } from "../../interfaces/clients/etcd/lines.ts";
import { asText, hexId, idFromHex, int64, prefixRange } from "../../interfaces/clients/etcd/values.ts";
import {
  AuthenticationError,
  ClientError,
  ClientTimeoutError,
  CommonNameError,
  InputError,
  MissingError,
  NoQuorumError,
  NotPermittedError,
  RefusedError,
  ReplyError,
  UnhealthyClusterError,
  UnreachableError,
} from "../../interfaces/clients/errors.ts";

Deno.test("parseEndpoints reads what providers publish", () => {
  const text = " https://10.0.0.1:2379 ,https://[FD00::2]:2379/,, http://etcd.example:12379,https://10.0.0.1:2379,";
  assertEquals(parseEndpoints(text), ["https://10.0.0.1:2379", "https://[fd00::2]:2379", "http://etcd.example:12379"]);
});

Deno.test("parseEndpoints refuses everything else, tells which part and repeats no password", () => {
  const refused: [string, string][] = [
    ["", "is empty"],
    [" , ,", "is empty"],
    ["https://10.0.0.1", "endpoint 1"],
    ["https://10.0.0.1:2379,10.0.0.2:2379", "endpoint 2 of the connection string does not start with https://"],
    ["ftp://10.0.0.1:21", "does not start with"],
    ["https://user:hunter2@10.0.0.1:2379", "has a user name or password"],
    ["https://10.0.0.1:2379/path", "such as https://10.0.0.1:2379"],
    ["https://10.0.0.1:2379?x", "such as https://10.0.0.1:2379"],
    ["https://10.0.0.1:2379#", "such as https://10.0.0.1:2379"],
    ["https://10.0.\n0.1:2379", "such as https://10.0.0.1:2379"],
    ["https:\\\\10.0.0.1:2379", "does not start with"],
    ["https://fd00::2:2379", "such as https://10.0.0.1:2379"],
    ["https://[fd00::zz]:2379", "such as https://10.0.0.1:2379"],
    ["https://10.0.0.1:0", "has port 0"],
    ["https://10.0.0.1:70000", "such as https://10.0.0.1:2379"],
    ["https://10.0.0.1:2379 https://10.0.0.2:2379", "such as https://10.0.0.1:2379"],
    ["https://a:1,".repeat(1001), "has 1001 endpoints, at most 1000"],
    ["x".repeat(300_001), "has 300001 characters"],
  ];
  for (const [text, reason] of refused) {
    const error = assertThrows(() => parseEndpoints(text), InputError, reason);
    assertNotMatch(error.message, /hunter2/);
  }
  const many = Array.from({ length: 1000 }, (_, i) => `https://10.0.${i >> 8}.${i & 255}:2379`);
  assertEquals(parseEndpoints(many.join(",")).length, 1000);
});

Deno.test("ids, numbers, prefixes and text", () => {
  assertEquals([hexId("18446744073709551615"), idFromHex("8e9e05c52164694d")], [
    "ffffffffffffffff",
    "10276657743932975437",
  ]);
  for (const wrong of ["", "-1", "1e3", "18446744073709551616", "abc"]) assertThrows(() => hexId(wrong), InputError);
  assertThrows(() => idFromHex("0x1"), InputError);
  assertEquals([int64({ a: "9223372036854775807" }, "a"), int64({}, "a")], [9223372036854775807n, 0n]);
  for (const wrong of [1, "1.5", "9223372036854775808", "x", true, {}]) {
    assertThrows(() => int64({ a: wrong }, "a"), ReplyError, "no usable a");
  }
  const range = (prefix: string | Uint8Array) =>
    Object.values(prefixRange(prefix)).map((text) => [...Uint8Array.fromBase64(text)]);
  assertEquals(range("a/"), [[97, 47], [97, 48]]);
  assertEquals(range(Uint8Array.of(1, 255, 255)), [[1, 255, 255], [2]]);
  assertEquals([range(""), range(Uint8Array.of(255))], [[[0], [0]], [[255], [0]]]);
  assertThrows(() => asText(Uint8Array.of(255)), ReplyError, "not UTF-8");
});

Deno.test("replies of etcd become errors that can be told apart", () => {
  const said = (status: number, code: number, message: string) =>
    readReply({ status, text: JSON.stringify({ error: message, message, code }) }, ["s3cret"]);
  const cases: [ReturnType<typeof readReply>, abstract new (...args: never[]) => ClientError, string][] = [
    [said(503, 14, "etcdserver: request timed out"), NoQuorumError, "unknown"],
    [said(500, 2, "context deadline exceeded"), NoQuorumError, "unknown"],
    [said(503, 14, "etcdserver: no leader"), NoQuorumError, "again"],
    [said(500, 2, "raft proposal dropped"), NoQuorumError, "again"],
    [said(503, 14, "connection closed"), RefusedError, "unknown"],
    [said(503, 14, "etcdserver: unhealthy cluster"), UnhealthyClusterError, "stop"],
    [
      said(412, 9, "etcdserver: re-configuration failed due to not enough started members"),
      UnhealthyClusterError,
      "stop",
    ],
    [said(401, 16, "etcdserver: invalid auth token"), AuthenticationError, "renew"],
    [said(400, 3, "etcdserver: user name is empty"), AuthenticationError, "renew"],
    [said(400, 3, "etcdserver: authentication failed, invalid user ID or password"), AuthenticationError, "stop"],
    [said(403, 7, "etcdserver: permission denied"), NotPermittedError, "stop"],
    [said(404, 5, "etcdserver: requested lease not found"), MissingError, "stop"],
    [said(400, 3, "etcdserver: key is not provided"), RefusedError, "stop"],
    [readReply({ status: 400, text: "CommonName of client sending a request …" }, []), CommonNameError, "stop"],
    [readReply({ status: 404, text: "404 page not found" }, []), ReplyError, "again"],
    [readReply({ status: 502, text: "<html>" }, []), ReplyError, "unknown"],
    [readReply({ status: 200, text: "[]" }, []), ReplyError, "unknown"],
    [readReply({ status: 200, text: '{"kvs":[' }, []), ReplyError, "unknown"],
  ];
  for (const [result, kind, next] of cases) {
    assert(isRefusal(result), `${kind.name} is an error`);
    assertInstanceOf(result.error, kind);
    assertEquals(result.next, next, result.error.message);
  }
  for (const message of ["etcdserver: s3cret is wrong", "etcdserver: a\nb", "the value was xyz"]) {
    const result = said(400, 3, message);
    assert(isRefusal(result));
    assertEquals(result.error.message, "etcd refuses the request: no reason given");
  }
});

Deno.test("streamed lines may be cut anywhere, but not be endless", async () => {
  const bytes = new TextEncoder().encode('{"a":"grüße"}\n\n{"b":1}\n');
  for (const size of [1, 2, 7, 100]) {
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, i) => bytes.slice(i * size, (i + 1) * size),
    );
    assertEquals(await Array.fromAsync(readLines(ReadableStream.from(chunks), 20)), [{ a: "grüße" }, { b: 1 }]);
  }
  const read = (text: string) => Array.fromAsync(readLines(ReadableStream.from([new TextEncoder().encode(text)]), 20));
  await assertRejects(() => read(`{"a":"${"x".repeat(30)}`), ReplyError, "larger than 20 bytes");
  await assertRejects(() => read('{"a":1}\n{"b'), ReplyError, "in the middle");
  await assertRejects(() => read("[1]\n"), ReplyError, "no JSON object");
});

interface Seen {
  readonly endpoint: string;
  readonly paths: string[];
}

/** A server on a free port that answers as told, while a function runs. */
async function withServer(
  answer: (path: string, request: Request) => Response | Promise<Response>,
  run: (server: Seen) => Promise<void>,
): Promise<void> {
  const paths: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { pathname } = new URL(request.url);
    paths.push(pathname);
    return answer(pathname, request);
  });
  try {
    await run({ endpoint: `http://127.0.0.1:${server.addr.port}`, paths });
  } finally {
    await server.shutdown();
  }
}

const HEADER = { header: { revision: "7" } };
const STATUS = "/v3/maintenance/status";

Deno.test("servers that are no etcd, or answer too much, are told apart", async () => {
  const answers: [() => Response, string][] = [
    [() => new Response("<!doctype html>"), "HTML"],
    [() => new Response("ok"), "something other than a JSON object"],
    [() => new Response(`{"kvs":[{"value":"${"x".repeat(2000)}"}]}`), "larger than 1000 bytes"],
    [() => new Response(null, { status: 307, headers: { location: "http://127.0.0.1:9/" } }), "redirects elsewhere"],
    [() => Response.json({ kvs: [{ key: "%%%" }] }), "no usable key"],
    [() => Response.json({ kvs: "many" }), "no usable kvs"],
  ];
  for (const [answer, reason] of answers) {
    await withServer(answer, async ({ endpoint, paths }) => {
      using etcd = openEtcd({ endpoints: endpoint, maxReplyBytes: 1000 });
      await assertRejects(() => etcd.kv.get("key"), ReplyError, reason);
      assertEquals(paths, ["/v3/kv/range"], "once is enough");
    });
  }
});

Deno.test("a read goes on to the next endpoint; a write is not sent again when its outcome is unknown", async () => {
  const broken = (path: string): Response =>
    path === STATUS
      ? Response.json({ leader: "1" })
      : Response.json({ code: 14, message: "etcdserver: request timed out" }, { status: 503 });
  const good = (path: string): Response => Response.json(path === STATUS ? { leader: "1" } : HEADER);
  await withServer(broken, (first) =>
    withServer(good, async (second) => {
      const endpoints = [first.endpoint, second.endpoint];
      using reader = openEtcd({ endpoints });
      assertEquals(await reader.kv.count("a"), 0);
      assertEquals([first.paths, second.paths], [["/v3/kv/range"], ["/v3/kv/range"]]);
      using writer = openEtcd({ endpoints });
      const error = await assertRejects(() => writer.kv.put("key", "value"), NoQuorumError);
      assertEquals(error.outcomeUnknown, true);
      assertEquals([first.paths.slice(1), second.paths.slice(1)], [[STATUS, "/v3/kv/put"], []]);
      assertEquals(await writer.kv.put("key", "value", { repeatable: true }), 7n);
    }));
});

Deno.test("a write reaches a server that closes the connection without an answer once", async () => {
  const requests: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(4096);
      const head = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
      const path = /^POST (\S+)/.exec(head)?.[1] ?? "";
      requests.push(path);
      const body = '{"leader":"1"}';
      const reply = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n` +
        `connection: close\r\n\r\n${body}`;
      if (path === STATUS) await connection.write(new TextEncoder().encode(reply));
      connection.close();
    }
  })();
  try {
    using etcd = openEtcd({ endpoints: `http://127.0.0.1:${listener.addr.port}` });
    const error = await assertRejects(() => etcd.kv.put("key", "value"), UnreachableError);
    assertEquals(error.outcomeUnknown, true);
    assertEquals(requests, [STATUS, "/v3/kv/put"]);
  } finally {
    listener.close();
    await serving;
  }
});

Deno.test("a write that never left is sent to the next endpoint, also one that has no leader is passed over", async () => {
  const leaderless = (): Response => Response.json({});
  const good = (path: string): Response => Response.json(path === STATUS ? { leader: "1" } : HEADER);
  await withServer(leaderless, (first) =>
    withServer(good, async (second) => {
      using etcd = openEtcd({ endpoints: ["http://127.0.0.1:1", first.endpoint, second.endpoint] });
      assertEquals(await etcd.kv.put("key", "value"), 7n);
      assertEquals([first.paths, second.paths], [[STATUS], [STATUS, "/v3/kv/put"]]);
    }));
});

Deno.test("a server that never answers is a timeout; nobody there is unreachable", async () => {
  const gate = Promise.withResolvers<void>();
  await withServer(() => gate.promise.then(() => Response.json({})), async ({ endpoint }) => {
    using etcd = openEtcd({ endpoints: endpoint, timeoutMs: 200 });
    const error = await assertRejects(() => etcd.kv.get("key"), ClientTimeoutError, "no answer within 200 ms");
    assertEquals([error.outcomeUnknown, error.attempts.map(({ endpoint }) => endpoint)], [false, [endpoint]]);
    gate.resolve();
  });
  using etcd = openEtcd({ endpoints: Array.from({ length: 7 }, (_, i) => `http://127.0.0.1:${i + 1}`) });
  await assertRejects(() => etcd.kv.get("key"), UnreachableError, "(connection refused) and 2 more");
});

Deno.test("a token is got once, sent plainly and renewed when the server has forgotten it", async () => {
  let issued = 0;
  const sent: (string | null)[] = [];
  const answer = (path: string, request: Request): Response => {
    if (path === "/v3/auth/authenticate") return Response.json({ token: `token.${++issued}` });
    sent.push(request.headers.get("authorization"));
    if (sent.length === 2) {
      return Response.json({ code: 16, message: "etcdserver: invalid auth token" }, { status: 401 });
    }
    return Response.json(HEADER);
  };
  await withServer(answer, async ({ endpoint }) => {
    using etcd = openEtcd({ endpoints: endpoint, auth: { user: "app", password: "s3cret" } });
    await Promise.all([etcd.kv.get("a"), etcd.kv.get("b"), etcd.kv.get("c")]);
    assertEquals([issued, sent.toSorted()], [2, ["token.1", "token.1", "token.1", "token.2"]]);
  });
  await withServer(() => Response.json({ token: "two\r\nlines" }), async ({ endpoint }) => {
    using etcd = openEtcd({ endpoints: endpoint, auth: { user: "app", password: "s3cret" } });
    await assertRejects(() => etcd.kv.get("a"), ReplyError, "token cannot be used");
  });
});

Deno.test("a watch goes on behind the last change after its connection broke", async () => {
  const asked: unknown[] = [];
  const key = btoa("key");
  const event = (revision: number) => ({ kv: { key, value: btoa(`${revision}`), mod_revision: `${revision}` } });
  const replies = [
    [{ created: true, header: { revision: "4" } }, { events: [event(6), event(6), event(7)] }],
    [{ created: true, header: { revision: "9" } }, { events: [event(8)] }, { canceled: true, compact_revision: "20" }],
  ];
  const answer = async (path: string, request: Request): Promise<Response> => {
    if (path === STATUS) return Response.json({ leader: "1" });
    asked.push((await request.json()).create_request.start_revision);
    const lines = (replies[asked.length - 1] ?? []).map((result) => `${JSON.stringify({ result })}\n`);
    return new Response(lines.join(""));
  };
  await withServer(answer, async ({ endpoint }) => {
    using etcd = openEtcd({ endpoints: endpoint });
    const seen: string[] = [];
    const error = await assertRejects(async () => {
      for await (const { kv } of etcd.watch("key")) seen.push(asText(kv.value));
    }, ClientError);
    assertEquals([error.name, seen, asked], ["CompactedError", ["6", "6", "7", "8"], ["0", "8"]]);
  });
});
