/**
 * The few facts of an X.509 certificate that decide whether Deno's TLS can use it at all.
 *
 * @module
 */

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
  /** Offset of what follows. */
  readonly end: number;
}

const TAG = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30 } as const;
const VERSION = 0xa0;
const EXTENSIONS = 0xa3;
/** Version 3, as it is written. */
const VERSION_3 = [TAG.integer, 1, 2].join(".");
const MAX_SERIAL_BYTES = 20;
/** The extensions (below 2.5.29) that webpki reads, and how the value of each begins. */
const UNDERSTOOD: ReadonlyMap<string, number> = new Map(
  [15, 17, 19, 30, 31, 37].map((last) => [[0x55, 0x1d, last].join("."), last === 15 ? TAG.bits : TAG.sequence]),
);

/** Whether bytes are exactly one DER sequence. */
export function isOneSequence(der: Uint8Array): boolean {
  const element = readElement(der, 0);
  return element?.tag === TAG.sequence && element.end === der.length;
}

/**
 * Tells why Deno's TLS (rustls with webpki) cannot use a certificate as a client's: it ends the whole process over a
 * certificate that is not version 3, has a critical or repeated extension that it does not know, or is no strict DER.
 *
 * @returns the reason, or undefined when there is none
 */
export function whyUnusable(der: Uint8Array): string | undefined {
  const certificate = isOneSequence(der) ? readElement(der, 0) : undefined;
  const [body, algorithm, signature, ...rest] = certificate ? children(certificate.content) ?? [] : [];
  const fields = body?.tag === TAG.sequence ? children(body.content) : undefined;
  if (!fields || algorithm?.tag !== TAG.sequence || signature?.tag !== TAG.bits || rest.length > 0) {
    return "cannot be read";
  }
  const [version, serial, signed, ...others] = fields;
  if (version?.tag !== VERSION || version.content.join(".") !== VERSION_3) {
    return "is not an X.509 version 3 certificate";
  }
  if (serial?.tag !== TAG.integer || serial.content.length > MAX_SERIAL_BYTES) {
    return "has a serial number that is wrong";
  }
  if (
    signed?.tag !== TAG.sequence || signed.content.join(".") !== algorithm.content.join(".") ||
    signature.content[0] !== 0
  ) {
    return "is signed in a way that is not supported";
  }
  const names = others.slice(0, 4);
  const [extensions, ...more] = others.slice(4);
  if (names.length < 4 || names.some(({ tag }) => tag !== TAG.sequence) || more.length > 0) return "cannot be read";
  if (!extensions) return undefined;
  return extensions.tag === EXTENSIONS ? whyExtensions(extensions.content) : "cannot be read";
}

function whyExtensions(content: Uint8Array): string | undefined {
  if (!isOneSequence(content)) return "cannot be read";
  const seen = new Set<string>();
  for (const extension of children(readElement(content, 0)?.content ?? content) ?? [undefined]) {
    const parts = extension?.tag === TAG.sequence ? children(extension.content) : undefined;
    const [id, ...rest] = parts ?? [];
    const critical = rest.length === 2 ? rest[0] : undefined;
    const value = rest.at(-1);
    if (id?.tag !== TAG.oid || value?.tag !== TAG.octets || rest.length > 2) return "has a damaged extension";
    if (critical && (critical.tag !== TAG.boolean || critical.content.join() !== "255")) {
      return "has a damaged extension";
    }
    const name = id.content.join(".");
    if (seen.has(name)) return "has an extension twice";
    seen.add(name);
    const begin = UNDERSTOOD.get(name);
    if (begin === undefined && critical) return "has a critical extension that is not supported";
    const inner = begin === undefined ? undefined : readElement(value.content, 0);
    if (begin !== undefined && (inner?.tag !== begin || inner.end !== value.content.length)) {
      return "has a damaged extension";
    }
    if (inner?.tag === TAG.bits && !isWholeBits(inner.content)) return "has a damaged extension";
  }
  return undefined;
}

/** Whether the unused bits at the end of a bit string are as many as it says, and zero. */
function isWholeBits([unused = 8, ...bytes]: Uint8Array): boolean {
  return unused < 8 && bytes.length > 0 && ((bytes.at(-1) ?? 0) & ((1 << unused) - 1)) === 0;
}

function children(content: Uint8Array): Element[] | undefined {
  const elements: Element[] = [];
  for (let at = 0; at < content.length;) {
    const element = readElement(content, at);
    if (!element) return undefined;
    elements.push(element);
    at = element.end;
  }
  return elements;
}

function readElement(bytes: Uint8Array, at: number): Element | undefined {
  const [tag, short] = [bytes[at], bytes[at + 1]];
  if (tag === undefined || short === undefined) return undefined;
  const lengthBytes = short < 0x80 ? 0 : short - 0x80;
  if (short === 0x80 || lengthBytes > 3) return undefined;
  let length = short < 0x80 ? short : 0;
  for (let i = 0; i < lengthBytes; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0);
  // DER allows only the shortest way to write a length.
  if (lengthBytes > 0 && (length < 0x80 || length < 256 ** (lengthBytes - 1))) return undefined;
  const start = at + 2 + lengthBytes;
  if (start + length > bytes.length) return undefined;
  return { tag, content: bytes.subarray(start, start + length), end: start + length };
}
