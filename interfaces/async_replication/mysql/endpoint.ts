/**
 * Addresses as the other side sends them.
 *
 * @module
 */
import type { Address } from "../../clients/mysql/status.ts";

/** The port of an address that has none. */
export const USUAL_PORT = 3306;

/** An address as the other side sends it; a name in Kubernetes ends with a dot. */
export function parseEndpoint(endpoint: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(endpoint) ?? [];
  const host = bracketed ?? plain ?? endpoint;
  return { host: host.replace(/\.$/, ""), port: port === undefined ? USUAL_PORT : Number(port) };
}
