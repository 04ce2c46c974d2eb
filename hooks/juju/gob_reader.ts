/**
 * Reads the primitive encodings of Go's gob format. Source: contract section 8.3.
 *
 * @module
 */
import { AgentError } from "../errors.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The error for bytes that are not what the agent speaks.
 *
 * @param what what was wrong, in a few words
 */
export function garbled(what: string): AgentError {
  return new AgentError(
    `the unit agent does not speak the hook command protocol (${what}); Juju will retry the hook, ` +
      "or set CHARMLET_HOOK_COMMANDS=process to use its hook commands instead",
  );
}

/** A cursor over the payload of one message. What it returns never shares memory with the payload. */
export class GobReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at: number;

  /** Reads `bytes` from `start` up to `end`. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** An unsigned integer of up to 64 bits; a bigint only where a number would not be exact. */
  uint(): number | bigint {
    const first = this.#byte();
    if (first < 128) return first;
    let bytesLeft = 256 - first;
    if (bytesLeft > 8) throw garbled(`an integer of ${bytesLeft} bytes`);
    if (bytesLeft > 6) {
      let wide = 0n;
      for (; bytesLeft > 0; bytesLeft--) wide = (wide << 8n) | BigInt(this.#byte());
      return narrow(wide);
    }
    let value = 0;
    for (; bytesLeft > 0; bytesLeft--) value = value * 256 + this.#byte();
    return value;
  }

  /** A signed integer of up to 64 bits; a bigint only where a number would not be exact. */
  int(): number | bigint {
    const bits = this.uint();
    if (typeof bits === "bigint") return narrow((bits & 1n) === 1n ? ~(bits >> 1n) : bits >> 1n);
    const half = Math.floor(bits / 2);
    return bits % 2 === 1 ? -half - 1 : half;
  }

  /** A boolean. */
  bool(): boolean {
    const value = this.uint();
    if (value !== 0 && value !== 1) throw garbled(`a boolean of value ${value}`);
    return value === 1;
  }

  /** A number that stands for as many things of at least one byte each. */
  count(): number {
    const value = this.uint();
    if (value > this.left) throw garbled(`a value of ${value} bytes or elements where ${this.left} bytes are left`);
    return Number(value);
  }

  /** A byte string. */
  bytes(): Uint8Array {
    const length = this.count();
    this.#at += length;
    return this.#bytes.slice(this.#at - length, this.#at);
  }

  /** Text. Bytes that are not UTF-8 become replacement characters. */
  string(): string {
    const length = this.count();
    this.#at += length;
    return decoder.decode(this.#bytes.subarray(this.#at - length, this.#at));
  }

  #byte(): number {
    const value = this.#at < this.#end ? this.#bytes[this.#at++] : undefined;
    if (value === undefined) throw garbled("a message that ends inside a value");
    return value;
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
