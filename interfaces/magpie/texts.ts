/**
 * Every status of the charm that checks the network, and what its actions refuse.
 *
 * @module
 */

/** Units that one text names. */
const MAX_NAMED = 3;

/** Texts of statuses and refusals. */
export const TEXT = {
  noPeers: "Waiting for peers...",
  noChecks: "no check is switched on",
  awaitsServers: (line: string, units: readonly string[]) => `${line}; iperf waits for ${naming(units)}`,
  notChecked: (line: string, units: readonly string[]) => `${line}; not checked yet: ${naming(units)}`,
  addPeers: "this unit has no peers: add units to the application",
  unknownUnits: (units: readonly string[], peers: readonly string[]) =>
    `no peer is called ${naming(units)}; the peers are ${naming(peers)}`,
  noServer: "runs no iperf server: set check_iperf=true, and wait until its hooks have run",
  noAddressIn: (cidr: string) => `no address in ${cidr}`,
  noOwnAddress: "Juju knows no address of this unit",
  portTaken: (address: string, port: number) =>
    `port ${port} of ${address} is in use: stop what listens there, or set iperf_port`,
  ended: (log: string) => `iperf3 ended: ${log}`,
} as const;

/** Names of units, the first few. */
export function naming(units: readonly string[]): string {
  const more = units.length - MAX_NAMED;
  return `${units.slice(0, MAX_NAMED).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
