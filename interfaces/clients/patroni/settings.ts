/**
 * What a member's configuration is made of.
 *
 * @module
 */
import type { HbaLine } from "./hba.ts";

/** A user and its password. */
export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Absolute paths of PEM files. */
export interface TlsPaths {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Values of PostgreSQL's parameters or of tags. */
export type Scalars = Readonly<Record<string, string | number | boolean>>;

/** The store in which the members agree. */
export type Store =
  | {
    readonly kind: "etcd3";
    /** Such as `10.0.0.1:2379`. */
    readonly hosts: readonly string[];
    /** Mutual TLS. */
    readonly tls?: TlsPaths;
    readonly auth?: Login;
  }
  | {
    readonly kind: "raft";
    /** Such as `10.0.0.1:2222`. */
    readonly self: string;
    readonly partners: readonly string[];
    readonly directory: string;
    readonly password?: string;
  }
  | {
    readonly kind: "kubernetes";
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly podIp?: string;
  };

/** How many replicas have each write before it is acknowledged. */
export interface SynchronousSettings {
  readonly mode: boolean;
  readonly nodeCount: number;
  /** Whether writes wait while there is no synchronous replica. */
  readonly strict: boolean;
}

/** What the members share: whoever initialises the cluster puts it into the store, later changes go there by PATCH. */
export interface DynamicSettings {
  /** Seconds; at least 20 and `loopWait + 2 * retryTimeout`. */
  readonly ttl?: number;
  readonly loopWait?: number;
  readonly retryTimeout?: number;
  /** Bytes. */
  readonly maximumLagOnFailover?: number;
  readonly synchronous?: SynchronousSettings;
  /** Whether the leader stays one without the store as long as it reaches all members. */
  readonly failsafe?: boolean;
  readonly parameters?: Scalars;
}

/** One member. */
export interface PatroniSettings {
  /** Name of the cluster. */
  readonly scope: string;
  /** Name of the member. */
  readonly name: string;
  /** Prefix of the keys in etcd; `/service/` without it. */
  readonly namespace?: string;
  readonly rest: {
    readonly listen: string;
    readonly port: number;
    /** `listen` without it. */
    readonly connectAddress?: string;
    readonly tls?: TlsPaths;
    readonly auth?: Login;
  };
  readonly dcs: Store;
  readonly bootstrap: DynamicSettings;
  readonly postgresql: {
    /** Addresses with commas between. */
    readonly listen: string;
    readonly port: number;
    /** `listen` without it. */
    readonly connectAddress?: string;
    readonly dataDirectory: string;
    readonly binDirectory: string;
    readonly socketDirectory: string;
    /** Where Patroni keeps the passwords for its own connections. */
    readonly passFile: string;
    readonly superuser: Login;
    readonly replication: Login;
    readonly rewind?: Login;
    /** Turns `ssl` on. */
    readonly tls?: TlsPaths;
    readonly hba: readonly HbaLine[];
    /** Of this member; those that all members share belong to {@linkcode DynamicSettings}. */
    readonly parameters?: Scalars;
  };
  readonly tags?: Scalars;
}
