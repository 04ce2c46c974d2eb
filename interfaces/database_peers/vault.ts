/**
 * Secret values of the application or of this unit: in a secret of Juju whose URI is in the databag, and under keys of the
 * databag where Juju has no secrets.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { NotFoundError, PermissionDeniedError } from "../../hooks/errors.ts";
import type { BagData, LocalBag, Relation } from "../../hooks/relation.ts";
import { text } from "../databag.ts";
import { APP, APP_VALUES, SECRET_FIELD, UNIT_VALUES } from "./keys.ts";

/** Whose values. */
export type Owner = "application" | "unit";

/** Values by the names of the databag's keys. */
export type Values = Readonly<Record<string, string>>;

const FIRST_WITH_SECRETS = 3;

/**
 * Values that were kept; empty when there are none, or the secret cannot be read yet.
 *
 * @param owner the application's are read by every unit
 */
export async function readValues(ctx: Context, relation: Relation, owner: Owner): Promise<Values> {
  const bag = await bagOf(relation, owner).get();
  const names = namesOf(owner);
  const inBag = pick(bag, names, (name) => name);
  const uri = text(bag, APP.secret, undefined, 200);
  for (const value of Object.values(inBag)) ctx.mask(value);
  if (uri === undefined) return inBag;
  return { ...inBag, ...pick(await content(ctx, uri), names, fieldOf) };
}

/**
 * Changes values; undefined takes one away. Effective with the commit of the hook.
 *
 * @param owner only the leader changes the application's
 */
export async function writeValues(
  ctx: Context,
  relation: Relation,
  owner: Owner,
  changes: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const bag = bagOf(relation, owner);
  for (const value of Object.values(changes)) if (value !== undefined) ctx.mask(value);
  if (!hasSecrets(ctx)) {
    bag.set(changes);
    return;
  }
  const before = await readValues(ctx, relation, owner);
  const after = Object.entries({ ...before, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : [[fieldOf(name), value] as const]
  );
  const uri = text(await bag.get(), APP.secret, undefined, 200);
  // A key that an older Juju left in the databag moves into the secret.
  const cleared = Object.fromEntries(namesOf(owner).map((name) => [name, undefined]));
  if (after.length === 0) {
    if (uri !== undefined) ctx.secrets.remove(uri);
    bag.set({ ...cleared, [APP.secret]: undefined });
  } else if (uri === undefined) {
    bag.set({ ...cleared, [APP.secret]: await ctx.secrets.add(Object.fromEntries(after), { owner }) });
  } else {
    ctx.secrets.set(uri, Object.fromEntries(after));
    bag.set(cleared);
  }
}

/** Whether Juju keeps secrets. */
export function hasSecrets({ jujuVersion }: Pick<Context, "jujuVersion">): boolean {
  return Number.parseInt(jujuVersion, 10) >= FIRST_WITH_SECRETS;
}

/** A revision that is written in this hook can be read in it, too; one that was just made only as it is tracked. */
async function content(ctx: Context, uri: string): Promise<BagData> {
  for (const mode of ["refresh", "tracked"] as const) {
    try {
      return await ctx.secrets.get(uri, mode);
    } catch (error) {
      if (!(error instanceof NotFoundError || error instanceof PermissionDeniedError)) throw error;
    }
  }
  return {};
}

function bagOf(relation: Relation, owner: Owner): LocalBag {
  return owner === "application" ? relation.localApp : relation.local;
}

function namesOf(owner: Owner): readonly string[] {
  return owner === "application" ? APP_VALUES : UNIT_VALUES;
}

function fieldOf(name: string): string {
  return SECRET_FIELD[name] ?? name;
}

function pick(data: BagData, names: readonly string[], field: (name: string) => string): Values {
  const found = names.flatMap((name) => {
    const value = text(data, field(name));
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(found);
}
