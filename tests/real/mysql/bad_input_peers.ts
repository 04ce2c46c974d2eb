/**
 * Peers that run no charm: their databags say what a test wants, and at their addresses is whatever a test puts there.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import type { Lab } from "../units.ts";
import { greeting, packet, writeAll } from "./simulated_server.ts";

/** Keys of a unit's databag as they go over the wire. */
export type Told = Readonly<Record<string, string>>;

/** Longest status that a person would read. */
const MAX_STATUS = 400;

/** From now on these units' hooks do nothing. Actions on them, and what tests tell by them, run as ever. */
export function silence(lab: Lab, puppets: readonly string[]): void {
  lab.intercept = (unit, command, name) => {
    const isHook = puppets.includes(unit) && name !== "juju-exec" && lab.model.world.units[unit] !== undefined;
    const isAction = Object.values(lab.model.world.actions).some((task) =>
      task.unit === unit && task.status === "running"
    );
    return isHook && !isAction ? ["true"] : command;
  };
}

/** Lets a unit tell something, and waits for what the others do about it. Keys that it told before stay. */
export async function tell(lab: Lab, unit: string, told: Told): Promise<void> {
  const file = join(lab.directory, "told.json");
  await Deno.writeTextFile(file, JSON.stringify(told));
  const { code, stderr } = await lab.model.exec(unit, `relation-set -r cluster:0 --file ${file}`);
  assertEquals(code, 0, stderr);
  await lab.model.settle();
}

/** What a unit tells that is ready to be added. */
export function ready(port: number, user: string, password: string): Told {
  return {
    "cluster-address": '"127.0.0.1"',
    "cluster-port": `${port}`,
    "cluster-user": JSON.stringify(user),
    "cluster-password": JSON.stringify(password),
    "unit-configure-ready": "true",
    "unit-clustered": "",
    "cluster-tls": "",
  };
}

/** Fails unless a unit's status is one line for people, of the kind that is expected, and its agent is well. */
export function assertSays(lab: Lab, unit: string, wanted: RegExp): void {
  const status = lab.statusOf(unit);
  assertMatch(status, wanted);
  assertMatch(status, /^(?:active|waiting|blocked): \P{Cc}*$/u);
  assert(status.length < MAX_STATUS, `${status.length} characters: ${status.slice(0, MAX_STATUS)}`);
  assertEquals(lab.model.world.units[unit]?.agentStatus.status, "idle");
}

/** Something at a TCP port of this machine. */
export interface Stranger extends Disposable {
  readonly port: number;
  readonly connections: number;
}

/** What {@linkcode openStranger} does with each connection. */
export const STRANGERS: Readonly<Record<string, (connection: Deno.TcpConn) => Promise<unknown>>> = {
  "a web server": (connection) => writeAll(connection, new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n")),
  "one that hangs up": () => Promise.resolve(),
  "MySQL without TLS": async (connection) => {
    await writeAll(connection, packet(0, greeting()));
    await connection.read(new Uint8Array(1000));
  },
  "MySQL with a broken TLS": async (connection) => {
    const tls = 0x800;
    await writeAll(connection, packet(0, greeting(0x0008_a201 | tls)));
    await connection.read(new Uint8Array(1000));
    await writeAll(connection, crypto.getRandomValues(new Uint8Array(500)));
  },
  "one that says nothing": async (connection) => {
    for (const bytes = new Uint8Array(1000); await connection.read(bytes) !== null;);
  },
};

/** Listens and does one of {@linkcode STRANGERS}; then it closes the connection. */
export function openStranger(behave: (connection: Deno.TcpConn) => Promise<unknown>): Stranger {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let connections = 0;
  const serve = async () => {
    for await (const connection of listener) {
      connections++;
      // A client that has gone away is no failure of the test.
      behave(connection).catch(() => undefined).finally(() => connection.close());
    }
  };
  serve().catch((error) => {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  });
  return {
    port: listener.addr.port,
    get connections() {
      return connections;
    },
    [Symbol.dispose]: () => listener.close(),
  };
}
