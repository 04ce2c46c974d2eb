/**
 * What a secret holds, or the databag that stands for it where Juju has no secrets.
 *
 * @module
 */
import type { Context } from "../hooks/context.ts";
import { NotFoundError, PermissionDeniedError } from "../hooks/errors.ts";

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
