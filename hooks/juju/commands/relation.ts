/**
 * Hook commands about relations and their databags (contract section 3.2).
 *
 * @module
 */
import { AgentError } from "../../errors.ts";
import type { Call } from "../call.ts";
import { asRecord, asString, asStringMap, asStrings } from "../shape.ts";

/** Which of a relation's own databags is meant. */
export type BagScope = "unit" | "app";

/** Typed forms of the `relation-*` commands. */
export function relationCommands(call: Call) {
  const flags = (relationId: number, scope: BagScope = "unit") => [
    "-r",
    String(relationId),
    ...(scope === "app" ? ["--app"] : []),
  ];
  return {
    /** Numbers of the relations of an endpoint, ascending: 7 for `db:7`. */
    async ids(endpoint: string): Promise<number[]> {
      const ids = asStrings("relation-ids", await call.json("relation-ids", ["--", endpoint]));
      return ids.map(relationNumber).sort((a, b) => a - b);
    },
    /** Remote units that are in the relation now. */
    async list(relationId: number): Promise<string[]> {
      return asStrings("relation-list", await call.json("relation-list", flags(relationId)));
    },
    /** Name of the remote application. */
    async listApp(relationId: number): Promise<string> {
      return asString("relation-list", await call.json("relation-list", flags(relationId, "app")));
    },
    /** Whole databag of a unit or an application of the relation. */
    async get(relationId: number, scope: BagScope, of: string): Promise<Record<string, string>> {
      const bag = await call.json("relation-get", [...flags(relationId, scope), "--", "-", of]);
      return asStringMap("relation-get", bag);
    },
    /** Changes keys of an own databag; an empty value removes the key. Values travel by standard input. */
    async set(relationId: number, scope: BagScope, values: Readonly<Record<string, string>>): Promise<void> {
      await call.run("relation-set", [...flags(relationId, scope), "--file", "-"], JSON.stringify(values));
    },
    /** UUID of the remote side's model (Juju 3.6 and later). */
    async modelUuid(relationId: number): Promise<string> {
      const { uuid } = asRecord("relation-model-get", await call.json("relation-model-get", flags(relationId)));
      return asString("relation-model-get", uuid ?? null);
    },
  };
}

/**
 * The number of a relation id such as `db:7`: only the integer after the last colon counts (juju relation-id flag).
 *
 * @throws {AgentError} when there is no such integer
 */
export function relationNumber(id: string): number {
  const match = /(?:^|:)(\d{1,15})$/.exec(id);
  if (!match) throw new AgentError(`${JSON.stringify(id.slice(0, 80))} is not a relation id; Juju will retry the hook`);
  return Number(match[1]);
}
