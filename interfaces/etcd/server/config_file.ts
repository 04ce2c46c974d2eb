/**
 * etcd's configuration file. It holds no secret, only the paths of keys; nothing of it stands in the process list.
 *
 * @module
 */
import type { Place } from "./place.ts";

/** How a member starts for the first time; its data says all that later. */
export interface Initial {
  readonly state: "new" | "existing";
  readonly token: string;
  /** Such as `etcd0=https://10.0.0.1:2380,etcd1=…`; all members with the own one. */
  readonly cluster: string;
}

/**
 * The member's files of certificates. Each identity is one file, the key behind the certificate: etcd reads them anew for
 * each connection, and never finds a key beside the certificate of another.
 */
export function certificateFiles(tlsDirectory: string) {
  const file = (name: string) => `${tlsDirectory}/${name}.pem`;
  return { ca: file("ca"), server: file("server"), peer: file("peer"), client: file("client") };
}

/** Text of the file: YAML with each string in JSON's quotes. */
export function renderConfig(place: Place, initial?: Initial): string {
  const files = certificateFiles(place.tlsDirectory);
  const transport = (identity: string) => ({
    "cert-file": identity,
    "key-file": identity,
    "client-cert-auth": true,
    "trusted-ca-file": files.ca,
  });
  const values: Readonly<Record<string, unknown>> = {
    "name": place.name,
    "data-dir": place.dataDirectory,
    "listen-peer-urls": place.listenPeer.join(","),
    "listen-client-urls": place.listenClient.join(","),
    "initial-advertise-peer-urls": place.peerUrl,
    "advertise-client-urls": place.clientUrls.join(","),
    "client-transport-security": transport(files.server),
    "peer-transport-security": transport(files.peer),
    "heartbeat-interval": place.heartbeatMs,
    "election-timeout": place.electionMs,
    "strict-reconfig-check": true,
    // etcd 3.4 leaves the gateway off when it reads a file.
    "enable-grpc-gateway": true,
    "logger": "zap",
    "log-level": "warn",
    ...(initial && {
      "initial-cluster": initial.cluster,
      "initial-cluster-state": initial.state,
      "initial-cluster-token": initial.token,
    }),
  };
  return Object.entries(values).flatMap(([key, value]) => lines(key, value, "")).join("\n") + "\n";
}

/** Members for `initial-cluster`. One without a name has not started yet: a made-up name does for it. */
export function initialCluster(
  members: readonly { readonly id: string; readonly name: string; readonly peerUrls: readonly string[] }[],
  own: { readonly name: string; readonly peerUrl: string },
): string {
  return members.flatMap(({ id, name, peerUrls }) => {
    const shown = peerUrls.includes(own.peerUrl) ? own.name : name || `member-${id}`;
    return peerUrls.map((url) => `${shown}=${url}`);
  }).join(",");
}

function lines(key: string, value: unknown, indent: string): string[] {
  if (typeof value !== "object" || value === null) return [`${indent}${key}: ${JSON.stringify(value)}`];
  return [`${indent}${key}:`, ...Object.entries(value).flatMap(([name, each]) => lines(name, each, `${indent}  `))];
}
