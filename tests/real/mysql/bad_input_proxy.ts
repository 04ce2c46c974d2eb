/**
 * Stands between a charm and its server's socket: counts connections, and spoils what goes over them.
 *
 * @module
 */
import { packetsFrom, writeAll } from "./simulated_server.ts";

/** What becomes of a statement: `drop` ends the connection before the server sees it; bytes are sent as the answer. */
export type Verdict = "pass" | "drop" | Uint8Array;

/** How the proxy behaves; may be changed at any time. */
export interface Spoiling {
  /** @param number of the statement, from 1, since this was set */
  readonly judge?: (number: number, statement: string) => Verdict;
  /** Replaced in everything that the server says; as long as what it becomes. */
  readonly replace?: readonly [string, string];
}

const QUERY = 3;
const LATIN = new TextDecoder("latin1");

/** Takes the place of a server's socket until it is disposed of. */
export class SocketProxy implements AsyncDisposable {
  /** Connections so far. */
  connections = 0;
  #spoiling: Spoiling = {};
  #statements = 0;
  readonly #open = new Set<Deno.UnixConn>();

  private constructor(readonly path: string, readonly moved: string, readonly listener: Deno.UnixListener) {
    this.#accept();
  }

  /** Moves the server's socket away; connections that are open stay. */
  static async start(path: string): Promise<SocketProxy> {
    const moved = `${path}.real`;
    const own = `${path}.${crypto.randomUUID().slice(0, 8)}`;
    const listener = Deno.listen({ transport: "unix", path: own });
    await Deno.rename(path, moved);
    // A link: when the listener is closed its file goes, and would be the server's by then.
    await Deno.symlink(own, path);
    return new SocketProxy(path, moved, listener);
  }

  spoil(spoiling: Spoiling): void {
    this.#spoiling = spoiling;
    this.#statements = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.rename(this.moved, this.path);
    this.listener.close();
    for (const connection of [...this.#open]) this.#close(connection);
  }

  async #accept(): Promise<void> {
    try {
      for await (const client of this.listener) {
        this.connections++;
        this.#open.add(client);
        const server = await Deno.connect({ transport: "unix", path: this.moved });
        this.#open.add(server);
        const end = () => [client, server].forEach((each) => this.#close(each));
        this.#answers(server, client).catch(end).then(end);
        this.#questions(client, server).catch(end);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #answers(server: Deno.UnixConn, client: Deno.UnixConn): Promise<void> {
    for (const bytes = new Uint8Array(65_536);;) {
      const count = await server.read(bytes);
      if (count === null) return;
      const said = bytes.subarray(0, count);
      const { replace } = this.#spoiling;
      await writeAll(client, replace ? replaced(said, replace) : said);
    }
  }

  async #questions(client: Deno.UnixConn, server: Deno.UnixConn): Promise<void> {
    const next = packetsFrom(client);
    while (true) {
      const { header, payload } = await next();
      const isQuery = payload[0] === QUERY && header[3] === 0;
      const verdict = isQuery ? this.#spoiling.judge?.(++this.#statements, LATIN.decode(payload)) : "pass";
      if (verdict === "drop") throw new Deno.errors.ConnectionReset();
      if (verdict instanceof Uint8Array) await writeAll(client, verdict);
      else {
        await writeAll(server, header);
        await writeAll(server, payload);
      }
    }
  }

  #close(connection: Deno.UnixConn): void {
    if (this.#open.delete(connection)) connection.close();
  }
}

function replaced(bytes: Uint8Array, [from, to]: readonly [string, string]): Uint8Array {
  const text = LATIN.decode(bytes);
  const copy = bytes.slice();
  const become = new TextEncoder().encode(to);
  for (let at = text.indexOf(from); at >= 0; at = text.indexOf(from, at + from.length)) copy.set(become, at);
  return copy;
}
