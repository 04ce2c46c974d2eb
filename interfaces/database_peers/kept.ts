/**
 * What this unit keeps from hook to hook.
 *
 * @module
 */
import type { StoredValue } from "../../hooks/stored.ts";

/** Kept values; empty texts mean never. */
export interface Kept {
  /** The option data-directory when the unit was set up. */
  readonly dataDirectory: string;
  /** The address with which this unit's servers were started. */
  readonly address: string;
  /** Digest of the configuration that Patroni was told to read. */
  readonly applied: string;
  /** Digest of the configuration for which the server was asked for its TLS, and its answer. */
  readonly tlsSeen: string;
  readonly tlsOn: boolean;
  /** The run of the server that was to be restarted, when the answer to that has not come in time. */
  readonly restarting: string;
  /** Read-only endpoints that clients were told last. */
  readonly readOnly: string;
}

const NOTHING: Kept = {
  dataDirectory: "",
  address: "",
  applied: "",
  tlsSeen: "",
  tlsOn: false,
  restarting: "",
  readOnly: "",
};

/** Reads what is kept. */
export function readKept(stored: StoredValue): Kept {
  return stored.get(NOTHING, (value) => {
    const { dataDirectory, address, applied, tlsSeen, tlsOn, restarting, readOnly } = Object(value) as Record<
      string,
      unknown
    >;
    const text = (each: unknown) => typeof each === "string" ? each : "";
    return {
      dataDirectory: text(dataDirectory),
      address: text(address),
      applied: text(applied),
      tlsSeen: text(tlsSeen),
      tlsOn: tlsOn === true,
      restarting: text(restarting),
      readOnly: text(readOnly),
    };
  });
}

/** Changes what is kept, with the commit of the hook. */
export function keep(stored: StoredValue, changes: Partial<Kept>): void {
  stored.set({ ...readKept(stored), ...changes });
}
