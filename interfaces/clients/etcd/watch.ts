/**
 * Watches: the changes of keys in their order, each once, also over broken connections.
 *
 * @module
 */
import {
  ClientError,
  ClientTimeoutError,
  CompactedError,
  NoQuorumError,
  NotPermittedError,
  ReplyError,
  UnreachableError,
} from "../errors.ts";
import { isRefusal, readReply, refusal, refusalIn } from "./answer.ts";
import type { Connection } from "./connection.ts";
import { chunksOf, explain, readText } from "../http/exchange.ts";
import { isObject, type JsonObject } from "../http/json.ts";
import { type KeyValue, readKeyValue } from "./kv.ts";
import { readLines } from "./lines.ts";
import { type Bytes, child, encodeKey, idOf, int64, list, prefixRange, revisionOf, text } from "./values.ts";

/** What a watch follows. */
export interface WatchOptions {
  /** Whether the key is a prefix. */
  readonly prefix?: boolean;
  /** The first revision of interest; without it, changes after the watch began. */
  readonly startRevision?: bigint;
  /** Whether each change comes with what was there before. */
  readonly previous?: boolean;
  /** Ends the watch without an error. */
  readonly signal?: AbortSignal;
  /** Milliseconds that the cluster may be away before the watch gives up; 30000 without it. */
  readonly patienceMs?: number;
  /** Called when the watch stands: later changes will be seen. May be called again after a broken connection. */
  readonly onReady?: (revision: bigint) => void;
}

/** One change of one key. */
export interface WatchEvent {
  readonly type: "put" | "delete";
  /** The key as it is now; of a deleted one only key and modRevision count. */
  readonly kv: KeyValue;
  /** What was there before, where asked for and still known. */
  readonly previous?: KeyValue;
}

const PATIENCE_MS = 30_000;
/** Milliseconds of silence after which the member has to show that it still has a leader. */
const SILENCE_MS = 3000;
const PAUSE_MS = 200;
const PASSING = [UnreachableError, ClientTimeoutError, NoQuorumError, ReplyError];

/** A watch whose connection is gone and that may be set up again. */
class Interrupted extends Error {
  constructor(readonly error: ClientError) {
    super(error.message);
  }
}

/** How far a watch has come, over all its connections. */
interface Position {
  /** The first revision that has not been seen; 0n until the watch stands for the first time. */
  next: bigint;
  stood: boolean;
}

/**
 * Watches a key or prefix. After a broken connection it goes on behind the last change seen.
 *
 * @throws {CompactedError} when changes behind the last one seen have been deleted meanwhile
 * @throws {ClientError} when the cluster cannot be reached at first, is away for too long, or refuses
 */
export async function* watch(
  connection: Connection,
  key: Bytes,
  options: WatchOptions = {},
): AsyncGenerator<WatchEvent> {
  const { signal, patienceMs = PATIENCE_MS } = options;
  const position: Position = { next: options.startRevision ?? 0n, stood: false };
  let awaySince = 0;
  let renewed = false;
  while (!signal?.aborted) {
    try {
      for await (const events of follow(connection, key, options, position)) {
        awaySince = 0;
        renewed = false;
        yield* events;
      }
    } catch (error) {
      if (signal?.aborted) return;
      // An old token looks like a missing permission here.
      if (error instanceof NotPermittedError && !renewed && connection.forgetToken()) {
        renewed = true;
        continue;
      }
      if (!(error instanceof Interrupted)) throw error;
      awaySince ||= Date.now();
      if (!position.stood || Date.now() - awaySince > patienceMs) throw error.error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** One connection of a watch: groups of changes, an empty one as soon as it stands. */
async function* follow(
  connection: Connection,
  key: Bytes,
  options: WatchOptions,
  position: Position,
): AsyncGenerator<readonly WatchEvent[]> {
  const range = options.prefix ? prefixRange(key) : { key: encodeKey(key) };
  const create = { ...range, start_revision: `${position.next}`, prev_kv: options.previous ?? false };
  const ended = new AbortController();
  const { signal } = ended;
  const end = (): void => ended.abort();
  options.signal?.addEventListener("abort", end);
  let guard: Guard | undefined;
  try {
    const { endpoint, response } = await open(connection, { create_request: create }, ended);
    guard = watchOver(connection, endpoint, ended);
    for await (const line of readLines(chunksOf(response, signal), connection.maxReplyBytes)) {
      guard.heard();
      const result = resultOf(line, connection);
      if (result.canceled === true) throw canceled(result, connection);
      if (result.created === true) {
        if (position.next === 0n) position.next = revisionOf(result) + 1n;
        position.stood = true;
        options.onReady?.(revisionOf(result));
      }
      const events = list(result, "events").map(readEvent);
      yield events;
      // A reply holds whole revisions.
      const last = events.at(-1)?.kv.modRevision;
      if (last !== undefined && last >= position.next) position.next = last + 1n;
    }
    throw new ReplyError("etcd has ended a watch; try again");
  } catch (error) {
    throw interruption(error, signal);
  } finally {
    guard?.stop();
    options.signal?.removeEventListener("abort", end);
    end();
  }
}

/** Starts a watch on a member that has a leader. */
async function open(
  connection: Connection,
  body: JsonObject,
  ended: AbortController,
): Promise<{ endpoint: string; response: Response }> {
  const { signal } = ended;
  const timer = setTimeout(() => ended.abort(), 2 * connection.timeoutMs);
  try {
    const stream = await connection.stream("/v3/watch", body, signal);
    if (stream.response.status === 200) return stream;
    const { maxReplyBytes } = connection;
    const text = await readText(stream.response, { signal, maxReplyBytes });
    const result = readReply({ status: stream.response.status, text }, connection.secrets());
    throw isRefusal(result) ? result.error : new ReplyError("etcd does not start a watch; check the endpoint");
  } catch (error) {
    throw interruption(error, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Watches over a watch. */
interface Guard {
  heard(): void;
  stop(): void;
}

/** A member may be paused, or cut off from the others, while its connection looks fine: ask it when it is silent. */
function watchOver(connection: Connection, endpoint: string, ended: AbortController): Guard {
  let heard = Date.now();
  let asking = false;
  const timer = setInterval(async () => {
    if (asking || Date.now() - heard < SILENCE_MS) return;
    asking = true;
    if (!await hasLeader(connection, endpoint) && !ended.signal.aborted) {
      connection.avoid(endpoint);
      ended.abort();
    }
    asking = false;
  }, SILENCE_MS);
  return {
    heard: () => {
      heard = Date.now();
    },
    stop: () => clearInterval(timer),
  };
}

async function hasLeader(connection: Connection, endpoint: string): Promise<boolean> {
  try {
    return idOf(await connection.ask(endpoint, "/v3/maintenance/status", {}), "leader") !== "0";
  } catch {
    return false;
  }
}

/** Tells errors that pass from those that do not; whatever is no error of ours came from the connection. */
function interruption(error: unknown, signal: AbortSignal): Error {
  if (error instanceof Interrupted) return error;
  if (!(error instanceof ClientError)) {
    return new Interrupted(new ReplyError(`a watch: ${explain(error, signal).reason}`));
  }
  return PASSING.some((kind) => error instanceof kind) ? new Interrupted(error) : error;
}

function resultOf(line: JsonObject, connection: Connection): JsonObject {
  if (!isObject(line.error)) return child(line, "result");
  const { error, next } = refusalIn(line.error, connection.secrets());
  throw next === "stop" ? error : new Interrupted(error);
}

function canceled(result: JsonObject, connection: Connection): Error {
  const compacted = int64(result, "compact_revision");
  if (compacted > 0n) {
    return new CompactedError("etcd has deleted that history; read the present state and watch from there", compacted);
  }
  const reason = text(result, "cancel_reason");
  if (/PermissionDenied|permission denied/.test(reason)) return refusal(7, reason, connection.secrets()).error;
  return new Interrupted(refusal(14, reason, connection.secrets()).error);
}

function readEvent(event: JsonObject): WatchEvent {
  const previous = event.prev_kv === undefined ? {} : { previous: readKeyValue(child(event, "prev_kv")) };
  return { type: event.type === "DELETE" ? "delete" : "put", kv: readKeyValue(child(event, "kv")), ...previous };
}
