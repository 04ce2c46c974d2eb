/**
 * What a handler sees: lazy reads, each asked once, and writes that are kept until every handler returned.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "./charm/metadata.ts";
import { Config } from "./config.ts";
import { type DeferredEntry, isExpired } from "./deferral.ts";
import { DefinitionError } from "./errors.ts";
import type { Event } from "./event.ts";
import { Flags } from "./flags.ts";
import { isRecord } from "./juju/shape.ts";
import type { Logger } from "./log.ts";
import { type Network, parseNetwork } from "./network.ts";
import { Relation } from "./relation.ts";
import { Secrets } from "./secrets.ts";
import type { Session } from "./session.ts";
import { StatusReporter } from "./status.ts";
import { StoredValue } from "./stored.ts";

/** How long a handler has been deferred. Times are milliseconds since 1970. */
export interface DeferralInfo {
  /** How often the handler ran and deferred before. */
  readonly attempts: number;
  readonly firstSeen: number;
  readonly reason: string;
  /** The deadline has passed: this is the last run. */
  readonly expired: boolean;
}

/** A handler's view of Juju. Each run of a handler, deferred ones too, gets its own. */
export class Context<E extends Event = Event> {
  /** Why the handler runs. For a deferred one: the original event. */
  readonly event: E;
  /** Name of this unit, such as `db/0`. */
  readonly unit: string;
  /** Name of this application. */
  readonly application: string;
  readonly model: { readonly name: string; readonly uuid: string };
  readonly charm: CharmMetadata;
  /** Absolute charm directory. */
  readonly charmDir: string;
  /** Such as `3.6.8`; `""` under very old agents. */
  readonly jujuVersion: string;
  /** The endpoint whose module runs; undefined for the charm's own handlers, and actions of no side. */
  readonly endpoint: Endpoint | undefined;
  /** Present when the handler was deferred before. */
  readonly deferral: DeferralInfo | undefined;
  readonly log: Logger;
  readonly flags: Flags;
  readonly secrets: Secrets;
  readonly status: StatusReporter;
  /** Values that this module keeps from hook to hook; they commit with the databags. */
  readonly stored: StoredValue;
  readonly #session: Session;

  /**
   * @param source whose statuses and stored values are meant: an endpoint's name, or `""` for the charm
   */
  constructor(session: Session, event: E, source: string, endpoint?: Endpoint, deferral?: DeferredEntry) {
    const { environment } = session;
    this.#session = session;
    this.event = event;
    this.unit = session.unit;
    this.application = session.application;
    this.model = { name: environment.modelName, uuid: environment.modelUuid };
    this.charm = session.charm;
    this.charmDir = environment.charmDir;
    this.jujuVersion = environment.jujuVersion;
    this.endpoint = endpoint;
    this.deferral = deferral && {
      attempts: deferral.attempts,
      firstSeen: deferral.firstSeen,
      reason: deferral.reason,
      expired: isExpired(deferral, session.now()),
    };
    this.log = session.log;
    this.flags = new Flags(session.state.flags);
    this.secrets = new Secrets(session);
    this.status = new StatusReporter(session.state.statuses, source);
    this.stored = new StoredValue(session.state, source);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.#session.now();
  }

  /**
   * Values that are kept under a name of one's own: for methods of an interface that the charm's own handlers call too.
   *
   * @param scope such as `cluster:peers`; with a colon, so that no endpoint has the same
   */
  storedAs(scope: string): StoredValue {
    return new StoredValue(this.#session.state, scope);
  }

  /** Whether this unit leads. Ask late: true holds for about 30 s, and a write refused for lost leadership fails the hook. */
  isLeader(): Promise<boolean> {
    return this.#session.isLeader();
  }

  /** The charm's configuration. */
  async config(): Promise<Config> {
    const values = await this.#session.once("config", () => this.#session.commands.model.config());
    return new Config(this.charm.config, values);
  }

  /**
   * Relations of an endpoint, by number.
   *
   * @param endpoint default: the endpoint whose module runs
   */
  async relations(endpoint: string | undefined = this.endpoint?.name): Promise<Relation[]> {
    const declared = this.charm.endpoints.find(({ name }) => name === endpoint);
    if (!declared) throw new DefinitionError(`metadata.yaml declares no endpoint ${JSON.stringify(endpoint ?? "")}`);
    const ids = await this.#session.relationIds(declared.name);
    return ids.map((id) => new Relation(this.#session, declared, id));
  }

  /** A relation by its number, whether or not it still lists. */
  relation(endpoint: Endpoint, id: number, remoteApp?: string): Relation {
    return new Relation(this.#session, endpoint, id, remoteApp);
  }

  /**
   * The relation of the event.
   *
   * @throws {DefinitionError} outside relation events
   */
  eventRelation(): Relation {
    const event: Event = this.event;
    if (event.kind !== "relation") throw new DefinitionError(`${event.name} is not a relation hook`);
    return new Relation(this.#session, event.endpoint, event.relationId, event.remoteApp);
  }

  /** Addresses of a relation or of a binding (endpoint or extra binding). */
  async network(of: Relation | string): Promise<Network> {
    const [binding, id] = typeof of === "string" ? [of] : [of.endpoint.name, of.id];
    const reply = await this.#session.once(
      `network ${binding} ${id ?? ""}`,
      () => this.#session.commands.model.network(binding, id),
    );
    return parseNetwork(reply);
  }

  /** Units of this application that the model is heading for; those that are going do not count. */
  async plannedUnits(): Promise<number> {
    const goal = await this.goalState();
    const units = isRecord(goal.units) ? Object.values(goal.units) : [];
    return units.filter((unit) => !isRecord(unit) || (unit.status !== "dying" && unit.status !== "dead")).length;
  }

  /** What goal-state says. */
  goalState(): Promise<Readonly<Record<string, unknown>>> {
    return this.#session.once("goal", () => this.#session.commands.model.goalState());
  }

  /** The unit's address. */
  address(kind: "private" | "public"): Promise<string> {
    return this.#session.once(`address ${kind}`, () => this.#session.commands.model.address(kind));
  }

  /** Opens a port such as `80/tcp` when the hook commits. */
  openPort(port: string, endpoints: readonly string[] = []): void {
    this.#session.effects.ports.push({ kind: "open", port, endpoints });
  }

  /** Closes a port when the hook commits. */
  closePort(port: string, endpoints: readonly string[] = []): void {
    this.#session.effects.ports.push({ kind: "close", port, endpoints });
  }

  /** Kind and location of the instances of a storage, by id. */
  async storage(name: string): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> {
    const { model } = this.#session.commands;
    const ids = await this.#session.once(`storage ${name}`, () => model.storageList(name));
    const read = (id: string) => this.#session.once(`storage ${id}`, () => model.storageGet(id));
    return Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await read(id)] as const)));
  }

  /** Asks for more instances of a storage when the hook commits. */
  addStorage(name: string, count = 1): void {
    this.#session.effects.storages.push({ name, count });
  }

  /** Path of a resource file; the agent downloads it first, which can take minutes. */
  resource(name: string): Promise<string> {
    return this.#session.once(`resource ${name}`, () => this.#session.commands.model.resource(name));
  }

  /** The cloud credential, where the charm is trusted. */
  credential(): Promise<Readonly<Record<string, unknown>>> {
    return this.#session.once("credential", () => this.#session.commands.model.credential());
  }

  /** Leader settings (Juju 3.6 and older): what charms of the old frameworks share. */
  leaderSettings(): Promise<Readonly<Record<string, string>>> {
    return this.#session.once("leader settings", () => this.#session.commands.leadership.settings());
  }

  /** Changes leader settings, at the end of the hook; `""` removes a key. */
  setLeaderSettings(values: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(values)) this.#session.effects.leaderSettings.set(key, value);
  }

  /** Sets the version that `juju status` shows for the application. */
  setWorkloadVersion(version: string): void {
    this.#session.effects.version = version;
  }

  /** Reboots the machine after this hook; `now`: at once, and Juju runs the hook again afterwards. */
  reboot(when: "after" | "now" = "after"): void {
    this.#session.effects.reboot = when;
  }

  /** Masks a value in every log line, status and printed effect from here on. */
  mask(value: string): void {
    this.#session.redactor.add(value);
  }
}
