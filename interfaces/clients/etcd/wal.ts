/**
 * The end of a member's log on disk, for a cluster that cannot agree on anything any more: how far it goes, and that all
 * of it counts. Format: etcd's wal package, the same from 3.0 to 3.6. Each record is a length with its padding, then a
 * message of type, checksum and data, as protobuf has them; the checksum goes on from record to record.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** The last entry of a log. Of all members' logs the one that ends last has everything that was ever agreed on. */
export interface LogEnd {
  readonly term: bigint;
  readonly index: bigint;
}

const TYPE = { entry: 2n, state: 3n, snapshot: 5n } as const;
/** Fields of entries and snapshots, and of the state. */
const FIELD = { entry: { term: 2, index: 3 }, snapshot: { index: 1, term: 2 }, state: { term: 1, vote: 2, commit: 3 } };
const WORD = 8;
/** Segments that are read: the last one may have begun just now. */
const SEGMENTS = 2;
const CASTAGNOLI = 0x82f63b78;

interface Tail {
  end: LogEnd | undefined;
  state: Fields;
  checksum: number;
  /** Where the next record goes, in the last segment. */
  offset: number;
}

type Fields = ReadonlyMap<number, bigint | Uint8Array>;

/**
 * How far a member's log goes.
 *
 * @param directory the member's `wal`
 * @returns undefined when there is no entry
 * @throws {InputError} when it cannot be read as a log
 */
export async function logEnd(directory: string): Promise<LogEnd | undefined> {
  return (await readTail(directory)).tail.end;
}

/**
 * Notes that all of the log is agreed on, so that a member that starts alone keeps it: of itself it keeps only what it
 * has noted before, which may lack the last acknowledged writes. The member must not run.
 */
export async function agreeOnAll(directory: string): Promise<void> {
  const { path, tail: { end, state, checksum, offset } } = await readTail(directory);
  if (!end || number(state, FIELD.state.commit) >= end.index) return;
  const term = [number(state, FIELD.state.term), end.term].reduce((a, b) => a > b ? a : b);
  const values = [[FIELD.state.term, term], [FIELD.state.vote, number(state, FIELD.state.vote)], [
    FIELD.state.commit,
    end.index,
  ]];
  const data = values.flatMap(([field, value]) => [Number(field) << 3, ...varint(BigInt(value ?? 0))]);
  const sum = crc(checksum, Uint8Array.from(data));
  const record = [1 << 3, ...varint(TYPE.state), 2 << 3, ...varint(BigInt(sum)), (3 << 3) | 2, data.length, ...data];
  const padding = (WORD - record.length % WORD) % WORD;
  const frame = new Uint8Array(WORD + record.length + padding);
  const flags = padding === 0 ? 0n : (0x80n | BigInt(padding)) << 56n;
  new DataView(frame.buffer).setBigUint64(0, BigInt(record.length) | flags, true);
  frame.set(record, WORD);
  using file = await Deno.open(path, { write: true });
  await file.seek(offset, Deno.SeekMode.Start);
  for (let written = 0; written < frame.length;) written += await file.write(frame.subarray(written));
  // What a crash has left behind it would be read as the next record.
  await file.truncate(offset + frame.length);
  await file.sync();
}

async function readTail(directory: string): Promise<{ path: string; tail: Tail }> {
  const names = (await Array.fromAsync(Deno.readDir(directory), ({ name }) => name)).filter((name) =>
    name.endsWith(".wal")
  );
  const paths = names.sort().slice(-SEGMENTS).map((name) => `${directory}/${name}`);
  const path = paths.at(-1);
  if (path === undefined) throw new InputError(`${directory} has no log of etcd`);
  let tail: Tail = { end: undefined, state: new Map(), checksum: 0, offset: 0 };
  for (const each of paths) tail = readSegment(await Deno.readFile(each), tail);
  return { path, tail };
}

/** Up to the first record that is not whole: what a crash has left half-written was never answered for. */
function readSegment(bytes: Uint8Array, before: Tail): Tail {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tail = { ...before, offset: 0 };
  while (tail.offset + WORD <= bytes.length) {
    const word = view.getBigUint64(tail.offset, true);
    const length = Number(word & ((1n << 56n) - 1n));
    const padding = word >> 63n === 1n ? Number((word >> 56n) & 7n) : 0;
    const start = tail.offset + WORD;
    if (length === 0 || start + length + padding > bytes.length) break;
    const record = fields(bytes.subarray(start, start + length));
    const data = record?.get(3);
    if (!record) break;
    note(tail, number(record, 1), data instanceof Uint8Array ? data : new Uint8Array());
    tail.checksum = Number(number(record, 2));
    tail.offset = start + length + padding;
  }
  return tail;
}

function note(tail: Tail, type: bigint, data: Uint8Array): void {
  const found = fields(data);
  if (!found) return;
  if (type === TYPE.state) tail.state = found;
  if (type !== TYPE.entry && type !== TYPE.snapshot) return;
  const { term, index } = type === TYPE.entry ? FIELD.entry : FIELD.snapshot;
  const end = { term: number(found, term), index: number(found, index) };
  // A later entry of the same place replaces an earlier one with all that follow; a snapshot replaces nothing.
  if (type === TYPE.entry || end.index > (tail.end?.index ?? 0n)) tail.end = end;
}

/** The fields of a message by their numbers; undefined for what is none. */
function fields(bytes: Uint8Array): Fields | undefined {
  const found = new Map<number, bigint | Uint8Array>();
  let at = 0;
  const read = (): bigint | undefined => {
    for (let value = 0n, shift = 0n; at < bytes.length && shift < 70n; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    return undefined;
  };
  while (at < bytes.length) {
    const [tag, value] = [read(), read()];
    if (tag === undefined || value === undefined) return undefined;
    const [field, kind] = [Number(tag >> 3n), tag & 7n];
    if (kind === 0n) found.set(field, value);
    else if (kind === 2n && at + Number(value) <= bytes.length) {
      found.set(field, bytes.subarray(at, at += Number(value)));
    } else return undefined;
  }
  return found;
}

function number(found: Fields, field: number): bigint {
  const value = found.get(field);
  return typeof value === "bigint" ? value : 0n;
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value;; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** CRC-32C that goes on from another. */
function crc(before: number, data: Uint8Array): number {
  let sum = ~before;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? CASTAGNOLI : 0);
  }
  return ~sum >>> 0;
}
