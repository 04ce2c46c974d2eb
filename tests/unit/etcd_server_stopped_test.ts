/** What a client is told by an etcd server that stops, or whose member was removed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { RefusedError } from "../../interfaces/clients/errors.ts";
import { refusal } from "../../interfaces/clients/etcd/answer.ts";

const WORDS: readonly (readonly [code: number, message: string])[] = [
  [2, "raft: stopped"],
  [14, "etcdserver: server stopped"],
  [2, "the member has been permanently removed from the cluster"],
  [1, "grpc: the client connection is closing"],
  [14, "transport is closing"],
  [2, "etcdserver: request cancelled"],
];

Deno.test("etcd server: one that stops or was removed says to try again; nobody knows what it still did", () => {
  for (const [code, message] of WORDS) {
    const { error, next } = refusal(code, message, []);
    assert(error instanceof RefusedError, message);
    assertMatch(error.message, /stopping, or was removed.*try again/, message);
    assertEquals(next, "unknown", message);
  }
});
