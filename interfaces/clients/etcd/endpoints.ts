/**
 * The endpoints of a cluster as its provider publishes them.
 *
 * @module
 */
import { InputError } from "../errors.ts";

/** No cluster has more; it bounds what a bad provider can make us do. */
const MAX_ENDPOINTS = 1000;
const MAX_LENGTH = 300_000;
const ENDPOINT = /^https?:\/\/(?:\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})\/?$/i;

/**
 * Parses a connection string such as `https://10.0.0.1:2379,https://[fd00::2]:2379`. Blanks around its parts and empty
 * parts are dropped, repeated endpoints are named once.
 *
 * @returns origins without a path, in the order given
 * @throws {InputError} that says which part is wrong and why; user names and passwords are not repeated
 */
export function parseEndpoints(text: string): readonly string[] {
  if (text.length > MAX_LENGTH) throw new InputError(`the connection string has ${text.length} characters; fix it`);
  const parts = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (parts.length === 0) throw new InputError("the connection string is empty; wait for the provider");
  if (parts.length > MAX_ENDPOINTS) {
    throw new InputError(`the connection string has ${parts.length} endpoints, at most ${MAX_ENDPOINTS} can be used`);
  }
  return [...new Set(parts.map(parseEndpoint))];
}

function parseEndpoint(part: string, index: number): string {
  const refuse = (why: string): InputError =>
    new InputError(`endpoint ${index + 1} of the connection string ${why}; fix the provider`);
  if (part.includes("@")) throw refuse("has a user name or password");
  if (!/^https?:\/\//i.test(part)) throw refuse("does not start with https:// or http://");
  const match = ENDPOINT.exec(part);
  const url = match && URL.parse(part);
  if (!match || !url) throw refuse("is not a scheme, host and port such as https://10.0.0.1:2379");
  if (Number(match[1]) === 0) throw refuse("has port 0");
  return url.origin;
}
