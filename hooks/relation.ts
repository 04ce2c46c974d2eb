/**
 * One relation, as handlers see it.
 *
 * @module
 */
import type { Endpoint } from "./charm/metadata.ts";
import { ValueError } from "./errors.ts";
import type { BagScope } from "./juju/commands/relation.ts";
import { compareUnits, type Session } from "./session.ts";

/** Key and value strings of a databag. */
export type BagData = Readonly<Record<string, string>>;

/** A remote unit with its databag. */
export interface RemoteUnit {
  /** Such as `db/1`. */
  readonly name: string;
  readonly data: BagData;
}

/** An own databag: reads see what was set in the same hook. */
export class LocalBag {
  readonly #session: Session;
  readonly #relationId: number;
  readonly #scope: BagScope;

  constructor(session: Session, relationId: number, scope: BagScope) {
    this.#session = session;
    this.#relationId = relationId;
    this.#scope = scope;
  }

  /**
   * The databag, with what this hook has set so far.
   *
   * @throws {PermissionDeniedError} for the application's databag of a non-peer relation on a unit that does not lead
   */
  async get(): Promise<BagData> {
    const { effects } = this.#session;
    const current = await this.#session.bag(this.#relationId, this.#scope, this.#session.own(this.#scope));
    return effects.overlay(this.#relationId, this.#scope, current);
  }

  /**
   * Changes keys when the hook commits; `""`, null and undefined remove a key, as Juju itself does with `""`.
   * Values equal to the current ones are not written.
   *
   * @throws {ValueError} for a key that Juju does not take
   */
  set(values: Readonly<Record<string, string | number | boolean | null | undefined>>): void {
    const { values: pending } = this.#session.effects.bag(this.#relationId, this.#scope);
    for (const [key, value] of Object.entries(values)) {
      if (key === "") throw new ValueError("a databag key cannot be empty");
      pending.set(key, value === null || value === undefined ? "" : String(value));
    }
  }
}

/** A relation of this unit. */
export class Relation {
  /** 7 of `db:7`. */
  readonly id: number;
  readonly endpoint: Endpoint;
  /** This unit's databag. */
  readonly local: LocalBag;
  /** This application's databag: only the leader writes it. */
  readonly localApp: LocalBag;
  readonly #session: Session;
  readonly #remoteApp: string | undefined;

  /**
   * @param remoteApp name of the remote application, where the event told it
   */
  constructor(session: Session, endpoint: Endpoint, id: number, remoteApp?: string) {
    this.id = id;
    this.endpoint = endpoint;
    this.local = new LocalBag(session, id, "unit");
    this.localApp = new LocalBag(session, id, "app");
    this.#session = session;
    this.#remoteApp = remoteApp;
  }

  /** Name of the remote application; of the own one in a peer relation. */
  async remoteApp(): Promise<string> {
    if (this.endpoint.role === "peers") return this.#session.application;
    if (this.#remoteApp) return this.#remoteApp;
    return await this.#session.once(`app ${this.id}`, () => this.#session.commands.relation.listApp(this.id));
  }

  /** Names of the remote units, by number. The one that departs is not among them. */
  async unitNames(): Promise<string[]> {
    const units = await this.#session.once(`units ${this.id}`, () => this.#session.commands.relation.list(this.id));
    return [...units].sort(compareUnits);
  }

  /** Every remote unit with its databag, by number. */
  async units(): Promise<RemoteUnit[]> {
    const names = await this.unitNames();
    return await Promise.all(names.map(async (name) => ({ name, data: await this.unit(name) })));
  }

  /**
   * A unit's databag. Also of one that has departed, as long as the relation lives.
   *
   * @throws {NotFoundError} when that unit never was in the relation
   */
  unit(name: string): Promise<BagData> {
    return name === this.#session.unit ? this.local.get() : this.#session.bag(this.id, "unit", name);
  }

  /** The remote application's databag; the own one in a peer relation. */
  async app(): Promise<BagData> {
    const app = await this.remoteApp();
    return app === this.#session.application ? await this.localApp.get() : await this.#session.bag(this.id, "app", app);
  }

  /** UUID of the remote side's model (Juju 3.6 and later). */
  modelUuid(): Promise<string> {
    return this.#session.once(`model ${this.id}`, () => this.#session.commands.relation.modelUuid(this.id));
  }
}
