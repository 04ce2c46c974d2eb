/**
 * What a reply of etcd's gateway means: a result, or an error and whether the request may be sent again.
 *
 * @module
 */
import {
  AuthenticationError,
  type ClientError,
  CommonNameError,
  CompactedError,
  MissingError,
  NoQuorumError,
  NotPermittedError,
  RefusedError,
  ReplyError,
  UnhealthyClusterError,
} from "../errors.ts";
import type { HttpReply } from "../http/exchange.ts";
import { isObject, type JsonObject } from "../http/json.ts";

/**
 * What to do after an error:
 * - `stop`: no server will answer otherwise
 * - `renew`: get a new token, then send it again; etcd has not looked at it
 * - `again`: send it again; it cannot have taken effect
 * - `unknown`: it may have taken effect; send it again only if that does no harm
 */
export type Next = "stop" | "renew" | "again" | "unknown";

/** An error of the server's own, and what to do about it. */
export interface Refusal {
  readonly error: ClientError;
  readonly next: Next;
}

/** gRPC status codes. */
const CODE = {
  unknown: 2,
  deadline: 4,
  notFound: 5,
  denied: 7,
  outOfRange: 11,
  unavailable: 14,
  identity: 16,
} as const;

const COMMON_NAME = /^CommonName of client/i;
const STALE_TOKEN = /user name is empty|revision of auth store is old|invalid auth token/;
const WRONG_PASSWORD = /authentication failed/;
const MEMBERS_AT_RISK = /unhealthy cluster|not enough started members/;
/** A server that ends, or whose member was removed: etcd passes on the words of its parts as they are. */
const STOPPED =
  /raft: stopped|server stopped|permanently removed from the cluster|(connection|transport) is closing|request cancelled/;
const NEVER_APPLIED = /no leader|not leader|proposal dropped|too many requests/;
const NO_MAJORITY = /timed out|deadline exceeded|no leader|not leader|leader changed|proposal dropped/;

/**
 * Reads a reply.
 *
 * @param secrets texts that no error may repeat
 */
export function readReply(reply: HttpReply, secrets: readonly string[]): JsonObject | Refusal {
  const parsed = parseObject(reply.text);
  if (reply.status === 200) return parsed ?? damaged(reply.text);
  if (COMMON_NAME.test(reply.text)) return { error: commonNameError(), next: "stop" };
  if (!parsed) return strangeReply(reply);
  const code = typeof parsed.code === "number" ? parsed.code : CODE.unknown;
  const message = [parsed.message, parsed.error].find((each) => typeof each === "string") ?? "";
  return refusal(code, message, secrets);
}

/** The meaning of the error that a streamed reply has in it. */
export function refusalIn({ grpc_code: code, message }: JsonObject, secrets: readonly string[]): Refusal {
  return refusal(typeof code === "number" ? code : CODE.unknown, typeof message === "string" ? message : "", secrets);
}

/** Tells an error from a result. */
export function isRefusal(result: JsonObject | Refusal): result is Refusal {
  return (result as Partial<Refusal>).error instanceof Error;
}

/**
 * The meaning of a gRPC status.
 *
 * @param code gRPC status code
 * @param message the server's words
 * @param secrets texts that no error may repeat
 */
export function refusal(code: number, message: string, secrets: readonly string[]): Refusal {
  const said = quote(message, secrets);
  if (COMMON_NAME.test(message)) return { error: commonNameError(), next: "stop" };
  if (code === CODE.identity || STALE_TOKEN.test(message)) {
    const error = new AuthenticationError("etcd wants a user and password; give those of a user of the cluster");
    return { error, next: "renew" };
  }
  if (WRONG_PASSWORD.test(message)) {
    return { error: new AuthenticationError("etcd refuses the user or the password; check both"), next: "stop" };
  }
  if (code === CODE.denied || message.includes("permission denied")) {
    const error = new NotPermittedError("etcd does not permit this to the user; grant the user a role that may do it");
    return { error, next: "stop" };
  }
  if (MEMBERS_AT_RISK.test(message)) {
    const error = new UnhealthyClusterError(
      `etcd refuses to change its members now (${said}); wait until all are healthy, or remove the dead one first`,
    );
    return { error, next: "stop" };
  }
  if (message.includes("compacted")) {
    return {
      error: new CompactedError("etcd has deleted that history; read the present state instead", 0n),
      next: "stop",
    };
  }
  if (code === CODE.notFound) {
    return { error: new MissingError(`etcd says: ${said}; it is gone already`), next: "stop" };
  }
  if (STOPPED.test(message)) {
    const error = new RefusedError(
      "a member of etcd is stopping, or was removed from the cluster; try again, with another member",
      code,
    );
    return { error, next: "unknown" };
  }
  const passing = code === CODE.unavailable || code === CODE.deadline || NO_MAJORITY.test(message) ||
    NEVER_APPLIED.test(message);
  if (!passing) return { error: new RefusedError(`etcd refuses the request: ${said}`, code), next: "stop" };
  const next = NEVER_APPLIED.test(message) ? "again" : "unknown";
  if (NO_MAJORITY.test(message)) return { error: noQuorum(said), next };
  const hint = "check that each server's certificate is also good for client use";
  return { error: new RefusedError(`etcd cannot serve the request: ${said}; ${hint}`, code), next };
}

/** @param detail what shows it */
export function noQuorum(detail: string): NoQuorumError {
  return new NoQuorumError(`the etcd cluster has no quorum or no leader (${detail}); bring the missing members back`);
}

function commonNameError(): CommonNameError {
  return new CommonNameError(
    "etcd's gateway refuses our client certificate because it has a common name while authentication is on; " +
      "issue client certificates without one",
  );
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function damaged(text: string): Refusal {
  const what = /^\s*</.test(text) ? "HTML" : "something other than a JSON object";
  const error = new ReplyError(`a server answered with ${what}; check that the endpoint is etcd's client port`);
  return { error, next: "unknown" };
}

function strangeReply({ status, text }: HttpReply): Refusal {
  if (status === 404) {
    const error = new ReplyError("a server has no etcd v3 JSON gateway (HTTP 404); check endpoint and version");
    return { error, next: "again" };
  }
  const what = /^\s*</.test(text) ? "HTML" : "no JSON";
  const error = new ReplyError(
    `a server answered with HTTP ${status} and ${what}; check that it is etcd's client port`,
  );
  return { error, next: "unknown" };
}

/** The server's words, where they are etcd's own and repeat no secret. */
function quote(message: string, secrets: readonly string[]): string {
  const own = /^(etcdserver|etcdclient|auth|rpc error|context|connection|transport|key|all SubConns)\b/.test(message);
  const plain = /^[\x20-\x7e]{1,200}$/.test(message);
  if (!own || !plain || secrets.some((secret) => secret !== "" && message.includes(secret))) return "no reason given";
  return message.replace(/^etcdserver: /, "");
}
