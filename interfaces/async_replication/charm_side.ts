/**
 * What the handlers and actions ask of the charm around them, and how they get both ports.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import type { Needs } from "../../hooks/definition.ts";
import type { Relation } from "../../hooks/relation.ts";
import type { ClusterSetServer } from "./cluster_server.ts";

/** Passwords by the names under which both sides know them, such as `root-password`. */
export type Credentials = Readonly<Record<string, string>>;

/** The charm that runs MySQL. */
export interface ReplicationCharm {
  /**
   * The relation of the units among each other, whose databags have the keys `PEER_APP` and `PEER_UNIT`; undefined
   * while there is none.
   */
  peers(): Promise<Relation | undefined>;
  /** Passwords of the application, among others those of {@link ./credentials.ts}; undefined: not made yet. */
  credentials(): Promise<Credentials | undefined>;
  /** Keeps a password for the application when the hook commits. */
  setSecret(key: string, password: string): Promise<void>;
  /** Makes a cluster of this unit's server. Does nothing when there is one. */
  createCluster(): Promise<void>;
  /** Reports anew how the unit and the application do; {@link ./standing.ts} is this interface's part of that. */
  updateStatus(): Promise<void>;
  /** Address at which the other side reaches this unit's server. */
  unitAddress(): Promise<string>;
  /** Message of the unit's `active` status, such as `Primary`. */
  activeStatusMessage(): Promise<string>;
  /** 32 random hexadecimal digits. */
  randomHex(): string;
}

/** Both ports of one handler run. Disposing closes what was opened. */
export interface Ports extends AsyncDisposable {
  readonly server: ClusterSetServer;
  readonly charm: ReplicationCharm;
}

/** How a definition gets its ports. */
export interface PortSource {
  /** Makes the ports of one handler run; opens no connection yet. */
  readonly open: (ctx: Context) => Ports | Promise<Ports>;
  /** What the ports need beyond the connection to the agent. */
  readonly needs: Needs;
}
