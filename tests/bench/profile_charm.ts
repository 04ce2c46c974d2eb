/**
 * The charm that is measured, with a clock at its joints: tells when it reached each, and how long what costs time inside
 * has taken.
 *
 * @module
 */
import { RpcClient } from "../../hooks/juju/agent_rpc.ts";
import { defineInterface, dispatch } from "../../mod.ts";
import { changed } from "./charm.ts";
import { type Instant, openClock } from "./profile_clock.ts";

/** What the charm has seen of its clocks. */
export interface Trace {
  readonly marks: Readonly<Partial<Record<Joint, Instant>>>;
  /** What {@linkcode SPENT_ON} names, in milliseconds. */
  readonly spent: Readonly<Record<string, number>>;
}

/** Where the clocks are read, in this order. */
export const JOINTS = ["entered", "connected", "handler began", "handler ended", "returned"] as const;

/** A point that the charm comes to. */
export type Joint = typeof JOINTS[number];

/** What is summed up inside. */
export const SPENT_ON = ["charm's files", "JSON", "protocol", "permissions"] as const;

/** Replaces a function of an object by one that adds its time to a sum. */
function clock<T extends object>(sums: Map<string, number>, name: typeof SPENT_ON[number], object: T, key: keyof T) {
  const original: unknown = object[key];
  if (typeof original !== "function") throw new TypeError(`${String(key)} is no function`);
  Object.defineProperty(object, key, {
    value(this: unknown, ...args: unknown[]): unknown {
      const start = performance.now();
      try {
        return Reflect.apply(original, this, args);
      } finally {
        sums.set(name, (sums.get(name) ?? 0) + performance.now() - start);
      }
    },
  });
}

async function main(): Promise<number> {
  const marks: Partial<Record<Joint, Instant>> = {};
  const now = openClock();
  marks.entered = now();
  const sums = new Map<string, number>(SPENT_ON.map((name) => [name, 0]));
  clock(sums, "charm's files", Deno, "readTextFileSync");
  clock(sums, "charm's files", Deno, "lstatSync");
  clock(sums, "JSON", JSON, "parse");
  clock(sums, "JSON", JSON, "stringify");
  clock(sums, "protocol", RpcClient.prototype, "send");
  clock(sums, "protocol", RpcClient.prototype, "receive");
  clock(sums, "permissions", Deno.permissions, "revokeSync");
  const connect = Deno.connect;
  const connecting = async (options: Deno.UnixConnectOptions) => {
    const stream = await connect(options);
    marks.connected = now();
    return stream;
  };
  Object.defineProperty(Deno, "connect", { value: connecting });
  const timed = defineInterface({
    name: "bench",
    role: "requires",
    on: {
      async changed(ctx, relation) {
        marks["handler began"] = now();
        const outcome = await changed(ctx, relation);
        marks["handler ended"] = now();
        return outcome;
      },
    },
  });
  const code = await dispatch({ interfaces: [timed], actions: [] });
  marks.returned = now();
  const trace: Trace = { marks, spent: Object.fromEntries(sums) };
  console.log(JSON.stringify(trace));
  return code;
}

if (import.meta.main) Deno.exit(await main());
