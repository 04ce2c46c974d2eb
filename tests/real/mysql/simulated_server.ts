/**
 * A server that speaks MySQL's protocol as far as a test wants, then misbehaves.
 *
 * @module
 */
import { join } from "node:path";

/** What a simulated server does after the client has logged in. */
export type Behaviour = (packet: Uint8Array, connection: Connection) => Promise<void>;

/** The server's end of a connection. */
export interface Connection {
  /** Sends a packet. @param number its place in the exchange */
  send(number: number, payload: Uint8Array): Promise<void>;
  /** Ends the connection. */
  drop(): void;
}

const ENCODER = new TextEncoder();
/** Protocol 4.1, transactions, secure connections, named ways to log in; no TLS. */
const CAPABILITIES = 0x0008_a200 | 0x1;
const OK = new Uint8Array([0, 0, 0, 2, 0, 0, 0]);

/** The packet of an OK. */
export const okPacket: Uint8Array = OK;

/** The packet of an error. */
export function errorPacket(number: number, message: string): Uint8Array {
  return bytes([0xff, number & 0xff, number >> 8], ENCODER.encode(`#HY000${message}`));
}

/**
 * The packets of a result of one row and one column, which is called `value`.
 *
 * @param column number of its character set, and of its type
 */
export function resultPackets(
  column: { readonly charset: number; readonly type: number },
  value: string,
): Uint8Array[] {
  const text = (each: string) => [ENCODER.encode(each).length, ...ENCODER.encode(each)];
  const end = bytes([0xfe, 0, 0, 2, 0]);
  const { charset, type } = column;
  const names = ["def", "", "", "", "value", ""].flatMap(text);
  const definition = bytes(names, [12, charset & 0xff, charset >> 8, 255, 0, 0, 0, type, 0, 0, 0, 0, 0]);
  return [bytes([1]), definition, end, bytes(text(value)), end];
}

/** The greeting of a MySQL server. */
export function greeting(capabilities: number = CAPABILITIES): Uint8Array {
  return bytes(
    [10],
    ENCODER.encode("9.7.4\0"),
    [1, 0, 0, 0],
    ENCODER.encode("abcdefgh\0"),
    [
      capabilities & 0xff,
      capabilities >> 8 & 0xff,
      255,
      2,
      0,
      capabilities >> 16 & 0xff,
      capabilities >> 24 & 0xff,
      21,
    ],
    new Uint8Array(10),
    ENCODER.encode("ijklmnopqrst\0caching_sha2_password\0"),
  );
}

/** A server on a unix socket; closes with {@linkcode SimulatedServer.close}. */
export class SimulatedServer implements Disposable {
  readonly #listener: Deno.UnixListener;
  readonly #connections = new Set<Deno.UnixConn>();

  /**
   * @param socketPath where it listens
   * @param serve what it does with each connection
   */
  constructor(readonly socketPath: string, serve: (raw: Deno.UnixConn, connection: Connection) => Promise<void>) {
    this.#listener = Deno.listen({ transport: "unix", path: socketPath });
    this.#accept(serve);
  }

  close(): void {
    this.#listener.close();
    for (const connection of [...this.#connections]) this.#drop(connection);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async #accept(serve: (raw: Deno.UnixConn, connection: Connection) => Promise<void>): Promise<void> {
    try {
      for await (const raw of this.#listener) {
        this.#connections.add(raw);
        const connection: Connection = {
          send: (number, payload) => writeAll(raw, packet(number, payload)),
          drop: () => this.#drop(raw),
        };
        // A client that has gone away is no failure of the test.
        serve(raw, connection).catch(() => this.#drop(raw));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  #drop(connection: Deno.UnixConn): void {
    if (this.#connections.delete(connection)) connection.close();
  }
}

/** Runs something against a simulated server. */
export async function against<T>(
  serve: ConstructorParameters<typeof SimulatedServer>[1],
  work: (at: { readonly socketPath: string }) => Promise<T>,
): Promise<T> {
  const directory = await Deno.makeTempDir();
  try {
    const socketPath = join(directory, "s");
    using _ = new SimulatedServer(socketPath, serve);
    return await work({ socketPath });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Lets anybody in, then does what it is told with each packet of the client. */
export function serving(behaviour: Behaviour): (raw: Deno.UnixConn, connection: Connection) => Promise<void> {
  return async (raw, connection) => {
    const next = packetsFrom(raw);
    const read = async () => (await next()).payload;
    await connection.send(0, greeting());
    await read();
    // The password is right, without more questions.
    await connection.send(2, new Uint8Array([1, 3]));
    await connection.send(3, OK);
    // The first statement sets up the session.
    await read();
    await connection.send(1, OK);
    while (true) await behaviour(await read(), connection);
  };
}

/** One packet as it came. */
export interface Packet {
  /** Length and number. */
  readonly header: Uint8Array;
  readonly payload: Uint8Array;
}

/** Reads one packet of the client after the other; throws at the end of the connection. */
export function packetsFrom(raw: Deno.Conn): () => Promise<Packet> {
  let rest = new Uint8Array();
  return async () => {
    while (true) {
      const [a = 0, b = 0, c = 0] = rest;
      const length = a | b << 8 | c << 16;
      if (rest.length >= 4 && rest.length >= 4 + length) {
        const found = { header: rest.slice(0, 4), payload: rest.slice(4, 4 + length) };
        rest = rest.slice(4 + length);
        return found;
      }
      const more = new Uint8Array(65_536);
      const count = await raw.read(more);
      if (count === null) throw new Deno.errors.UnexpectedEof();
      rest = bytes(rest, more.subarray(0, count));
    }
  };
}

/** A packet with its header. @param number its place in the exchange */
export function packet(number: number, payload: Uint8Array): Uint8Array {
  const { length } = payload;
  return bytes([length & 0xff, length >> 8 & 0xff, length >> 16 & 0xff, number], payload);
}

/** Sends everything. */
export async function writeAll(connection: Deno.Conn, content: Uint8Array): Promise<void> {
  for (let sent = 0; sent < content.length;) sent += await connection.write(content.subarray(sent));
}

function bytes(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}
