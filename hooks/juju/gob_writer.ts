/**
 * Writes the primitive encodings of Go's gob format. Source: contract section 8.3.
 *
 * @module
 */

const encoder = new TextEncoder();
const FIRST_CAPACITY = 1024;
/** Integers from minus this up to this need no bigint. */
const FAST_INT = 0x4000_0000;
/** UTF-8 needs at most this many bytes for a UTF-16 unit. */
const BYTES_PER_UNIT = 3;
/** Texts up to this many UTF-16 units have a length of one byte whatever they hold. */
const SHORT_TEXT = Math.floor(127 / BYTES_PER_UNIT);

/** A growing buffer. */
export class GobWriter {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;

  /** Bytes written since the last {@link clear} or {@link take}. */
  get length(): number {
    return this.#length;
  }

  /** What was written, valid until the next call. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was written and keeps the memory. */
  clear(): void {
    this.#length = 0;
  }

  /** What was written, now owned by the caller. */
  take(): Uint8Array {
    const taken = this.view();
    this.#bytes = new Uint8Array(FIRST_CAPACITY);
    this.#length = 0;
    return taken;
  }

  /**
   * An unsigned integer of up to 64 bits.
   *
   * @throws {RangeError} for anything else
   */
  uint(value: number | bigint): void {
    this.#reserve(9);
    if (value >= 0 && value < 128) {
      this.#bytes[this.#length++] = Number(value);
      return;
    }
    if (value >= 0 && value < 0x1_0000_0000) {
      this.#word(Number(value));
      return;
    }
    const wide = BigInt(value);
    if (wide < 0n || wide !== BigInt.asUintN(64, wide)) throw new RangeError(`${value} is not an unsigned integer`);
    let size = 1;
    while (wide >> BigInt(8 * size) > 0n) size++;
    this.#bytes[this.#length++] = 256 - size;
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) {
      this.#bytes[this.#length++] = Number((wide >> BigInt(shift)) & 255n);
    }
  }

  /**
   * A signed integer of up to 64 bits.
   *
   * @throws {RangeError} for anything else
   */
  int(value: number | bigint): void {
    if (value >= -FAST_INT && value < FAST_INT) {
      const narrow = Number(value);
      return this.uint(narrow >= 0 ? 2 * narrow : -2 * narrow - 1);
    }
    const wide = BigInt(value);
    if (wide !== BigInt.asIntN(64, wide)) throw new RangeError(`${value} is not a signed integer`);
    this.uint(wide >= 0n ? wide << 1n : (~wide << 1n) | 1n);
  }

  /** A byte string with its length. */
  bytes(value: Uint8Array): void {
    this.uint(value.length);
    this.raw(value);
  }

  /** Text as UTF-8 with its length. */
  string(value: string): void {
    if (value.length > SHORT_TEXT) return this.bytes(encoder.encode(value));
    this.#reserve(1 + value.length * BYTES_PER_UNIT);
    const { written } = encoder.encodeInto(value, this.#bytes.subarray(this.#length + 1));
    this.#bytes[this.#length] = written;
    this.#length += 1 + written;
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** An integer of 1 to 4 bytes, without a detour over bigint. */
  #word(value: number): void {
    const size = value < 0x100 ? 1 : value < 0x1_0000 ? 2 : value < 0x100_0000 ? 3 : 4;
    this.#bytes[this.#length++] = 256 - size;
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) this.#bytes[this.#length++] = value >>> shift;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    larger.set(this.view());
    this.#bytes = larger;
  }
}
