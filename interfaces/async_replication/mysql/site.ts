/**
 * The unit's MySQL server and its peers, as one run of a handler of replication reaches them: found and connected when
 * they are first asked for.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import type { BagData, Relation } from "../../../hooks/relation.ts";
import type { SetAccess } from "../../clients/mysql/cluster_set/access.ts";
import { reuseConnections, type ReusedConnections } from "../../clients/mysql/cluster_set/reuse.ts";
import { readRole, type SetRole } from "../../clients/mysql/cluster_set/state.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { peersEndpoint } from "../../mysql_innodb_cluster/peers.ts";
import { readMemory } from "../../mysql_innodb_cluster/server/memory.ts";
import { openOwn } from "../../mysql_innodb_cluster/server/mysqld.ts";
import { openWard } from "../../mysql_innodb_cluster/server/own.ts";
import { pathsOf } from "../../mysql_innodb_cluster/server/place.ts";
import { setAccess } from "../../mysql_innodb_cluster/server/set_access.ts";
import type { Ward } from "../../mysql_innodb_cluster/server/ward.ts";

/** Milliseconds for connecting and for each statement, where no other time is given. */
const WORK_MS = 20_000;

/** What the ports to the charm and to its server share. */
export class Site implements AsyncDisposable {
  #ward: Promise<Ward> | undefined;
  #own: Promise<Mysql> | undefined;
  #reused: ReusedConnections | undefined;
  #role: Promise<SetRole> | undefined;

  constructor(readonly ctx: Context) {}

  /** The relation of the units among each other; undefined while there is none. */
  async peers(): Promise<Relation | undefined> {
    return (await this.ctx.relations(peersEndpoint(this.ctx).name))[0];
  }

  /** The application's databag among its units. */
  async app(): Promise<BagData> {
    return await (await this.peers())?.app() ?? {};
  }

  /** @throws {ValueError} before the unit is set up */
  ward(): Promise<Ward> {
    return this.#ward ??= openWard(this.ctx);
  }

  /** The charm has other passwords, or another record, from here on. */
  async change(changes: Partial<Pick<Ward, "credentials" | "record">>): Promise<void> {
    this.#ward = Promise.resolve({ ...await this.ward(), ...changes });
  }

  /** The connection to the unit's own server, as its root. @throws {ClientError} when it does not let anybody in */
  own(): Promise<Mysql> {
    return this.#own ??= this.#openOwn();
  }

  /** The server is connected to while Juju is asked for the rest of the ward. */
  async #openOwn(): Promise<Mysql> {
    const { dataDirectory } = readMemory(this.ctx);
    const opening = dataDirectory === undefined ? undefined : openOwn(pathsOf(this.ctx.unit, dataDirectory), WORK_MS);
    // Else a failure that comes meanwhile counts as nobody's.
    opening?.catch(() => undefined);
    try {
      const { place } = await this.ward();
      return await (opening ?? openOwn(place, WORK_MS));
    } catch (error) {
      await (await opening?.catch(() => undefined))?.close();
      throw error;
    }
  }

  /** What the own cluster is in its set. An action asks once, and after each change of the set. */
  role(): Promise<SetRole> {
    if (this.ctx.event.kind !== "action") this.#role = undefined;
    return this.#role ??= this.own().then(readRole);
  }

  /** Does something after which the own cluster may have another role. */
  async changing<T>(change: () => Promise<T>): Promise<T> {
    try {
      return await change();
    } finally {
      this.#role = undefined;
    }
  }

  /** How servers of all clusters of the set are reached. Actions look at them more than once. */
  async access(): Promise<SetAccess> {
    const access = setAccess(await this.ward());
    if (this.ctx.event.kind !== "action") return access;
    this.#reused ??= reuseConnections(
      async (...where) => await setAccess(await this.ward()).connect(...where),
      WORK_MS,
    );
    const { connect, connectAlone } = this.#reused;
    return { ...access, connect, connectAlone };
  }

  /** The own server has been restarted: the next question opens another connection. */
  async reconnect(): Promise<void> {
    await this[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever has begun to ask Juju is not left behind.
    await this.#ward?.catch(() => undefined);
    await this.#reused?.[Symbol.asyncDispose]();
    this.#reused = undefined;
    this.#role = undefined;
    const open = this.#own;
    this.#own = undefined;
    const db = await open?.catch(() => undefined);
    await db?.close();
  }
}
