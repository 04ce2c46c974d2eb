/**
 * Patroni's configuration: the member's file, and the settings that all members share.
 *
 * @module
 */
import { InputError } from "../errors.ts";
import type { JsonObject } from "../http/json.ts";
import { isMemberName } from "./fields.ts";
import { renderHba } from "./hba.ts";
import type {
  DynamicSettings,
  Login,
  PatroniSettings,
  Scalars,
  Store,
  SynchronousSettings,
  TlsPaths,
} from "./settings.ts";

export type * from "./settings.ts";

/** Patroni reads these from the store alone and ignores them in a member's file. */
const SHARED_PARAMETERS: readonly string[] = [
  "max_connections",
  "max_worker_processes",
  "max_wal_senders",
  "max_replication_slots",
  "max_prepared_transactions",
  "max_locks_per_transaction",
  "wal_level",
  "wal_log_hints",
  "track_commit_timestamp",
];

const PARAMETER = /^[a-z][a-z0-9_.]{0,127}$/;
const HOST_AND_PORT = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253}):\d{1,5}$/;
const LISTEN = /^[A-Za-z0-9._:*,-]{1,500}$/;
/** Seconds; Patroni's own lower bound. */
const MIN_TTL = 20;
const DEFAULTS = { ttl: 30, loopWait: 10, retryTimeout: 10 };
const HEADER = "# Written by the charm: changes here are overwritten.\n";

/**
 * A member's file. It holds passwords: write it with mode 0600, for PostgreSQL's user.
 *
 * The text is JSON, which is YAML too, and the same for the same settings.
 *
 * @throws {InputError} that says which setting cannot be used; no password is repeated
 */
export function renderPatroniConfig(settings: PatroniSettings): string {
  const { scope, name, namespace = "/service/", rest, dcs, postgresql, tags } = settings;
  for (const text of [scope, name]) {
    if (!isMemberName(text)) {
      throw new InputError("Patroni's scope and member names have 1 to 128 letters, digits and ._-; choose another");
    }
  }
  if (!/^\/[A-Za-z0-9._/-]{0,128}$/.test(namespace)) {
    throw new InputError("Patroni's namespace is a path such as /service/");
  }
  const file = {
    scope,
    name,
    namespace,
    restapi: {
      ...listenAndConnect("the REST API", rest),
      ...rest.tls ? { certfile: path(rest.tls.cert), keyfile: path(rest.tls.key), cafile: path(rest.tls.ca) } : {},
      ...rest.auth ? { authentication: login("the REST API", rest.auth) } : {},
    },
    ...rest.tls ? { ctl: { cacert: path(rest.tls.ca), insecure: false } } : {},
    ...store(dcs),
    bootstrap: {
      dcs: dynamicConfig(settings.bootstrap),
      initdb: [{ encoding: "UTF8" }, "data-checksums", { "auth-host": "scram-sha-256" }, {
        "auth-local": "scram-sha-256",
      }],
    },
    postgresql: {
      ...listenAndConnect("PostgreSQL", postgresql),
      data_dir: path(postgresql.dataDirectory),
      bin_dir: path(postgresql.binDirectory),
      pgpass: path(postgresql.passFile),
      // Without a password of its own on the socket, Patroni would depend on the network to see its own server.
      use_unix_socket: true,
      authentication: {
        superuser: login("the superuser", postgresql.superuser),
        replication: login("replication", postgresql.replication),
        ...postgresql.rewind ? { rewind: login("rewind", postgresql.rewind) } : {},
      },
      parameters: { ...parameters(postgresql.parameters ?? {}, "local"), ...ownParameters(postgresql) },
      pg_hba: renderHba(postgresql.hba),
    },
    ...tags ? { tags } : {},
  };
  const text = JSON.stringify(file, undefined, 2);
  // Patroni's reader refuses other characters, and reads escapes of some otherwise than JSON does.
  if (!/^[\x20-\x7e\n]*$/.test(text)) {
    throw new InputError("Patroni's settings must be printable ASCII; use other names and passwords");
  }
  return `${HEADER}${text}\n`;
}

/**
 * The settings that all members share, as the store has them; also a body of `PATCH /config`.
 *
 * @throws {InputError} when they contradict each other
 */
export function dynamicConfig(settings: DynamicSettings): JsonObject {
  const { synchronous, failsafe, maximumLagOnFailover } = settings;
  const { ttl, loopWait, retryTimeout } = { ...DEFAULTS, ...settings };
  if (ttl < MIN_TTL || ttl < loopWait + 2 * retryTimeout || loopWait < 1 || retryTimeout < 3) {
    throw new InputError(
      "Patroni's ttl is at least 20 s and loop_wait + 2 * retry_timeout; retry_timeout at least 3 s",
    );
  }
  return {
    ttl,
    loop_wait: loopWait,
    retry_timeout: retryTimeout,
    ...maximumLagOnFailover === undefined ? {} : { maximum_lag_on_failover: maximumLagOnFailover },
    ...failsafe === undefined ? {} : { failsafe_mode: failsafe },
    ...synchronous ? synchronousConfig(synchronous) : {},
    postgresql: {
      use_pg_rewind: true,
      use_slots: true,
      ...settings.parameters ? { parameters: parameters(settings.parameters, "shared") } : {},
    },
  };
}

/** The part of the shared settings that is about synchronous replication. */
export function synchronousConfig({ mode, nodeCount, strict }: SynchronousSettings): JsonObject {
  return { synchronous_mode: mode, synchronous_mode_strict: strict, synchronous_node_count: Math.max(1, nodeCount) };
}

/**
 * How many synchronous replicas a wish means.
 *
 * @param setting `all`, `majority` or a number of replicas
 * @param planned members that there will be
 * @param strict whether writes shall wait while there is none; never with a single member, which would wait for ever
 */
export function synchronousNodeCount(
  setting: "all" | "majority" | number,
  planned: number,
  strict = false,
): SynchronousSettings {
  const most = Math.max(0, planned - 1);
  const wanted = setting === "all" ? most : setting === "majority" ? Math.floor(planned / 2) : setting;
  const nodeCount = Math.max(0, Math.min(Math.trunc(wanted), most));
  // Patroni keeps one synchronous replica even for a count of 0.
  return { mode: nodeCount > 0, nodeCount, strict: strict && nodeCount > 0 };
}

function store(dcs: Store): JsonObject {
  if (dcs.kind === "etcd3") {
    const { hosts, tls, auth } = dcs;
    if (hosts.length === 0) throw new InputError("Patroni needs at least one address of etcd; wait for etcd");
    const certificates = tls
      ? { protocol: "https", ...tlsPaths(tls, ["cacert", "cert", "key"]) }
      : { protocol: "http" };
    return { etcd3: { hosts: hosts.map(hostAndPort), ...certificates, ...auth ? login("etcd", auth) : {} } };
  }
  if (dcs.kind === "raft") {
    const { self, partners, directory, password } = dcs;
    const secret = password === undefined ? {} : { password };
    const addresses = { self_addr: hostAndPort(self), partner_addrs: partners.map(hostAndPort) };
    return { raft: { data_dir: path(directory), ...addresses, ...secret } };
  }
  const { namespace, labels, podIp } = dcs;
  return { kubernetes: { namespace, labels, use_endpoints: true, ...podIp === undefined ? {} : { pod_ip: podIp } } };
}

function ownParameters({ socketDirectory, tls }: PatroniSettings["postgresql"]): Scalars {
  return {
    unix_socket_directories: path(socketDirectory),
    password_encryption: "scram-sha-256",
    ssl: tls ? "on" : "off",
    ...tls ? tlsPaths(tls, ["ssl_ca_file", "ssl_cert_file", "ssl_key_file"]) : {},
  };
}

function tlsPaths({ ca, cert, key }: TlsPaths, [c, f, k]: readonly [string, string, string]): Record<string, string> {
  return { [c]: path(ca), [f]: path(cert), [k]: path(key) };
}

function listenAndConnect(
  what: string,
  { listen, port, connectAddress = listen }: { listen: string; port: number; connectAddress?: string },
) {
  const number = Number.isInteger(port) && port > 0 && port < 65536;
  if (!LISTEN.test(listen) || !LISTEN.test(connectAddress) || !number) {
    throw new InputError(`the address or port of ${what} cannot be used; check the network's addresses`);
  }
  return { listen: `${bracket(listen)}:${port}`, connect_address: `${bracket(connectAddress)}:${port}` };
}

function bracket(address: string): string {
  return address.includes(":") && !address.includes(",") ? `[${address}]` : address;
}

function hostAndPort(text: string): string {
  if (HOST_AND_PORT.test(text)) return text;
  throw new InputError("an address of Patroni's store is a host and a port such as 10.0.0.1:2379; correct it");
}

function login(what: string, { username, password }: Login): Login {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}$/.test(username) && /^[\x21-\x7e]{1,256}$/.test(password)) {
    return { username, password };
  }
  throw new InputError(`user or password of ${what} cannot be used; take letters, digits and punctuation, no blanks`);
}

function parameters(given: Scalars, where: "local" | "shared"): Scalars {
  for (const name of Object.keys(given)) {
    if (!PARAMETER.test(name)) throw new InputError("a PostgreSQL parameter's name has a-z, 0-9, _ and .; correct it");
    if (where === "local" && SHARED_PARAMETERS.includes(name)) {
      throw new InputError(`Patroni ignores ${name} in a member's file; set it for the whole cluster`);
    }
  }
  return given;
}

function path(text: string): string {
  if (/^\/[\x21-\x7e]{1,1000}$/.test(text)) return text;
  throw new InputError("a path in Patroni's configuration is absolute and has no blanks; correct it");
}
