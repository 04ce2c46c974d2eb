/**
 * One HTTP request to one endpoint, with bounds on time and size, and what its failure means.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";

/** One request. */
export interface HttpRequest {
  /** Such as `https://10.0.0.1:2379`. */
  readonly endpoint: string;
  readonly path: string;
  /** What the endpoint should be, for errors, such as `etcd's client port`. */
  readonly server: string;
  /** Without it POST when there is a body, else GET. */
  readonly method?: string;
  /** JSON text. */
  readonly body?: string;
  /** Of the body; `application/json` without it. */
  readonly contentType?: string;
  /** The header of that name. */
  readonly authorization?: string | undefined;
}

/** What bounds a request. */
export interface Bounds {
  readonly http: Deno.HttpClient;
  readonly signal: AbortSignal;
  /** Bytes of the largest reply that is read. */
  readonly maxReplyBytes: number;
}

/** A whole reply. */
export interface HttpReply {
  readonly status: number;
  readonly text: string;
  /** The server's time in milliseconds since 1970, to the second, where it tells it. */
  readonly date?: number;
}

/**
 * How a request failed without a reply:
 * - `unsent`: there was no connection, so the server has not seen it
 * - `certificate`: one side refused the other's certificate, so the server has not looked at it
 * - `broken`: the connection ended; the server may have seen it
 * - `timeout`: the time was over; the server may have seen it
 */
export type TransportKind = "unsent" | "certificate" | "broken" | "timeout";

/** A request without a reply. */
export class TransportFailure extends Error {
  override readonly name = "TransportFailure";

  constructor(readonly kind: TransportKind, readonly reason: string) {
    super(reason);
  }
}

/**
 * Sends a request and reads its reply.
 *
 * @throws {TransportFailure} without a reply
 * @throws {ReplyError} when the reply is too large or points elsewhere
 */
export async function exchange(request: HttpRequest, bounds: Bounds): Promise<HttpReply> {
  const response = await send(request, bounds);
  try {
    const date = Date.parse(response.headers.get("date") ?? "");
    const text = await readText(response, bounds);
    return { status: response.status, text, ...(Number.isNaN(date) ? {} : { date }) };
  } catch (error) {
    throw error instanceof ReplyError ? error : explain(error, bounds.signal);
  }
}

/**
 * Sends a request and returns as soon as the reply begins.
 *
 * @throws {TransportFailure} without a reply
 */
export async function send(request: HttpRequest, { http, signal }: Bounds): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (request.authorization !== undefined) headers.authorization = request.authorization;
  const method = request.method ?? (request.body === undefined ? "GET" : "POST");
  const init: RequestInit & { client: Deno.HttpClient } = { client: http, signal, headers, method, redirect: "manual" };
  if (request.body !== undefined) {
    init.body = request.body;
    headers["content-type"] = request.contentType ?? "application/json";
  }
  let response: Response;
  try {
    response = await fetch(`${request.endpoint}${request.path}`, init);
  } catch (error) {
    // Our own permissions are no fault of the network.
    throw error instanceof Deno.errors.NotCapable ? error : explain(error, signal);
  }
  // A password or token must not go where a reply points to.
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw new ReplyError(`${request.endpoint} redirects elsewhere; check that it is ${request.server}`);
  }
  return response;
}

/**
 * Reads the whole body of a reply.
 *
 * @throws {ReplyError} beyond a number of bytes
 */
export async function readText(response: Response, { signal, maxReplyBytes }: Omit<Bounds, "http">): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of chunksOf(response, signal)) {
    size += chunk.length;
    if (size > maxReplyBytes) {
      throw new ReplyError(`a reply is larger than ${maxReplyBytes} bytes; ask for less at a time`);
    }
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * The chunks of a reply's body as they come. Once `fetch` has returned, Deno may forget to pass its signal on to the
 * body (a dependent signal is collected as garbage), so the body is cancelled here.
 *
 * @throws the signal's reason once it aborts
 */
export async function* chunksOf(response: Response, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  const cancel = (): void => {
    reader.cancel().catch(() => {});
  };
  signal.addEventListener("abort", cancel);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted();
      if (done) return;
      yield value;
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** Deno tells by words alone what went wrong. */
export function explain(error: unknown, signal: AbortSignal): TransportFailure {
  const message = error instanceof Error ? error.message : "";
  if (signal.aborted || (error instanceof Error && error.name === "TimeoutError")) {
    return new TransportFailure("timeout", "no answer in time");
  }
  const peer = /invalid peer certificate: ([A-Za-z]+)/.exec(message);
  if (peer) return new TransportFailure("certificate", `its certificate is not trusted: ${peer[1]}`);
  if (/certificate not valid for name/i.test(message)) {
    return new TransportFailure("certificate", "its certificate is for another name");
  }
  const alert = /received fatal alert: ([A-Za-z]+)/.exec(message)?.[1];
  if (alert !== undefined && /Cert|UnknownCA|AccessDenied|DecryptError/.test(alert)) {
    return new TransportFailure("certificate", `it refuses our client certificate: ${alert}`);
  }
  if (message.includes("client error (Connect)")) return new TransportFailure("unsent", connectReason(message));
  return new TransportFailure("broken", "it closed the connection without a complete answer");
}

function connectReason(message: string): string {
  if (message.includes("Connection refused")) return "connection refused";
  if (message.includes("dns error")) return "its name cannot be resolved";
  if (/corrupt message|InvalidContentType/.test(message)) return "it does not speak TLS";
  if (/unreachable|No route/i.test(message)) return "no route to it";
  return "no connection";
}

/**
 * Asks a server that closed the connection whether it refuses our certificate: the alert that says so is often lost
 * between the handshake and the request.
 *
 * @param timeoutMs milliseconds
 * @returns the alert's reason, or undefined when there is no alert
 */
export async function askForAlert(
  endpoint: string,
  tls: { readonly ca?: string; readonly cert?: string; readonly key?: string },
  timeoutMs: number,
): Promise<string | undefined> {
  const { hostname, port } = new URL(endpoint);
  const identity = tls.cert !== undefined && tls.key !== undefined ? { cert: tls.cert, key: tls.key } : {};
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    using connection = await Deno.connectTls({
      hostname: hostname.replace(/^\[|\]$/g, ""),
      port: port === "" ? 443 : Number(port),
      ...(tls.ca === undefined ? {} : { caCerts: [tls.ca] }),
      ...identity,
    });
    const close = (): void => connection.close();
    signal.addEventListener("abort", close);
    try {
      await connection.handshake();
      // A server that accepts us waits for a request; one that does not sends its alert.
      await connection.read(new Uint8Array(1));
    } finally {
      signal.removeEventListener("abort", close);
    }
  } catch (error) {
    const failure = explain(error, new AbortController().signal);
    return failure.kind === "certificate" ? failure.reason : undefined;
  }
  return undefined;
}
