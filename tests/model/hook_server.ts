/**
 * The agent's socket during one run: answers hook commands, and breaks connections where a test wants it.
 * Source: contract section 8.1.
 *
 * @module
 */
import { type AgentHandler, newTurn, serveConnection } from "./rpc_server.ts";

/** A listening agent. */
export interface HookServer {
  /** The answer that is being made is replaced: by the end of the connection, or by bytes that are no gob. */
  breakAnswer(how: "close" | "garbage"): void;
  /** Stops listening and closes every connection. */
  close(): Promise<void>;
}

/** Announces a message of more than 2^56 bytes, which no decoder may try to read. */
const GARBAGE = new Uint8Array([0xf8, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x6e, 0x6f]);

/**
 * Serves hook commands until closed.
 *
 * @param address `@name` for an abstract socket, else the path of a socket file
 * @param handle called for one command at a time
 */
export function serveHook(address: string, handle: AgentHandler): HookServer {
  const isAbstract = address.startsWith("@");
  const listener = Deno.listen({ transport: "unix", path: isAbstract ? `\0${address.slice(1)}` : address });
  if (!isAbstract) Deno.chmodSync(address, 0o700);
  const turn = newTurn();
  const streams = new Map<Deno.Conn, Promise<void>>();
  let broken: "close" | "garbage" | undefined;

  const write = async (stream: Deno.Conn, bytes: Uint8Array): Promise<number> => {
    const how = broken;
    broken = undefined;
    if (how === "close") closeQuietly(stream);
    if (how !== "garbage") return await stream.write(bytes);
    await stream.write(GARBAGE);
    return bytes.length;
  };
  const accepting = (async () => {
    for await (const stream of listener) {
      const watched = new Proxy(stream, {
        get(target, property) {
          if (property === "write") return (bytes: Uint8Array) => write(target, bytes);
          const value: unknown = Reflect.get(target, property, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
      streams.set(stream, serveConnection(watched, handle, turn).finally(() => streams.delete(stream)));
    }
  })();
  return {
    breakAnswer(how) {
      broken = how;
    },
    async close() {
      listener.close();
      await accepting;
      const ends = [...streams.values()];
      for (const stream of streams.keys()) closeQuietly(stream);
      await Promise.all(ends);
      if (!isAbstract) await Deno.remove(address).catch(ignoreMissing);
    },
  };
}

function closeQuietly(stream: Deno.Conn): void {
  try {
    stream.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
