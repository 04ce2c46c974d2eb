/**
 * The settings of this unit's Patroni, from the databag, the secrets and the options.
 *
 * @module
 */
import { clusterHba, type HbaLine } from "../clients/patroni/hba.ts";
import { synchronousNodeCount } from "../clients/patroni/config_file.ts";
import type { DynamicSettings, PatroniSettings, Store, TlsPaths } from "../clients/patroni/settings.ts";
import { memberOf, scopeOf, type Substrate } from "./names.ts";
import type { Options } from "./options.ts";
import { loginOf, type Passwords } from "./passwords.ts";
import type { Place } from "./place.ts";
import type { EtcdStore } from "./store.ts";

/** What a unit's settings follow from. */
export interface SettingsInput {
  readonly application: string;
  readonly unit: string;
  readonly model: string;
  readonly substrate: Substrate;
  readonly address: string;
  readonly members: readonly string[];
  readonly options: Options;
  readonly passwords: Passwords;
  readonly place: Place;
  readonly programs: string;
  readonly store: EtcdStore | { readonly kind: "raft" | "kubernetes" };
  readonly etcdTls: TlsPaths | undefined;
  readonly tls: TlsPaths | undefined;
}

/** The settings of this unit's Patroni. */
export function settingsOf(input: SettingsInput): PatroniSettings {
  const { application, unit, substrate, address, options, passwords, place, tls } = input;
  // A pod's own address changes with every pod; its name does not.
  const listen = substrate === "kubernetes" ? { listen: "0.0.0.0", connectAddress: address } : { listen: address };
  const secured = tls ? { tls } : {};
  return {
    scope: scopeOf(application, substrate),
    name: memberOf(unit),
    rest: { ...listen, port: options.patroniPort, ...secured, auth: loginOf("patroni", passwords) },
    dcs: storeOf(input),
    // Of one unit, as it begins: the leader raises the number of synchronous replicas when it adds others.
    bootstrap: dynamicOf(options, 1),
    postgresql: {
      ...listen,
      port: options.port,
      dataDirectory: place.data,
      binDirectory: input.programs,
      socketDirectory: place.sockets,
      passFile: place.passFile,
      superuser: loginOf("operator", passwords),
      replication: loginOf("replication", passwords),
      rewind: loginOf("rewind", passwords),
      ...secured,
      hba: hbaOf(input),
      parameters: { shared_buffers: options.sharedBuffers },
    },
  };
}

/** What all members share. @param plannedUnits of which the number of synchronous replicas follows */
export function dynamicOf(options: Options, plannedUnits: number): DynamicSettings {
  const { ttl, loopWait, retryTimeout, failsafe, synchronous, strict } = options;
  return {
    ttl,
    loopWait,
    retryTimeout,
    failsafe,
    synchronous: synchronousNodeCount(synchronous, plannedUnits, strict),
  };
}

function storeOf(
  { store, application, model, address, members, options, passwords, place, etcdTls }: SettingsInput,
): Store {
  switch (store.kind) {
    case "etcd3":
      return { kind: "etcd3", hosts: store.hosts, ...etcdTls ? { tls: etcdTls } : {} };
    case "raft": {
      const at = (host: string) => `${host.includes(":") ? `[${host}]` : host}:${options.raftPort}`;
      const partners = members.filter((member) => member !== address).map(at);
      return { kind: "raft", self: at(address), partners, directory: place.raft, password: passwords.raft };
    }
    case "kubernetes": {
      const labels = { application: "patroni", "cluster-name": scopeOf(application, "kubernetes") };
      return { kind: "kubernetes", namespace: model, labels };
    }
  }
}

/** The superuser is for members only; every other user comes from where clients are. */
function hbaOf({ tls, members, model, substrate, options }: SettingsInput): readonly HbaLine[] {
  const type = tls ? "hostssl" : "host";
  const addresses = members.map((member) =>
    substrate === "kubernetes" ? `${member}.${model}.svc.cluster.local` : member
  );
  const clients = options.clientNetworks.flatMap((address): readonly HbaLine[] => [
    { type: "host", database: "all", user: "operator", address, method: "reject" },
    { type, database: "all", user: "all", address, method: "scram-sha-256" },
  ]);
  return clusterHba({
    tls: tls !== undefined,
    superuser: "operator",
    replication: "replication",
    rewind: "rewind",
    addresses: [...new Set(addresses.map(sourceOf))].sort(),
    clients,
  });
}

/** Whoever connects to a loopback address does so from another one: 127.0.0.1. */
function sourceOf(address: string): string {
  return /^127(\.\d{1,3}){3}$/.test(address) ? "127.0.0.0/8" : address;
}
