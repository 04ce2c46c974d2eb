/**
 * Finds the endpoint and the relations that an interface's methods are about.
 *
 * @module
 */
import type { Context } from "../hooks/context.ts";
import { DefinitionError } from "../hooks/errors.ts";
import type { Relation } from "../hooks/relation.ts";

/** An endpoint of the charm. */
export type Endpoint = Relation["endpoint"];

/**
 * The endpoint that is meant: the named one, else the one whose module runs, else the charm's only one of the interface.
 *
 * @param interfaces the interface's name and its aliases
 * @throws {DefinitionError} when there is no such endpoint, or several
 */
export function endpointOf(
  ctx: Context,
  interfaces: readonly string[],
  role: Endpoint["role"],
  name?: string,
): Endpoint {
  const fitting = ctx.charm.endpoints.filter((each) => each.role === role && interfaces.includes(each.interface));
  const wanted = name ?? fitting.find((each) => each.name === ctx.endpoint?.name)?.name;
  const matches = wanted === undefined ? fitting : fitting.filter((each) => each.name === wanted);
  const [match] = matches;
  if (match !== undefined && matches.length === 1) return match;
  const what = `endpoint with role ${role} and interface ${interfaces.join(" or ")}`;
  throw new DefinitionError(
    match === undefined
      ? `metadata.yaml has no ${what}${name === undefined ? "" : ` called ${name}`}`
      : `the charm has ${matches.length} endpoints that could be meant (${
        matches.map((each) => each.name).join(", ")
      }); name one`,
  );
}

/**
 * Relations of an endpoint that go on after this hook, by number. The one that breaks is left out: older agents do not
 * list it, newer ones do, and what is written to it reaches nobody.
 */
export async function livingRelations(ctx: Context, endpoint: Endpoint): Promise<Relation[]> {
  const { event } = ctx;
  const broken = event.kind === "relation" && event.phase === "broken" ? event.relationId : undefined;
  return (await ctx.relations(endpoint.name)).filter(({ id }) => id !== broken);
}
