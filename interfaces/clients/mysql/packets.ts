/**
 * How packets are read by the npm driver `mysql2`. By itself it reads those that are out of order all the same, and prints
 * what it thinks of them and of damaged ones. Here they end the connection, and nothing is printed.
 *
 * @module
 */
import type { Connection } from "mysql2";

/** First byte of a packet that tells an error. */
const ERROR = 0xff;

interface Packet {
  readonly sequenceId: number;
  peekByte(): number;
}

/** What the driver's types do not tell of a connection. */
interface PacketReader {
  /** Number of the packet that comes next. */
  sequenceId: number;
  handlePacket(packet?: Packet): void;
  /** Ends the connection, and whatever waits for it, with an error. */
  _handleFatalError(error: Error): void;
}

/** Lets a new connection end with an error where packets are out of order. */
export function readStrictly(connection: Connection): void {
  const reader = connection as unknown as PacketReader;
  const read = reader.handlePacket.bind(connection);
  reader.handlePacket = (packet) => {
    if (packet && packet.sequenceId !== reader.sequenceId) {
      // A server that ends a session says so out of turn.
      if (packet.peekByte() !== ERROR) return reader._handleFatalError(new Error("packets are out of order"));
      reader.sequenceId = packet.sequenceId;
    }
    withoutTrace(() => read(packet));
  };
}

/** The driver prints a stack trace beside the error that it throws for a number that is none. */
function withoutTrace(run: () => void): void {
  const { trace } = console;
  Object.assign(console, { trace: () => {} });
  try {
    run();
  } finally {
    Object.assign(console, { trace });
  }
}
