/**
 * New passwords of the example charm `mysql`: who takes them, and where they must not show.
 *
 * @module
 */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "node:path";
import { checkPassword } from "../../../interfaces/clients/mysql/accounts.ts";
import type { Lab } from "../units.ts";
import { completed } from "../tasks.ts";
import { killServer } from "./formation.ts";

/** Passwords of the cluster's own users. */
export interface Passwords {
  readonly clusteruser: string;
  readonly clusterrecovery: string;
}

const NOTHING = ["true"];
const LOGS = /^(?:binlog|relay-bin[^.]*)\.\d+$/;

/** The passwords that the leader has made: in the application's secret, or its databag where Juju has no secrets. */
export function passwordsOf({ model: { world } }: Lab): Passwords {
  const [secret] = Object.values(world.secrets);
  const [relation] = Object.values(world.relations);
  const bag = relation?.appBags.mysql?.passwords;
  const decoded = Object.entries(secret?.revisions.at(-1)?.content ?? {}).map(([key, value]) => [key, atob(value)]);
  const content: Readonly<Record<string, string>> = bag === undefined ? Object.fromEntries(decoded) : JSON.parse(bag);
  const { "cluster-password": clusteruser = "", "recovery-password": clusterrecovery = "" } = content;
  assert(clusteruser.length === 32 && clusterrecovery.length === 32, "there are passwords");
  return { clusteruser, clusterrecovery };
}

/**
 * Makes new passwords.
 *
 * @param leader the unit that leads
 * @returns the old ones and the new ones
 */
export async function renew(lab: Lab, leader: string): Promise<readonly [Passwords, Passwords]> {
  const old = passwordsOf(lab);
  await completed(lab.model.run(leader, "set-password"));
  const now = passwordsOf(lab);
  assertNotEquals(now, old);
  return [old, now];
}

/** From now on a unit's machine is away: its hooks do nothing, and its server is down. */
export async function takeAway(lab: Lab, unit: string): Promise<Disposable> {
  lab.intercept = (each, command) => each === unit ? NOTHING : command;
  await killServer(lab, unit);
  return {
    [Symbol.dispose]() {
      lab.intercept = undefined;
    },
  };
}

/** Fails unless a unit's server, by its own tables, knows these passwords. @param right whether it is to take them */
export async function assertKnown(lab: Lab, unit: string, passwords: Passwords, right: boolean): Promise<void> {
  const at = { socketPath: join(lab.unitDirectory(unit), "run/mysqld.sock") };
  for (const [user, password] of Object.entries(passwords)) {
    assertEquals(await checkPassword({ at, user, password, timeoutMs: 20_000 }), right, `${user} at ${unit}`);
  }
}

/** Fails when a password is in a binary or relay log, or in what a server writes about itself. */
export async function assertNotLogged(lab: Lab, unit: string, passwords: readonly string[]): Promise<void> {
  const directory = lab.unitDirectory(unit);
  const files = await Array.fromAsync(Deno.readDir(join(directory, "data")));
  const logs = files.filter(({ name }) => LOGS.test(name)).map(({ name }) => `data/${name}`);
  assert(logs.some((name) => name.startsWith("data/binlog")), "there are binary logs");
  for (const log of [...logs, "log/error.log"]) {
    const text = new TextDecoder("latin1").decode(await Deno.readFile(join(directory, log)));
    for (const password of passwords) assert(!text.includes(password), `${log} of ${unit} has a password in it`);
  }
}
