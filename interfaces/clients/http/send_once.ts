/**
 * One HTTP request on a connection of its own, sent exactly once: Deno 2.7's `fetch` sends any request, also a POST, a
 * second time when the server closes the connection without an answer.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";
import type { TlsOptions } from "../etcd/pem.ts";
import { explain, type HttpReply, type HttpRequest, TransportFailure } from "./exchange.ts";

const HEAD_END = "\r\n\r\n";

/** What bounds a request. */
export interface OnceBounds {
  readonly tls: TlsOptions;
  readonly signal: AbortSignal;
  readonly maxReplyBytes: number;
}

/**
 * Sends a request as HTTP/1.0, so that the reply ends with the connection.
 *
 * @throws {TransportFailure} without a whole reply
 * @throws {ReplyError} when the reply is too large, points elsewhere or is none of HTTP
 */
export async function sendOnce(request: HttpRequest, { tls, signal, maxReplyBytes }: OnceBounds): Promise<HttpReply> {
  let connection: Deno.Conn;
  try {
    connection = await raceAbort(open(new URL(request.endpoint), tls), signal);
  } catch (error) {
    throw connectFailure(error, signal);
  }
  const close = (): void => {
    try {
      connection.close();
    } catch (error) {
      // It has been closed when the time was over.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  };
  signal.addEventListener("abort", close);
  try {
    const bytes = await talk(connection, format(request), maxReplyBytes, signal);
    return parse(bytes, request.server);
  } catch (error) {
    throw error instanceof ReplyError || error instanceof TransportFailure ? error : explain(error, signal);
  } finally {
    signal.removeEventListener("abort", close);
    if (!signal.aborted) close();
  }
}

async function open(url: URL, { ca, cert, key }: TlsOptions): Promise<Deno.Conn> {
  const hostname = url.hostname.replace(/^\[|\]$/g, "");
  const secure = url.protocol === "https:";
  const port = url.port === "" ? secure ? 443 : 80 : Number(url.port);
  if (!secure) return await Deno.connect({ hostname, port });
  const identity = cert !== undefined && key !== undefined ? { cert, key } : {};
  const connection = await Deno.connectTls({
    ...{ hostname, port },
    ...ca === undefined ? {} : { caCerts: [ca] },
    ...identity,
  });
  try {
    await connection.handshake();
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/** A connection that comes too late is closed. */
async function raceAbort(opening: Promise<Deno.Conn>, signal: AbortSignal): Promise<Deno.Conn> {
  const late = Promise.withResolvers<never>();
  const abort = (): void => late.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort);
  try {
    return await Promise.race([opening, late.promise]);
  } catch (error) {
    opening.then((connection) => connection.close(), () => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Nothing has been sent yet, whatever went wrong. */
function connectFailure(error: unknown, signal: AbortSignal): Error {
  if (error instanceof Deno.errors.NotCapable) return error;
  if (error instanceof Deno.errors.ConnectionRefused) return new TransportFailure("unsent", "connection refused");
  const { kind, reason } = explain(error, signal);
  if (kind === "timeout") return new TransportFailure("unsent", "no connection in time");
  return new TransportFailure(kind === "broken" ? "unsent" : kind, kind === "broken" ? "no connection" : reason);
}

function format({ endpoint, path, method, body, contentType, authorization }: HttpRequest): Uint8Array {
  const payload = new TextEncoder().encode(body ?? "");
  const lines = [
    `${method ?? (body === undefined ? "GET" : "POST")} ${path} HTTP/1.0`,
    `Host: ${new URL(endpoint).host}`,
    "Accept: application/json",
    "Connection: close",
    ...authorization === undefined ? [] : [`Authorization: ${authorization}`],
    ...body === undefined ? [] : [`Content-Type: ${contentType ?? "application/json"}`],
    `Content-Length: ${payload.length}`,
  ];
  const head = new TextEncoder().encode(`${lines.join("\r\n")}${HEAD_END}`);
  const all = new Uint8Array(head.length + payload.length);
  all.set(head);
  all.set(payload, head.length);
  return all;
}

async function talk(
  connection: Deno.Conn,
  request: Uint8Array,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const writer = connection.writable.getWriter();
  await writer.write(request);
  writer.releaseLock();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const buffer = new Uint8Array(16 * 1024);
  for (;;) {
    signal.throwIfAborted();
    let read: number | null;
    try {
      read = await connection.read(buffer);
    } catch (error) {
      // A server may end TLS without a farewell once it has said everything.
      if (size > 0 && error instanceof Deno.errors.UnexpectedEof) break;
      throw error;
    }
    if (read === null) break;
    size += read;
    if (size > maxBytes) throw new ReplyError(`a reply is larger than ${maxBytes} bytes; check what answers there`);
    chunks.push(buffer.slice(0, read));
  }
  if (size === 0) throw brokenOff();
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}

function parse(bytes: Uint8Array, server: string): HttpReply {
  const text = new TextDecoder("latin1").decode(bytes);
  const end = text.indexOf(HEAD_END);
  const head = text.slice(0, Math.max(0, end));
  const status = /^HTTP\/1\.[01] (\d{3})\b/.exec(head)?.[1];
  if (status === undefined) {
    throw new ReplyError(`what answered speaks no HTTP or broke off; check that it is ${server}`);
  }
  if (status.startsWith("3")) throw new ReplyError(`a server redirects elsewhere; check that it is ${server}`);
  const body = bytes.subarray(end + HEAD_END.length);
  if (body.length < Number(/^content-length: *(\d{1,15})\s*$/im.exec(head)?.[1] ?? 0)) throw brokenOff();
  const date = Date.parse(/^date: *(.+)$/im.exec(head)?.[1] ?? "");
  return { status: Number(status), text: new TextDecoder().decode(body), ...Number.isNaN(date) ? {} : { date } };
}

function brokenOff(): TransportFailure {
  return new TransportFailure("broken", "it closed the connection without a complete answer");
}
