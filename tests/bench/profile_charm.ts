/**
 * The charm that is measured, with a clock at its joints: tells when it reached each, and how long what costs time inside
 * has taken.
 *
 * @module
 */
import { RpcClient } from "../../hooks/juju/agent_rpc.ts";
import { defineInterface, dispatch } from "../../mod.ts";
import { changed } from "./charm.ts";

/** Points in time, in milliseconds since 1970, and sums, in milliseconds. */
export interface Trace {
  readonly entered: number;
  readonly connected: number;
  readonly handlerBegan: number;
  readonly handlerEnded: number;
  readonly returned: number;
  /** What {@linkcode SPENT_ON} names. */
  readonly spent: Readonly<Record<string, number>>;
}

/** What is summed up inside. */
export const SPENT_ON = ["charm's files", "JSON", "protocol", "permissions"] as const;

const now = () => performance.timeOrigin + performance.now();

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

async function main(entered: number): Promise<number> {
  const sums = new Map<string, number>(SPENT_ON.map((name) => [name, 0]));
  clock(sums, "charm's files", Deno, "readTextFileSync");
  clock(sums, "charm's files", Deno, "lstatSync");
  clock(sums, "JSON", JSON, "parse");
  clock(sums, "JSON", JSON, "stringify");
  clock(sums, "protocol", RpcClient.prototype, "send");
  clock(sums, "protocol", RpcClient.prototype, "receive");
  clock(sums, "permissions", Deno.permissions, "revokeSync");
  const marks = { connected: 0, handlerBegan: 0, handlerEnded: 0 };
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
        marks.handlerBegan = now();
        const outcome = await changed(ctx, relation);
        marks.handlerEnded = now();
        return outcome;
      },
    },
  });
  const code = await dispatch({ interfaces: [timed], actions: [] });
  const returned = now();
  const { connected, handlerBegan, handlerEnded } = marks;
  const trace: Trace = { entered, connected, handlerBegan, handlerEnded, returned, spent: Object.fromEntries(sums) };
  console.log(JSON.stringify(trace));
  return code;
}

if (import.meta.main) Deno.exit(await main(now()));
