/**
 * What the units of an application know and nobody else.
 *
 * @module
 */
import type { Context, Relation, SecretContent } from "../../mod.ts";

/** Key in the application's databag of its peer relation. */
const SECRET = "torture-secret";

/** A secret as it is known. */
interface Known {
  readonly uri: string;
  readonly content: SecretContent;
}

/**
 * The application's secret; undefined until the leader has made it.
 *
 * @param peers the relation of the units among each other
 */
export async function knownSecret(ctx: Context, peers: Relation): Promise<Known | undefined> {
  const uri = (await peers.app())[SECRET];
  return uri === undefined ? undefined : { uri, content: await ctx.secrets.get(uri, "refresh") };
}

/**
 * Makes the secret on the leader.
 *
 * @returns its content, which nobody knows before the hook commits
 */
export async function makeSecret(ctx: Context, peers: Relation, content: SecretContent): Promise<SecretContent> {
  peers.localApp.set({ [SECRET]: await ctx.secrets.add(content) });
  return content;
}
