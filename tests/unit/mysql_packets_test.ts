/** Servers whose packets make no sense: the driver would print what it thinks of them, and believe some. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ReplyError, UnreachableError } from "../../interfaces/clients/errors.ts";
import { connectMysql, type MysqlPlace } from "../../interfaces/clients/mysql/connection.ts";
import { sql } from "../../interfaces/clients/mysql/quoting.ts";
import { keepConsole } from "../fuzz/console.ts";
import {
  against,
  type Connection,
  errorPacket,
  greeting,
  okPacket,
  resultPackets,
  serving,
} from "../real/mysql/simulated_server.ts";

const connect = (at: MysqlPlace) => connectMysql({ at, user: "u", password: "p", timeoutMs: 30_000 });

const ANSWERS: Readonly<Record<string, (connection: Connection) => Promise<void>>> = {
  "an OK with another number": (connection) => connection.send(7, okPacket),
  "an OK with a count that is none": (connection) => connection.send(1, new Uint8Array([0, 0xff, 0, 0, 0, 0, 0])),
  "rows that all have one number": async (connection) => {
    for (const each of resultPackets({ charset: 33, type: 253 }, "x")) await connection.send(1, each);
  },
};

for (const [what, answer] of Object.entries(ANSWERS)) {
  Deno.test(`mysql: ${what} is one error, and nothing is printed`, async () => {
    using printed = keepConsole();
    await against(serving((_, connection) => answer(connection)), async (at) => {
      await using db = await connect(at);
      const error = await assertRejects(() => db.run("change something", sql`X`), ReplyError, "not MySQL as expected");
      assert(error.outcomeUnknown);
      await assertRejects(() => db.query("look", sql`X`), UnreachableError);
    });
    assertEquals(printed.lines, []);
  });
}

Deno.test("mysql: a login that is answered out of turn is refused, and nothing is printed", async () => {
  using printed = keepConsole();
  await against(async (_, connection) => {
    await connection.send(0, greeting());
    await connection.send(9, okPacket);
  }, (at) => assertRejects(() => connect(at), ReplyError, "not MySQL as expected"));
  assertEquals(printed.lines, []);
});

Deno.test("mysql: a server that ends a session says so out of turn, and nothing is printed", async () => {
  using printed = keepConsole();
  await against(serving((_, connection) => connection.send(0, errorPacket(4031, "idle"))), async (at) => {
    await using db = await connect(at);
    await assertRejects(() => db.query("look", sql`X`), UnreachableError, "4031");
  });
  assertEquals(printed.lines, []);
});
