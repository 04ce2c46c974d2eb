/**
 * The calls of Patroni's REST API.
 *
 * @module
 */
import { ClientError, InputError, ReplyError } from "../errors.ts";
import type { HttpReply } from "../http/exchange.ts";
import { type JsonObject, parseJson } from "../http/json.ts";
import { readObject, refusalOf } from "./answer.ts";
import { PatroniRefusedError } from "./errors.ts";
import { isMemberName } from "./fields.ts";
import type { Transport, Write } from "./transport.ts";
import { readCluster, readHistory, readInstance } from "./values.ts";

/** Of one call. */
export interface CallOptions {
  /** Milliseconds instead of the client's. */
  readonly timeoutMs?: number;
}

/** A question that Patroni answers by HTTP status alone. */
export type Check =
  | "primary"
  | "leader"
  | "standby-leader"
  | "replica"
  | "read-only"
  | "synchronous"
  | "asynchronous"
  | "readiness";

/** What has to be so for a restart, and when it is. */
export interface RestartRequest {
  /** Only when a changed setting waits for it. */
  readonly pendingOnly?: boolean;
  readonly role?: "primary" | "replica";
  /** Seconds that PostgreSQL has to start. */
  readonly timeoutSeconds?: number;
  readonly schedule?: Date;
}

/** Who leads now; absent when Patroni did not say. */
export type SwitchResult = { readonly done: "switched"; readonly leader?: string } | { readonly done: "scheduled" };

/** The calls that change nothing. */
export function reads(transport: Transport, timeout: number) {
  const get = (path: string, options: CallOptions = {}) => transport.read(path, options.timeoutMs ?? timeout);
  return {
    async cluster(options?: CallOptions) {
      return readCluster(readObject(expect("the list of members", await get("/cluster", options), 200)));
    },
    async status(options?: CallOptions) {
      const reply = expect("its status", await get("/patroni", options), 200);
      return readInstance(readObject(reply), undefined, reply.date ?? Date.now());
    },
    async health(options?: CallOptions) {
      const reply = expect("its health", await get("/health", options), 200, 503);
      return readInstance(readObject(reply), reply.status === 200, reply.date ?? Date.now());
    },
    async is(what: Check, options: CallOptions & { readonly lagBytes?: number } = {}) {
      const query = options.lagBytes === undefined ? "" : `?lag=${Math.trunc(options.lagBytes)}`;
      const reply = expect("its role", await get(`/${what}${query}`, options), 200, 503);
      // Another server that says yes to everything is no primary.
      if (what !== "readiness") readObject(reply);
      else if (reply.text !== "") throw new ReplyError("a server answered with a body where Patroni has none");
      return reply.status === 200;
    },
    async alive(options?: CallOptions) {
      try {
        return (await get("/liveness", options)).status === 200;
      } catch (error) {
        if (error instanceof ClientError) return false;
        throw error;
      }
    },
    async config(options?: CallOptions) {
      return readObject(expect("the configuration", await get("/config", options), 200));
    },
    async history(options?: CallOptions) {
      return readHistory(parseJson(expect("the history", await get("/history", options), 200).text));
    },
  };
}

/** The calls that answer at once. */
export function writes(transport: Transport, timeout: number) {
  const send = (write: Write, options: CallOptions = {}) => transport.write(write, options.timeoutMs ?? timeout);
  const cancel = async (what: string, path: string, options?: CallOptions): Promise<boolean> => {
    const reply = await send({ method: "DELETE", path, body: {} }, options);
    return expect(what, reply, 200, 404).status === 200;
  };
  return {
    async patchConfig(patch: JsonObject, options?: CallOptions) {
      if (Object.keys(patch).length === 0) throw new InputError("a change of Patroni's configuration has no settings");
      const reply = await send({ method: "PATCH", path: "/config", body: patch }, options);
      return readObject(expect("a change of the configuration", reply, 200));
    },
    async reload(options?: CallOptions) {
      expect("a reload", await send({ method: "POST", path: "/reload", body: {} }, options), 200, 202);
    },
    cancelRestart: (options?: CallOptions) => cancel("to cancel a restart", "/restart", options),
    cancelSwitchover: (options?: CallOptions) => cancel("to cancel a switchover", "/switchover", options),
    async reinitialize({ force = false }: { readonly force?: boolean } = {}, options?: CallOptions) {
      const body = force ? { force } : {};
      expect("a new copy of the data", await send({ method: "POST", path: "/reinitialize", body }, options), 200);
    },
  };
}

/** The calls that wait for PostgreSQL. */
export function longWrites(transport: Transport, timeout: number) {
  const send = (path: string, body: JsonObject, options: CallOptions = {}) => {
    return transport.write({ method: "POST", path, body }, options.timeoutMs ?? timeout);
  };
  const change = async (what: string, path: string, body: JsonObject, options?: CallOptions): Promise<SwitchResult> => {
    const reply = await send(path, body, options);
    if (reply.status === 202) return { done: "scheduled" };
    if (reply.status === 503 && /status unknown/i.test(reply.text)) {
      const error = new PatroniRefusedError(what, reply.status, "failed");
      error.outcomeUnknown = true;
      throw error;
    }
    const leader = /over to "([^"]*)"/.exec(expect(what, reply, 200).text)?.[1];
    return { done: "switched", ...(leader !== undefined && isMemberName(leader) ? { leader } : {}) };
  };
  return {
    async restart(request: RestartRequest = {}, options?: CallOptions) {
      const { pendingOnly, role, timeoutSeconds, schedule } = request;
      const body = {
        ...(pendingOnly ? { restart_pending: true } : {}),
        ...(role ? { role } : {}),
        ...(timeoutSeconds ? { timeout: timeoutSeconds } : {}),
        ...(schedule ? { schedule: schedule.toISOString() } : {}),
      };
      const reply = await send("/restart", body, options);
      if (reply.status === 503 && /conditions are not satisfied/i.test(reply.text)) return "not-needed" as const;
      if (reply.status === 202) return "scheduled" as const;
      expect("a restart", reply, 200);
      return "restarted" as const;
    },
    async switchover(
      request: { readonly leader: string; readonly candidate?: string; readonly scheduledAt?: Date },
      options?: CallOptions,
    ) {
      const { leader, candidate, scheduledAt } = request;
      const body = {
        leader: checkName(leader),
        ...(candidate === undefined ? {} : { candidate: checkName(candidate) }),
        ...(scheduledAt ? { scheduled_at: scheduledAt.toISOString() } : {}),
      };
      return await change("a switchover", "/switchover", body, options);
    },
    async failover({ candidate }: { readonly candidate: string }, options?: CallOptions) {
      return await change("a failover", "/failover", { candidate: checkName(candidate) }, options);
    },
  };
}

/** @throws the error of a reply that has none of these statuses */
function expect(what: string, reply: HttpReply, ...statuses: readonly number[]): HttpReply {
  if (statuses.includes(reply.status)) return reply;
  throw refusalOf(what, reply);
}

function checkName(name: string): string {
  if (isMemberName(name)) return name;
  throw new InputError("a member's name has 1 to 128 letters, digits and ._-; look at the cluster for the names");
}
