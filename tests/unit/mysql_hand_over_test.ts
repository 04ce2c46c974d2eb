/** A primary that goes hands over, also when the first heir goes too. */
import { assertEquals } from "@std/assert";
import type { Context } from "../../hooks/context.ts";
import { RefusedError } from "../../interfaces/clients/errors.ts";
import type { Mysql, Row } from "../../interfaces/clients/mysql/connection.ts";
import { Sql } from "../../interfaces/clients/mysql/quoting.ts";
import { handOver } from "../../interfaces/mysql_innodb_cluster/server/hand_over.ts";

const uuidOf = (number: number): string => `00000000-0000-4000-8000-00000000000${number}`;

/** Hands over from the first of some servers. @returns who was asked, who leads then, and the number of warnings */
async function goes(servers: number, refuses: (uuid: string) => boolean) {
  let primary = uuidOf(1);
  let members = Array.from({ length: servers }, (_, index) => uuidOf(index + 1));
  const asked: string[] = [];
  const rows = (): Row[] =>
    members.map((id, index) => ({
      id,
      host: "127.0.0.1",
      port: `${index + 1}`,
      state: "ONLINE",
      role: id === primary ? "PRIMARY" : "SECONDARY",
      version: "9.7.4",
      self: uuidOf(1),
      read_only: "0",
    }));
  const db: Mysql = {
    endpoint: "127.0.0.1:1",
    query: () => Promise.resolve(rows()),
    run: (_operation, statement) => {
      const heir = members.find((each) => Sql.textOf(statement).includes(each)) ?? "";
      asked.push(heir);
      if (refuses(heir)) {
        members = members.filter((each) => each !== heir);
        return Promise.reject(new RefusedError("group replication refuses", 3910));
      }
      primary = heir;
      return Promise.resolve();
    },
    close: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  let warnings = 0;
  await handOver({ log: { warning: () => void warnings++ } } as unknown as Context, db);
  return [asked, primary, warnings];
}

Deno.test("a primary that goes hands over to the next when its heir goes too, and gives up in the end", async () => {
  assertEquals(await goes(3, () => false), [[uuidOf(2)], uuidOf(2), 0]);
  assertEquals(await goes(3, (heir) => heir === uuidOf(2)), [[uuidOf(2), uuidOf(3)], uuidOf(3), 1]);
  assertEquals(await goes(9, () => true), [[uuidOf(2), uuidOf(3), uuidOf(4)], uuidOf(1), 3]);
  assertEquals(await goes(1, () => false), [[], uuidOf(1), 0]);
});
