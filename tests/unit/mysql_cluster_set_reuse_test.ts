/** Connections that are used again, and when they are not. */
import { assertEquals, assertRejects } from "@std/assert";
import { UnreachableError } from "../../interfaces/clients/errors.ts";
import { lockSet } from "../../interfaces/clients/mysql/cluster_set/lock.ts";
import { executedSet } from "../../interfaces/clients/mysql/cluster_set/modes.ts";
import { reuseConnections } from "../../interfaces/clients/mysql/cluster_set/reuse.ts";
import { scripted, unreachable } from "./mysql_cluster_set_script.ts";

const A = { host: "127.0.0.1", port: 1 };
const B = { host: "127.0.0.1", port: 2 };
const CHECK = "a: look whether the connection is still there";

/** Servers whose statements fail while they are named in `failing`. */
function servers() {
  const failing = new Set<string>();
  const world = scripted({ a: { view: 1, primary: "a" }, b: { view: 1, primary: "a" } }, (operation) => {
    if (failing.has(operation)) throw unreachable("127.0.0.1:1");
  });
  let closed = 0;
  const limits: unknown[] = [];
  const connect: typeof world.access.connect = async (...where) => {
    const db = await world.access.connect(...where);
    const close = () => Promise.resolve(void closed++);
    const query: typeof db.query = (operation, statement, options) => {
      if (!operation.startsWith("look whether")) limits.push(options?.timeoutMs);
      return db.query(operation, statement, options);
    };
    return { ...db, query, close, [Symbol.asyncDispose]: close };
  };
  return { ...world, connect, failing, limits, closed: () => closed };
}

Deno.test("cluster set: a connection is used again for the same server, one at a time, and ends at last", async () => {
  const world = servers();
  {
    await using reused = reuseConnections(world.connect, 20_000);
    for (const address of [A, A, B, A]) {
      await using db = await reused.connect(address, 100);
      await executedSet(db);
    }
    assertEquals([world.attempts, world.closed()], [["a 100", "b 100"], 0]);
    await using _one = await reused.connect(A);
    await using _other = await reused.connect(A);
    assertEquals(world.attempts.length, 3, "the first is in use");
  }
  assertEquals(world.closed(), 3);
});

Deno.test("cluster set: whoever uses a connection again has the usual time, not that of whom it was made for", async () => {
  const world = servers();
  await using reused = reuseConnections(world.connect, 20_000);
  for (const timeoutMs of [100, undefined, 300]) {
    await using db = await reused.connect(A, timeoutMs);
    await executedSet(db);
  }
  assertEquals([world.attempts.length, world.limits], [1, [100, 20_000, 300]]);
});

Deno.test("cluster set: a connection that had an error, or was lost since, is not used again", async () => {
  const world = servers();
  await using reused = reuseConnections(world.connect, 20_000, 0);
  world.failing.add("a: read the executed transactions");
  const first = await reused.connect(A);
  await assertRejects(() => executedSet(first), UnreachableError);
  await first.close();
  await first.close();
  assertEquals(world.closed(), 1);
  world.failing.clear();
  await (await reused.connect(A)).close();
  assertEquals(world.attempts.length, 2);
  world.failing.add(CHECK);
  await using db = await reused.connect(A);
  assertEquals([world.attempts.length, world.closed()], [3, 2]);
  assertEquals(await executedSet(db), "", "the server is there all the same");
});

Deno.test("cluster set: a connection that was used a moment ago is not asked whether it is still there", async () => {
  const world = servers();
  await using reused = reuseConnections(world.connect, 20_000);
  await (await reused.connect(A)).close();
  world.failing.add(CHECK);
  await using db = await reused.connect(A);
  assertEquals([world.attempts.length, world.closed(), await executedSet(db)], [1, 0, ""]);
});

Deno.test("cluster set: the lock has a connection of its own, and ends with it", async () => {
  const world = servers();
  await using reused = reuseConnections(world.connect, 20_000);
  await (await reused.connect(A)).close();
  const { connect, connectAlone } = reused;
  const lock = await lockSet({ ...world.access, connect, connectAlone }, A, "set");
  assertEquals([world.attempts.length, world.closed()], [2, 0]);
  await lock[Symbol.asyncDispose]();
  assertEquals(world.closed(), 1);
});
