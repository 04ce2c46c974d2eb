/**
 * What a secret holds, or the databag that stands for it where Juju has no secrets.
 *
 * @module
 */
import type { Context } from "../hooks/context.ts";
import { NotFoundError, PermissionDeniedError } from "../hooks/errors.ts";
import type { SecretEvent } from "../hooks/event.ts";
import { isText } from "./remembered.ts";

/** Revisions of which it is remembered that they were removed. */
const MAX_REMOVED = 50;

/** The newest content of a secret; nothing when it is gone or not for this unit. */
export async function readSecret(ctx: Context, uri: string): Promise<Readonly<Record<string, string>>> {
  try {
    return await ctx.secrets.get(uri, "refresh");
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof PermissionDeniedError) return {};
    throw error;
  }
}

/** The texts in a JSON object of a databag; nothing when it is something else. */
export function readTexts(json: string | undefined): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(json ?? "{}");
    const entries = Object.entries(typeof value === "object" && value !== null ? value : {});
    return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  } catch {
    return {};
  }
}

/**
 * secret-remove: removes a revision that nobody uses any more. A hook that was killed after its commit runs again, and
 * Juju would refuse it for ever: a revision that is gone cannot be removed.
 */
export function removeRevision(ctx: Context<SecretEvent>): void {
  const { secretId, revision } = ctx.event;
  const stored = ctx.storedAs("secrets:removed");
  const removed = stored.get<readonly string[]>([], (value) => Array.isArray(value) ? value.filter(isText) : []);
  const entry = `${secretId} ${revision}`;
  if (removed.includes(entry)) return;
  ctx.secrets.remove(secretId, revision);
  stored.set([...removed, entry].slice(-MAX_REMOVED));
}
