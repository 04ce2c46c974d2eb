/**
 * What the unit agent answers, as bytes on its socket.
 *
 * @module
 */
import fc from "fast-check";
import type { AgentError } from "../../hooks/errors.ts";
import { RpcClient, type RpcReply } from "../../hooks/juju/agent_rpc.ts";
import { GobEncoder, type GobValue } from "../../hooks/juju/gob.ts";
import { connectAgent } from "../../hooks/juju/agent_socket.ts";
import { environment } from "../unit/agent_helpers.ts";
import { attempt, CANARY, type Surface, surface, type Verdict, worst } from "./surface.ts";
import { damagedBytes, texts } from "./values.ts";

interface Vector {
  readonly calls: readonly { readonly server_to_client_hex: string }[];
}

/** What an agent sent in the recorded connections, each as one stream. */
function recordedStreams(): Uint8Array[] {
  const path = new URL("../conformance/data/jujuc-gob-vectors.json", import.meta.url);
  const { cases } = JSON.parse(Deno.readTextFileSync(path)) as { cases: readonly Vector[] };
  return cases.map(({ calls }) => Uint8Array.fromHex(calls.map((call) => call.server_to_client_hex).join("")));
}

interface Stream {
  readonly bytes: Uint8Array;
  /** How many calls are under way. */
  readonly calls: number;
  /** Sizes of the pieces in which the bytes arrive. */
  readonly pieces: readonly number[];
}

function streams(): fc.Arbitrary<Stream> {
  const recorded = fc.constantFrom(...recordedStreams());
  return fc.record({
    bytes: fc.oneof(
      { weight: 4, arbitrary: damagedBytes(recorded) },
      { weight: 4, arbitrary: encoded() },
      { weight: 1, arbitrary: fc.uint8Array() },
    ),
    calls: fc.nat(4),
    pieces: fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 5 }),
  });
}

const KINDS = ["string", "uint", "int", "bool", "bytes", "strings"] as const;
const OF_KIND: Readonly<Record<typeof KINDS[number], () => fc.Arbitrary<GobValue>>> = {
  string: texts,
  uint: () => fc.oneof(fc.nat(4), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  int: () => fc.oneof(fc.integer(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  bool: fc.boolean,
  bytes: () => fc.uint8Array(),
  strings: () => fc.array(texts(), { maxLength: 3 }),
};

/** Well-formed messages: headers and bodies as they should be, and some with other fields or types. */
function encoded(): fc.Arbitrary<Uint8Array> {
  const field = (name: string, usual: typeof KINDS[number], value = OF_KIND[usual]()) => {
    const odd = fc.constantFrom(...KINDS).chain((kind) => OF_KIND[kind]().map((each) => [name, kind, each] as const));
    const good = value.map((each) => [name, usual, each] as const);
    return fc.oneof({ weight: 20, arbitrary: good }, { weight: 1, arbitrary: odd });
  };
  const error = fc.oneof({ weight: 3, arbitrary: fc.constant("") }, texts());
  const header = fc.tuple(
    field("ServiceMethod", "string"),
    field("Seq", "uint", fc.nat(3)),
    field("Error", "string", error),
  );
  const body = fc.tuple(field("Code", "int", fc.nat(2)), field("Stdout", "bytes"), field("Stderr", "bytes"));
  const replies = fc.array(fc.tuple(header, body), { maxLength: 3 });
  return replies.map((all) => {
    const encoder = new GobEncoder();
    for (const fields of all.flat()) {
      const schema = { name: "", fields: Object.fromEntries(fields.map(([name, kind]) => [name, kind])) };
      encoder.write(schema, Object.fromEntries(fields.map(([name, , value]) => [name, value])));
    }
    return encoder.take();
  });
}

function* cut(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const size of sizes) yield bytes.subarray(at, at += size);
  yield bytes.subarray(at);
}

const REQUEST = {
  contextId: "app/0-start-1",
  dir: "/charm",
  command: "is-leader",
  args: [],
  stdinSet: false,
  stdin: new Uint8Array(),
  token: CANARY,
};

async function receive({ bytes, calls, pieces }: Stream): Promise<Verdict> {
  const client = new RpcClient();
  const replies = Array.from({ length: calls }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<RpcReply>();
    client.send(REQUEST, { resolve, reject });
    return attempt(() => promise);
  });
  client.take();
  const received = await attempt(() => {
    for (const piece of cut(bytes, pieces)) client.receive(piece);
  });
  client.fail(received.verdict === "refused" ? received.error as AgentError : client.endOfStream());
  const results = await Promise.all(replies);
  return worst([received, ...results]);
}

async function talk({ bytes, calls, pieces }: Stream): Promise<Verdict> {
  const address = `@/charmlet-fuzz/${crypto.randomUUID()}`;
  const listener = Deno.listen({ transport: "unix", path: `\0${address.slice(1)}` });
  const peer = (async () => {
    using stream = await listener.accept();
    await stream.read(new Uint8Array(65_536)).catch(() => null);
    for (const piece of cut(bytes, pieces)) {
      for (let at = 0; at < piece.length;) at += await stream.write(piece.subarray(at));
    }
  })().catch(() => {});
  const agent = await connectAgent(environment(address));
  try {
    const results = await Promise.all(
      Array.from({ length: calls + 1 }, () => attempt(() => agent.run("is-leader", []))),
    );
    return worst(results);
  } finally {
    agent.close();
    await peer;
    listener.close();
  }
}

/** The surfaces. */
export const AGENT_SURFACES: readonly Surface[] = [
  surface("agent: bytes of the protocol", streams, receive),
  surface("agent: bytes on its socket", streams, talk),
];
