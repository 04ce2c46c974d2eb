/**
 * Another password for one of PostgreSQL's own roles. The server has it at once, Juju only when the action commits: a file
 * of this unit tells of a change that may not have been committed, and the next hook takes such a change back.
 *
 * @module
 */
import { deferred, type Outcome } from "../../hooks/outcome.ts";
import { AuthenticationError, ClientError } from "../clients/errors.ts";
import { writeFileAtomically } from "../clients/files.ts";
import { type ClusterMember, leads } from "../clients/patroni/values.ts";
import { openPostgres } from "../clients/postgresql/client.ts";
import { authorityOf } from "./identity.ts";
import type { RealWorld } from "./open_world.ts";
import { USERS } from "./passwords.ts";
import { TEXTS } from "./texts.ts";

/** A change that was begun. */
interface Change {
  readonly user: string;
  readonly password: string;
}

const MAX_PASSWORD = 100;
/** Milliseconds for a connection and for each statement. */
const SERVER_MS = 2000;
const LEAST_MS = 500;

/**
 * Gives a role another password. The caller keeps it in the same hook. A change that was not committed is taken back first.
 *
 * @param primary the member that takes writes
 * @throws {ClientError} when the server does not do it
 */
export async function changeRolePassword(world: RealWorld, primary: ClusterMember, change: Change): Promise<void> {
  const undone = await undoPasswordChange(world);
  if (undone?.kind === "deferred") throw new ClientError(`${undone.reason}; try again later`);
  await writeFileAtomically(world.place.passwordChange, JSON.stringify(change), { mode: 0o600 });
  await setPassword(world, primary, change, world.passwords?.operator ?? "");
}

/** Takes back a change that was begun and not committed; undefined when that is done, or it was committed. */
export async function undoPasswordChange(world: RealWorld): Promise<Outcome | undefined> {
  const { ctx, passwords, patroni, place } = world;
  if (!passwords) return undefined;
  const change = await readChange(place.passwordChange);
  const kept = change && new Map<string, string>(Object.entries(passwords)).get(change.user);
  if (change && kept !== undefined && kept !== change.password) {
    ctx.mask(change.password);
    const primary = (await patroni.cluster())?.members.find(({ role }) => leads(role));
    if (!primary) return deferred(TEXTS.noPrimary);
    const before = { user: change.user, password: kept };
    try {
      try {
        await setPassword(world, primary, before, passwords.operator);
      } catch (error) {
        if (!(error instanceof AuthenticationError) || change.user !== "operator") throw error;
        await setPassword(world, primary, before, change.password);
      }
    } catch (error) {
      if (error instanceof ClientError) return deferred(TEXTS.passwordNotUndone(change.user, error.message));
      throw error;
    }
    ctx.log.warning(`${change.user} has its old password again: set-password ended before it was done`);
  }
  // Most often there is none.
  await Deno.remove(place.passwordChange).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  return undefined;
}

async function setPassword(
  { budget, ctx, juju, options, place, relation }: RealWorld,
  { host = "", name }: ClusterMember,
  { user, password }: Change,
  operator: string,
): Promise<void> {
  const ca = options.tls ? await authorityOf(ctx, relation) : undefined;
  const at = (await juju.self()).member === name
    ? { socketDirectory: place.sockets, port: options.port }
    : { host, port: options.port, ...ca === undefined ? {} : { ca } };
  const timeoutMs = Math.max(budget.leftMs(SERVER_MS), LEAST_MS);
  await using server = await openPostgres({ at, user: "operator", password: operator, timeoutMs });
  await server.setPassword(user, password);
}

async function readChange(path: string): Promise<Change | undefined> {
  try {
    const { user, password } = Object(JSON.parse(await Deno.readTextFile(path)));
    const isChange = USERS.includes(user) && typeof password === "string" && password.length <= MAX_PASSWORD;
    return isChange ? { user, password } : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
