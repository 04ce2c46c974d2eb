/**
 * What Patroni's replies mean: a JSON object, or an error in words of ours.
 *
 * @module
 */
import { AuthenticationError, type ClientError, NotPermittedError, ReplyError } from "../errors.ts";
import type { HttpReply } from "../http/exchange.ts";
import { isObject, type JsonObject, parseJson } from "../http/json.ts";
import { type PatroniReason, PatroniRefusedError } from "./errors.ts";

/** Patroni's words for refusals, over all versions from 3; only looked at, never repeated. */
const REASONS: readonly (readonly [RegExp, PatroniReason])[] = [
  [/i am the leader/i, "is-leader"],
  [/already (in progress|scheduled)/i, "in-progress"],
  [/has no leader/i, "no-leader"],
  [/leader name does not match/i, "wrong-leader"],
  [/does not match with sync_standby|is not .*synchronous/i, "candidate-not-sync"],
  [/candidate does not exist/i, "candidate-unknown"],
  [/no good candidates|can not find sync|does not have members except leader/i, "no-candidate"],
  [/paused state/i, "paused"],
  [/(restart|switchover|failover) failed|still starting/i, "failed"],
];

const BY_STATUS: Readonly<Record<number, PatroniReason>> = {
  400: "invalid",
  409: "conflict",
  411: "invalid",
  412: "no-candidate",
  422: "invalid",
};

/**
 * The JSON object of a reply.
 *
 * @throws {ReplyError} when there is none
 */
export function readObject({ text }: HttpReply): JsonObject {
  const value = parseJson(text);
  if (isObject(value)) return value;
  const what = text === "" ? "nothing" : /^\s*</.test(text) ? "HTML" : "something other than a whole JSON object";
  throw new ReplyError(`a server answered with ${what}; check that the address and port are Patroni's REST API`);
}

/**
 * The error of a reply with an unexpected status.
 *
 * @param what was asked, such as `a switchover`
 */
export function refusalOf(what: string, { status, text }: HttpReply): ClientError {
  if (status === 401) {
    return new AuthenticationError(
      `Patroni refuses user or password for ${what}; give those of its REST API's configuration`,
    );
  }
  if (status === 403) {
    return new NotPermittedError(`Patroni does not permit ${what} to this address or certificate; see its allowlist`);
  }
  const reason = REASONS.find(([words]) => words.test(text))?.[1] ?? BY_STATUS[status];
  if (reason !== undefined) return new PatroniRefusedError(what, status, reason);
  if (status === 404 || status === 405 || status === 501 || status < 400) {
    return new ReplyError(
      `a server answered ${what} with HTTP ${status}; check that the address and port are Patroni's REST API`,
    );
  }
  if (status === 502 || status === 503) return new PatroniRefusedError(what, status, "not-running");
  return new PatroniRefusedError(what, status, "failed");
}
