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
import { ContractError } from "./bags.ts";
import { APP, APP_VALUES, SECRET_FIELD, UNIT_VALUES } from "./keys.ts";
import { TEXTS } from "./texts.ts";

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
  return (await look(ctx, relation, owner)).values;
}

/**
 * Changes values; undefined takes one away. Effective with the commit of the hook.
 *
 * @param owner only the leader changes the application's
 * @throws {ContractError} when the application's secret cannot be read: what is in it would be lost
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
  const { values, uri, readable } = await look(ctx, relation, owner);
  if (!readable && owner === "application" && Object.keys(values).length === 0) {
    throw new ContractError(TEXTS.passwordsLost);
  }
  const after = Object.entries({ ...values, ...changes }).flatMap(([name, value]) =>
    value === undefined ? [] : [[fieldOf(name), value] as const]
  );
  // A key that an older Juju left in the databag moves into the secret.
  const cleared = Object.fromEntries(namesOf(owner).map((name) => [name, undefined]));
  if (after.length === 0) {
    if (uri !== undefined && readable) ctx.secrets.remove(uri);
    bag.set({ ...cleared, [APP.secret]: undefined });
  } else if (uri === undefined || !readable) {
    bag.set({ ...cleared, [APP.secret]: await ctx.secrets.add(Object.fromEntries(after), { owner }) });
  } else {
    ctx.secrets.set(uri, Object.fromEntries(after));
    bag.set(cleared);
  }
}

/** Whether a secret is this unit's own; the leader is told of the application's, too. */
export async function isOwnSecret(ctx: Context, uri: string): Promise<boolean> {
  const [relation] = await ctx.relations();
  return relation !== undefined && (await relation.local.get())[APP.secret] === uri;
}

/** Whether Juju keeps secrets. */
export function hasSecrets({ jujuVersion }: Pick<Context, "jujuVersion">): boolean {
  return Number.parseInt(jujuVersion, 10) >= FIRST_WITH_SECRETS;
}

/** What is kept, and where. */
interface Found {
  readonly values: Values;
  readonly uri: string | undefined;
  /** Whether the secret of the URI, if there is one, could be read. */
  readonly readable: boolean;
}

async function look(ctx: Context, relation: Relation, owner: Owner): Promise<Found> {
  const bag = await bagOf(relation, owner).get();
  const names = namesOf(owner);
  const inBag = pick(bag, names, (name) => name);
  for (const value of Object.values(inBag)) ctx.mask(value);
  const uri = text(bag, APP.secret, undefined, 200);
  const secret = uri === undefined ? {} : await content(ctx, uri);
  return { values: { ...inBag, ...pick(secret ?? {}, names, fieldOf) }, uri, readable: secret !== undefined };
}

/** A revision that is written in this hook can be read in it, too; one that was just made only as it is tracked. */
async function content(ctx: Context, uri: string): Promise<BagData | undefined> {
  for (const mode of ["refresh", "tracked"] as const) {
    try {
      return await ctx.secrets.get(uri, mode);
    } catch (error) {
      if (!(error instanceof NotFoundError || error instanceof PermissionDeniedError)) throw error;
    }
  }
  return undefined;
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
