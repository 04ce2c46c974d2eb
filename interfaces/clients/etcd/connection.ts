/**
 * Requests to a cluster: one endpoint after the other, until the time is over, repeated only where that is safe.
 *
 * @module
 */
import type { ClientError } from "../errors.ts";
import { isRefusal, noQuorum, readReply } from "./answer.ts";
import { exchange, send } from "../http/exchange.ts";
import type { JsonObject } from "../http/json.ts";
import { sendOnce } from "../http/send_once.ts";
import type { TlsOptions } from "./pem.ts";
import { createTokens, type UserAndPassword } from "./tokens.ts";
import { areHopeless, explainTries, failedTry, isTry, type Try } from "./tries.ts";
import { idOf } from "./values.ts";

/** How a request may be treated. */
export interface CallOptions {
  /** Whether sending it twice does no harm: reads, and writes whose repetition changes nothing. */
  readonly repeatable: boolean;
  /** Requests for a token, which go without one. */
  readonly anonymous?: boolean;
  /** Looks at a reply that a member without a leader may give. */
  readonly needsLeader?: boolean;
}

/** What the parts of the client work with. */
export interface Connection {
  readonly endpoints: readonly string[];
  readonly timeoutMs: number;
  readonly maxReplyBytes: number;
  /** POSTs JSON to a path of the gateway. */
  call(path: string, body: JsonObject, options: CallOptions): Promise<JsonObject>;
  /** Sends one request to one endpoint: a GET, or a POST when there is a body. */
  ask(endpoint: string, path: string, body?: JsonObject): Promise<JsonObject>;
  /** Starts a streamed reply from the first endpoint that has a leader. */
  stream(path: string, body: JsonObject, signal: AbortSignal): Promise<{ endpoint: string; response: Response }>;
  /** Makes the next requests begin elsewhere. */
  avoid(endpoint: string): void;
  /** Forgets the token; the next request gets a new one. */
  forgetToken(): boolean;
  /** Texts that no error may repeat. */
  secrets(): readonly string[];
  close(): void;
}

/** What a connection is made of. */
export interface ConnectionOptions {
  readonly endpoints: readonly string[];
  readonly http: Deno.HttpClient;
  readonly tls: TlsOptions;
  readonly auth: UserAndPassword | undefined;
  readonly timeoutMs: number;
  readonly maxReplyBytes: number;
}

/** Part of the time that is kept to find out why nobody answered. */
const DIAGNOSIS_SHARE = 0.25;
/** Milliseconds that one endpoint gets at least. */
const MIN_ATTEMPT_MS = 500;
/** Milliseconds after which a member that answered has to answer again before it gets a write. */
const FRESH_MS = 1000;
const FIRST_PAUSE_MS = 40;
const MAX_PAUSE_MS = 400;
/** Members that are asked at once why nobody answered. */
const MAX_ASKED = 16;
const STATUS = "/v3/maintenance/status";
const SERVER = "etcd's client port";

/** Makes a connection; nothing is sent yet. */
export function createConnection(options: ConnectionOptions): Connection {
  const { http, tls, timeoutMs, maxReplyBytes } = options;
  let order = [...options.endpoints];
  let fresh = { endpoint: "", until: 0 };

  const prefer = (endpoint: string): void => {
    order = [endpoint, ...order.filter((other) => other !== endpoint)];
  };
  const avoid = (endpoint: string): void => {
    order = [...order.filter((other) => other !== endpoint), endpoint];
    fresh = { endpoint: "", until: 0 };
  };

  const once = async (
    endpoint: string,
    path: string,
    body: JsonObject | undefined,
    ms: number,
    token?: string,
    repeatable = true,
  ) => {
    const bounds = { signal: AbortSignal.timeout(ms), maxReplyBytes };
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const request = { endpoint, path, server: SERVER, ...json, authorization: token };
    // Deno sends what it gets from fetch a second time when a server closes the connection without an answer.
    const reply = repeatable
      ? await exchange(request, { ...bounds, http })
      : await sendOnce(request, { ...bounds, tls });
    return readReply(reply, secrets(token));
  };

  const secrets = (token?: string): string[] => [options.auth?.password ?? "", token ?? ""];

  const attempt = async (
    endpoint: string,
    path: string,
    body: JsonObject,
    call: CallOptions,
    ms: number,
    end: number,
  ): Promise<JsonObject | Try> => {
    for (let renewed = false;; renewed = true) {
      const token = call.anonymous ? undefined : await tokens.current(end);
      let result;
      try {
        result = await once(endpoint, path, body, ms, token, call.repeatable);
      } catch (error) {
        return await failedTry(endpoint, error, tls);
      }
      if (isRefusal(result)) {
        const { error, next } = result;
        if (next === "renew" && !renewed && !call.anonymous && tokens.forget(token)) continue;
        return { endpoint, reason: error.message, next: next === "renew" ? "stop" : next, error };
      }
      if (call.needsLeader && idOf(result, "leader") === "0") {
        return { endpoint, reason: "it has no leader", next: "again", error: noQuorum(`${endpoint} has no leader`) };
      }
      return result;
    }
  };

  const call = async (path: string, body: JsonObject, how: CallOptions, end: number): Promise<JsonObject> => {
    const lastTry = end - timeoutMs * DIAGNOSIS_SHARE;
    if (!how.repeatable && !isFresh()) await findServing(end);
    const tries = new Map<string, Try>();
    for (let pause = FIRST_PAUSE_MS;; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      const round = [...order];
      for (const [index, endpoint] of round.entries()) {
        const left = lastTry - Date.now();
        // What is left may be too little for an answer; that would hide what the endpoint said before.
        const tooLate = tries.has(endpoint) ? left < MIN_ATTEMPT_MS : left <= 0;
        if (tooLate) throw await diagnose(tries.values(), end, false);
        const share = how.repeatable ? Math.max(left / (round.length - index), MIN_ATTEMPT_MS) : left;
        const result = await attempt(endpoint, path, body, how, Math.min(share, left), end);
        if (!isTry(result)) {
          prefer(endpoint);
          // A read may be answered by a member that has no leader.
          if (how.needsLeader || !how.repeatable) fresh = { endpoint, until: Date.now() + FRESH_MS };
          return result;
        }
        if (result.next === "stop" && result.error) throw result.error;
        tries.set(endpoint, result);
        avoid(endpoint);
        if (result.next === "unknown" && !how.repeatable) throw await diagnose(tries.values(), end, true);
      }
      if (areHopeless(tries.values()) || Date.now() + pause >= lastTry) {
        throw await diagnose(tries.values(), end, false);
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  };

  const isFresh = (): boolean => order[0] === fresh.endpoint && Date.now() < fresh.until;

  /** A write may be sent only once, so it goes to a member that has just shown that it is alive and has a leader. */
  const findServing = async (end: number): Promise<void> => {
    await call(STATUS, {}, { repeatable: true, needsLeader: true, anonymous: true }, end);
  };

  const diagnose = async (tries: Iterable<Try>, end: number, unknown: boolean): Promise<ClientError> => {
    const error = await explainTries([...tries], timeoutMs, () => findLeaderless(end));
    error.outcomeUnknown = unknown;
    return error;
  };

  /** Looks in parallel, for it only reads, for a member that is alive but has lost its leader. */
  const findLeaderless = async (end: number): Promise<string | undefined> => {
    const ms = Math.max(end - Date.now(), 1);
    const found = await Promise.all(
      order.slice(0, MAX_ASKED).map(async (endpoint) => {
        try {
          const result = await once(endpoint, STATUS, {}, ms);
          return !isRefusal(result) && idOf(result, "leader") === "0" ? endpoint : undefined;
        } catch {
          return undefined;
        }
      }),
    );
    return found.find((endpoint) => endpoint !== undefined);
  };

  const tokens = createTokens(options.auth, (path, body, end) => {
    return call(path, body, { repeatable: true, anonymous: true }, end);
  });

  return {
    endpoints: options.endpoints,
    timeoutMs,
    maxReplyBytes,
    call: (path, body, how) => call(path, body, how, Date.now() + timeoutMs),
    avoid,
    secrets: () => secrets(tokens.known()),
    forgetToken: () => tokens.forget(tokens.known()),
    async ask(endpoint, path, body) {
      let result;
      try {
        result = await once(endpoint, path, body, timeoutMs, body && await tokens.current(Date.now() + timeoutMs));
      } catch (error) {
        throw await diagnose([await failedTry(endpoint, error, tls)], Date.now(), false);
      }
      if (isRefusal(result)) throw result.error;
      return result;
    },
    async stream(path, body, signal) {
      const end = Date.now() + timeoutMs;
      await findServing(end);
      const [endpoint = ""] = order;
      const token = await tokens.current(end);
      try {
        const bounds = { http, signal, maxReplyBytes };
        const response = await send(
          { endpoint, path, server: SERVER, body: JSON.stringify(body), authorization: token },
          bounds,
        );
        return { endpoint, response };
      } catch (error) {
        avoid(endpoint);
        throw await diagnose([await failedTry(endpoint, error, tls)], Date.now(), false);
      }
    },
    close: () => http.close(),
  };
}
