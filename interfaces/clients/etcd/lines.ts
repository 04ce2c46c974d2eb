/**
 * Streamed replies of etcd's gateway: one JSON object a line.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";
import { isObject, type JsonObject } from "../http/json.ts";

const LINE_FEED = 10;

/**
 * Reads the lines of a stream as they come.
 *
 * @param maxBytes bytes of the longest line that is read
 * @throws {ReplyError} for a line that is too long or no JSON object
 */
export async function* readLines(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<JsonObject> {
  let chunks: Uint8Array[] = [];
  let size = 0;
  const keep = (bytes: Uint8Array): void => {
    size += bytes.length;
    if (size > maxBytes) throw new ReplyError(`a line of a streamed reply is larger than ${maxBytes} bytes; read less`);
    chunks.push(bytes);
  };
  for await (const chunk of body) {
    let rest = chunk;
    for (let end = rest.indexOf(LINE_FEED); end >= 0; end = rest.indexOf(LINE_FEED)) {
      keep(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      if (size > 0) yield parseLine(chunks);
      chunks = [];
      size = 0;
    }
    keep(rest);
  }
  if (size > 0) throw new ReplyError("a streamed reply ends in the middle of a line; try again");
}

function parseLine(chunks: readonly Uint8Array[]): JsonObject {
  const decoder = new TextDecoder();
  const text = chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch { /* it is told apart below */ }
  throw new ReplyError("a line of a streamed reply is no JSON object; check that the endpoint is etcd's client port");
}
