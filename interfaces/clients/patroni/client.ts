/**
 * A client of the REST API of one Patroni, versions 3 and 4.
 *
 * @module
 */
import type { TlsOptions } from "../etcd/pem.ts";
import type { JsonObject } from "../http/json.ts";
import {
  type CallOptions,
  type Check,
  longWrites,
  reads,
  type RestartRequest,
  type SwitchResult,
  writes,
} from "./requests.ts";
import { createTransport, type Scheme } from "./transport.ts";
import type { ClusterView, HistoryEntry, InstanceStatus } from "./values.ts";

export type { CallOptions, Check, RestartRequest, SwitchResult } from "./requests.ts";
export type { Scheme } from "./transport.ts";

/** How to reach a Patroni. */
export interface PatroniOptions {
  /** Host name or IP address; an IPv6 address without brackets. */
  readonly address: string;
  /** 8008 without it. */
  readonly port?: number;
  /**
   * Tried in this order by reads; `https` with `tls`, else `http`. Give both while TLS is being switched: the password
   * then goes to the scheme that answered last.
   */
  readonly schemes?: readonly Scheme[];
  readonly tls?: TlsOptions;
  /** Sent with writes only; reads are never authenticated. */
  readonly auth?: { readonly user: string; readonly password: string };
  /** Milliseconds for each call, all tries together: 2000, and 9000 for those that wait for PostgreSQL. */
  readonly timeoutMs?: number;
  /** How often a read is sent at most; 2 without it. */
  readonly tries?: number;
  /** Bytes of the largest reply that is read; 1 MiB without it. */
  readonly maxReplyBytes?: number;
}

/** An open client: `using patroni = openPatroni({ … })`. Every call may throw a `ClientError`. */
export interface Patroni extends Disposable {
  readonly address: string;
  /** The scheme that answered last, else the first of the options. */
  readonly scheme: Scheme;
  /** All members, as the store has them: a dead one stays for up to its time to live. */
  cluster(options?: CallOptions): Promise<ClusterView>;
  /** This member, whatever its state. */
  status(options?: CallOptions): Promise<InstanceStatus>;
  /** This member; `running` says whether its PostgreSQL serves. */
  health(options?: CallOptions): Promise<InstanceStatus>;
  /** @param lagBytes how far behind a replica may be */
  is(what: Check, options?: CallOptions & { readonly lagBytes?: number }): Promise<boolean>;
  /** Whether Patroni answers at all; throws nothing when it does not. */
  alive(options?: CallOptions): Promise<boolean>;
  /** The dynamic configuration, from the member's memory. */
  config(options?: CallOptions): Promise<JsonObject>;
  /** Merges into the dynamic configuration; `null` deletes. Returns all of it. */
  patchConfig(patch: JsonObject, options?: CallOptions): Promise<JsonObject>;
  /** Makes Patroni read its file in a second or two; only its effect shows whether the file is good. */
  reload(options?: CallOptions): Promise<void>;
  /** Restarts PostgreSQL and waits for it; `not-needed` when the conditions are not met. */
  restart(request?: RestartRequest, options?: CallOptions): Promise<"restarted" | "not-needed" | "scheduled">;
  /** Whether there was a scheduled restart. */
  cancelRestart(options?: CallOptions): Promise<boolean>;
  /** Begins to copy the data anew; refused on the leader. */
  reinitialize(request?: { readonly force?: boolean }, options?: CallOptions): Promise<void>;
  /** Any member may be asked. */
  switchover(
    request: { readonly leader: string; readonly candidate?: string; readonly scheduledAt?: Date },
    options?: CallOptions,
  ): Promise<SwitchResult>;
  /** Whether there was a scheduled switchover. */
  cancelSwitchover(options?: CallOptions): Promise<boolean>;
  /** Also without a leader, and to an asynchronous replica: acknowledged writes may be lost. */
  failover(request: { readonly candidate: string }, options?: CallOptions): Promise<SwitchResult>;
  history(options?: CallOptions): Promise<readonly HistoryEntry[]>;
  close(): void;
}

const PORT = 8008;
const TIMEOUT_MS = 2000;
/** A hook has ten seconds. */
const LONG_TIMEOUT_MS = 9000;
const TRIES = 2;
const MAX_REPLY_BYTES = 1024 * 1024;

/**
 * Opens a client; nothing is sent before the first call. Needs the `net` permission for the address.
 *
 * @throws {InputError} when address or certificates cannot be used
 */
export function openPatroni(options: PatroniOptions): Patroni {
  const { address, port = PORT, tls, auth, tries = TRIES, maxReplyBytes = MAX_REPLY_BYTES } = options;
  const schemes: readonly Scheme[] = options.schemes ?? [tls ? "https" : "http"];
  const transport = createTransport({ address, port, schemes, tls: tls ?? {}, auth, tries, maxReplyBytes });
  const timeout = options.timeoutMs ?? TIMEOUT_MS;
  const longTimeout = Math.max(options.timeoutMs ?? 0, LONG_TIMEOUT_MS);
  let open = true;
  const close = (): void => {
    if (open) transport.close();
    open = false;
  };
  return {
    address,
    get scheme() {
      return transport.scheme();
    },
    ...reads(transport, timeout),
    ...writes(transport, timeout),
    ...longWrites(transport, longTimeout),
    close,
    [Symbol.dispose]: close,
  };
}
