/**
 * The databags of the units among each other, as far as replication reads and writes them.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { BagData, Relation } from "../../hooks/relation.ts";
import { isPassing, PEER_APP, PEER_UNIT } from "./keys.ts";

type AppKey = typeof PEER_APP[keyof typeof PEER_APP];
type UnitKey = typeof PEER_UNIT[keyof typeof PEER_UNIT];

/** Both own databags of the peer relation. Without a relation they are empty, and what is written is dropped. */
export class PeerData {
  readonly #ctx: Context;
  readonly #relation: Relation | undefined;

  constructor(ctx: Context, relation: Relation | undefined) {
    this.#ctx = ctx;
    this.#relation = relation;
  }

  /** The application's databag. */
  async app(): Promise<BagData> {
    return await this.#relation?.app() ?? {};
  }

  /** This unit's databag. */
  async unit(): Promise<BagData> {
    return await this.#relation?.local.get() ?? {};
  }

  /** Changes the application's databag; `""` removes a key. Only the leader may. */
  setApp(values: Readonly<Partial<Record<AppKey, string>>>): void {
    if (this.#relation) this.#relation.localApp.set(values);
    else this.#drop(values);
  }

  /** Changes this unit's databag; `""` removes a key. */
  setUnit(values: Readonly<Partial<Record<UnitKey, string>>>): void {
    if (this.#relation) this.#relation.local.set(values);
    else this.#drop(values);
  }

  /** Name of this cluster. */
  async clusterName(): Promise<string | undefined> {
    return (await this.app())[PEER_APP.clusterName] || undefined;
  }

  /** Name of the cluster set that this cluster is in, or would make. */
  async clusterSetName(): Promise<string | undefined> {
    return (await this.app())[PEER_APP.clusterSetName] || undefined;
  }

  /** Whether this unit's server is set up and in its cluster. */
  async unitInitialized(): Promise<boolean> {
    return (await this.unit())[PEER_UNIT.initialized] === "True";
  }

  /** Whether this cluster was made anew only to become a replica of its set again. */
  async isPassing(): Promise<boolean> {
    return isPassing(await this.app());
  }

  /** Whether this unit is going away. */
  async removingUnit(): Promise<boolean> {
    return (await this.unit())[PEER_UNIT.unitStatus] === "removing";
  }

  #drop(values: object): void {
    this.#ctx.log.warning(`the peer relation is gone: ${Object.keys(values).join(", ")} cannot be kept`);
  }
}
