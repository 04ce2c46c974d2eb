/**
 * Servers that send anything: bytes on the sockets of the HTTP clients and of MySQL's driver.
 *
 * @module
 */
import fc from "fast-check";
import { exchange, type HttpRequest } from "../../interfaces/clients/http/exchange.ts";
import { sendOnce } from "../../interfaces/clients/http/send_once.ts";
import { connectMysql } from "../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../interfaces/clients/mysql/quoting.ts";
import { keepConsole } from "./console.ts";
import { attempt, Breach, CANARY, type Surface, surface, type Verdict } from "./surface.ts";
import { damagedBytes, damagedTexts, texts } from "./values.ts";

const encoder = new TextEncoder();
/** Milliseconds that a client waits; most servers here end the connection at once. */
const TIMEOUT_MS = 500;
const MAX_REPLY_BYTES = 10_000;

const BODY = '{"header":{"revision":"7"}}';
const RESPONSES = [
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`,
  `HTTP/1.0 200 OK\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n${BODY}`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
  "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
  `HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n${"x".repeat(20_000)}`,
];
const PIECES = [
  "\r\n",
  "\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "Content-Length: -1\r\n",
  "Content-Length: 18446744073709551616\r\n",
];

/** A server that says what it is told, whatever it is asked; Deno's fetch may ask twice. */
async function saying<T>(listener: Deno.Listener, bytes: Uint8Array, ask: () => Promise<T>): Promise<T> {
  const serve = async (connection: Deno.Conn): Promise<void> => {
    using _closed = connection;
    await connection.read(new Uint8Array(16_384));
    for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
  };
  const serving = (async () => {
    for await (const connection of listener) await serve(connection).catch(() => {});
  })();
  try {
    return await ask();
  } finally {
    listener.close();
    await serving;
  }
}

async function askByHttp(response: string): Promise<Verdict> {
  const bytes = encoder.encode(response);
  const request = (port: number): HttpRequest => ({
    endpoint: `http://127.0.0.1:${port}`,
    path: "/v3/kv/range",
    server: "etcd's client port",
    body: "{}",
    authorization: CANARY,
  });
  const once = await withListener((listener, port) =>
    saying(listener, bytes, () =>
      attempt(() => {
        const bounds = { tls: {}, signal: AbortSignal.timeout(TIMEOUT_MS), maxReplyBytes: MAX_REPLY_BYTES };
        return sendOnce(request(port), bounds);
      }))
  );
  using http = Deno.createHttpClient({});
  const fetched = await withListener((listener, port) =>
    saying(listener, bytes, () =>
      attempt(() => {
        const bounds = { http, signal: AbortSignal.timeout(TIMEOUT_MS), maxReplyBytes: MAX_REPLY_BYTES };
        return exchange(request(port), bounds);
      }))
  );
  return once.verdict === "taken" && fetched.verdict === "taken" ? "taken" : "refused";
}

async function withListener<T>(use: (listener: Deno.TcpListener, port: number) => Promise<T>): Promise<T> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return await use(listener, listener.addr.port);
}

function responses(): fc.Arbitrary<string> {
  const good = fc.constantFrom(...RESPONSES);
  return fc.oneof(
    { weight: 5, arbitrary: damagedTexts(good, fc.oneof(fc.constantFrom(...PIECES), texts())) },
    good,
    texts(),
  );
}

/** A packet of MySQL's protocol. */
function packet(sequence: number, payload: readonly number[]): number[] {
  const { length } = payload;
  return [length & 255, (length >> 8) & 255, length >> 16, sequence, ...payload];
}

const ascii = (text: string) => [...encoder.encode(text)];
const counted = (text: string) => [text.length, ...ascii(text)];

/** What a server says, each time that it was told something: that lets the user in, and answers two statements. */
function conversation(): Uint8Array[] {
  const greeting = [
    10,
    ...ascii("9.7.4\0"),
    ...[1, 0, 0, 0],
    ...ascii("abcdefgh\0"),
    ...[0xff, 0xf7, 33, 2, 0, 0xff, 0xc1, 21],
    ...Array<number>(10).fill(0),
    ...ascii("ijklmnopqrst\0"),
    ...ascii("mysql_native_password\0"),
  ];
  const ok = [0, 0, 0, 2, 0, 0, 0];
  const column = (name: string) => [
    ...counted("def"),
    ...[0, 0, 0],
    ...counted(name),
    ...counted(name),
    ...[12, 33, 0, 255, 0, 0, 0, 253, 0, 0, 0, 0, 0],
  ];
  const end = [0xfe, 0, 0, 2, 0];
  const rows = [
    ...packet(1, [2]),
    ...packet(2, column("uuid")),
    ...packet(3, column("port")),
    ...packet(4, end),
    ...packet(5, [...counted("3e11fa47"), ...counted("3306")]),
    ...packet(6, [0xfb, ...counted("x")]),
    ...packet(7, end),
  ];
  return [packet(0, greeting), packet(2, ok), packet(1, ok), rows].map((bytes) => Uint8Array.from(bytes));
}

/** The first parts of the conversation; the last of them is damaged, and the end. */
function conversations(): fc.Arbitrary<readonly Uint8Array[]> {
  const good = conversation();
  return fc.nat(good.length - 1).chain((last) => {
    const refusal = (sequence: number) =>
      Uint8Array.from(packet(sequence, [0xff, 0x15, 0x04, ...ascii(`#28000Access denied for ${CANARY}`)]));
    const bytes = fc.constantFrom(good[last] ?? refusal(0), refusal(last === 0 ? 0 : 1), refusal(2));
    return damagedBytes(bytes).map((damaged) => [...good.slice(0, last), damaged]);
  });
}

/** The driver reads in events of its sockets: an error there would end the process. */
async function askMysql(parts: readonly Uint8Array[]): Promise<Verdict> {
  const dir = await Deno.makeTempDir();
  const path = `${dir}/s`;
  const escaped: unknown[] = [];
  const note = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    escaped.push(event instanceof ErrorEvent ? event.error : event.reason);
  };
  globalThis.addEventListener("error", note);
  globalThis.addEventListener("unhandledrejection", note);
  using printed = keepConsole();
  const listener = Deno.listen({ transport: "unix", path });
  const serving = (async () => {
    using connection = await listener.accept();
    const buffer = new Uint8Array(16_384);
    for (const [index, bytes] of parts.entries()) {
      if (index > 0 && await connection.read(buffer) === null) return;
      for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
    }
    await connection.closeWrite();
    while (await connection.read(buffer) !== null);
  })().catch(() => {});
  try {
    const result = await attempt(async () => {
      await using db = await connectMysql({
        at: { socketPath: path },
        user: "u",
        password: CANARY,
        timeoutMs: TIMEOUT_MS,
      });
      return await db.query("read", sql`SELECT 1`);
    });
    if (escaped.length > 0) throw new Breach(`an error escaped from the driver: ${escaped.map(shown).join("; ")}`);
    if (printed.lines.length > 0) throw new Breach(`the driver prints: ${printed.lines.join("; ")}`);
    return result.verdict;
  } finally {
    listener.close();
    await serving;
    globalThis.removeEventListener("error", note);
    globalThis.removeEventListener("unhandledrejection", note);
    await Deno.remove(dir, { recursive: true });
  }
}

function shown(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** The surfaces. */
export const SOCKET_SURFACES: readonly Surface[] = [
  surface("servers: bytes of HTTP", responses, askByHttp),
  surface("servers: bytes of MySQL", conversations, askMysql),
];
