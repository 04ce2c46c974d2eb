/**
 * Lines of pg_hba.conf: who may connect from where, and how users prove who they are.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** One line. */
export interface HbaLine {
  readonly type: "local" | "host" | "hostssl" | "hostnossl";
  /** A name, or one of PostgreSQL's words such as `all` and `replication`. */
  readonly database: string;
  readonly user: string;
  /** An address, a network or a host name; absent for `local` only. */
  readonly address?: string;
  readonly method: "scram-sha-256" | "peer" | "reject" | "trust";
}

/** Who connects to a cluster. */
export interface ClusterHba {
  /** Whether connections over the network have to be encrypted. */
  readonly tls: boolean;
  readonly superuser: string;
  readonly replication: string;
  readonly rewind?: string;
  /** Addresses or networks of all members. */
  readonly addresses: readonly string[];
  /** Lines for clients; they follow those of the members. */
  readonly clients?: readonly HbaLine[];
}

const ADDRESS = /^(?:[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})(?:\/\d{1,3})?$/;
/** Everything printable in ASCII but the quote. */
const QUOTABLE = /^[\x20\x21\x23-\x7e]{1,63}$/;
const PLAIN = /^[A-Za-z0-9_]{1,63}$/;

/**
 * Lines of text in the order in which PostgreSQL looks at them.
 *
 * @throws {InputError} for a name or address that cannot stand in the file
 */
export function renderHba(lines: readonly HbaLine[]): readonly string[] {
  return lines.map(({ type, database, user, address, method }) => {
    if ((type === "local") !== (address === undefined)) {
      throw new InputError("a line of pg_hba.conf has an address exactly when it is not local; correct it");
    }
    return [type, name(database), name(user), ...address === undefined ? [] : [hbaAddress(address)], method]
      .join(" ");
  });
}

/** The lines of a cluster: the superuser on the socket, the members among each other, then clients. */
export function clusterHba(cluster: ClusterHba): readonly HbaLine[] {
  const { superuser, replication, rewind, addresses, clients = [] } = cluster;
  const type = cluster.tls ? "hostssl" : "host";
  const method = "scram-sha-256";
  const between = addresses.flatMap((address): readonly HbaLine[] => [
    { type, database: "replication", user: replication, address, method },
    { type, database: "all", user: superuser, address, method },
    ...rewind === undefined ? [] : [{ type, database: "all", user: rewind, address, method } as const],
  ]);
  return [
    { type: "local", database: "all", user: superuser, method },
    ...between,
    ...clients,
  ];
}

/** A name that is quoted also keeps PostgreSQL from reading it as a word or a file. */
function name(text: string): string {
  if (PLAIN.test(text)) return text;
  if (!QUOTABLE.test(text)) {
    throw new InputError("a name in pg_hba.conf has 1 to 63 printable ASCII characters without quotes; choose another");
  }
  return `"${text}"`;
}

/** An address without a mask means that one host; host names stay as they are. */
function hbaAddress(address: string): string {
  if (!ADDRESS.test(address)) {
    throw new InputError("an address in pg_hba.conf is an IP address, a network or a host name; correct it");
  }
  if (address.includes("/")) return address;
  if (address.includes(":")) return `${address}/128`;
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(address) ? `${address}/32` : address;
}
