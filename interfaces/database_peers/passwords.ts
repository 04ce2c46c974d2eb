/**
 * Users of the cluster and their passwords, which the leader makes once.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Relation } from "../../hooks/relation.ts";
import type { Login } from "../clients/patroni/settings.ts";
import { ContractError } from "./bags.ts";
import { TEXTS } from "./texts.ts";
import { readValues, writeValues } from "./vault.ts";

/** Who has a password: the superuser, two users of the members among each other, the REST API and Raft. */
export const USERS = ["operator", "replication", "rewind", "patroni", "raft"] as const;

/** One of them. */
export type User = typeof USERS[number];

/** Those that the server knows from its beginning. */
const SERVERS: readonly User[] = ["operator", "replication", "rewind"];

/** A password for each. */
export type Passwords = Readonly<Record<User, string>>;

const LENGTH = 32;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** All passwords; undefined until the leader has made them. */
export async function readPasswords(ctx: Context, relation: Relation): Promise<Passwords | undefined> {
  const values = await readValues(ctx, relation, "application");
  const found = USERS.map((user) => [user, values[keyOf(user)]] as const);
  if (found.some(([, password]) => password === undefined)) return undefined;
  return Object.fromEntries(found) as Passwords;
}

/**
 * Makes the passwords that are missing. The leader calls it.
 *
 * @param initialised whether there is a cluster: its roles have passwords already
 * @returns whether one was missing: nothing may use it before this hook has committed
 * @throws {ContractError} when those cannot be read
 */
export async function ensurePasswords(ctx: Context, relation: Relation, initialised: boolean): Promise<boolean> {
  const values = await readValues(ctx, relation, "application");
  const missing = USERS.filter((user) => values[keyOf(user)] === undefined);
  if (missing.length === 0) return false;
  if (initialised && SERVERS.some((user) => missing.includes(user))) throw new ContractError(TEXTS.passwordsLost);
  const made = missing.map((user) => [keyOf(user), newPassword()]);
  await writeValues(ctx, relation, "application", Object.fromEntries(made));
  return true;
}

/** Keeps another password. The leader calls it. */
export async function changePassword(ctx: Context, relation: Relation, user: User, password: string): Promise<void> {
  await writeValues(ctx, relation, "application", { [keyOf(user)]: password });
}

/** A random password of letters and digits, about 190 bits. */
export function newPassword(): string {
  const chosen: string[] = [];
  while (chosen.length < LENGTH) {
    for (const byte of crypto.getRandomValues(new Uint8Array(LENGTH))) {
      // The rest of the byte's range would make some letters likelier than others.
      const letter = byte < 248 ? LETTERS[byte % LETTERS.length] : undefined;
      if (letter !== undefined && chosen.length < LENGTH) chosen.push(letter);
    }
  }
  return chosen.join("");
}

/** A user with its password. */
export function loginOf(user: User, passwords: Passwords): Login {
  return { username: user, password: passwords[user] };
}

function keyOf(user: User): string {
  return `${user}-password`;
}
