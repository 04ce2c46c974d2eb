/**
 * What one unit of an etcd provider offers, and whose offer a client takes.
 *
 * @module
 */
import type { BagData } from "../../hooks/relation.ts";
import { type OnReject, text } from "../databag.ts";

/** What one provider unit has published. */
export interface Offer {
  readonly connectionString?: string | undefined;
  readonly version?: string | undefined;
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  readonly clientCa?: string | undefined;
  /** Connection string and all three credentials are there. */
  readonly isComplete: boolean;
}

/** Longest version that is looked at, in characters. */
const MAX_VERSION_LENGTH = 100;

/** Nobody offers anything. */
export const NO_OFFER: Offer = { isComplete: false };

/** Reads a provider unit's databag. */
export function readOffer(data: BagData, onReject: OnReject = () => {}): Offer {
  const connectionString = text(data, "connection_string", onReject);
  const version = text(data, "version", onReject, MAX_VERSION_LENGTH);
  const clientCert = text(data, "client_cert", onReject);
  const clientKey = text(data, "client_key", onReject);
  const clientCa = text(data, "client_ca", onReject);
  const needed = [connectionString, clientCert, clientKey, clientCa];
  const isComplete = needed.every((value) => value !== undefined);
  return { connectionString, version, clientCert, clientKey, clientCa, isComplete };
}

/**
 * The offer that a client takes: the first complete one, else the first with a connection string, else the one with the
 * most. Values of several units are never mixed: a key of one with a certificate of another is no identity.
 *
 * @param offers by relation number, then by unit number
 */
export function chooseOffer(offers: readonly Offer[]): Offer | undefined {
  return [...offers].sort((a, b) => rank(b) - rank(a))[0];
}

function rank({ isComplete, connectionString, version, clientCert, clientKey, clientCa }: Offer): number {
  if (isComplete) return 200;
  const known = [version, clientCert, clientKey, clientCa].filter((value) => value !== undefined).length;
  return connectionString === undefined ? known : 100;
}
