/**
 * The list of client URLs that an etcd provider publishes.
 *
 * @module
 */
import { ValueError } from "../../hooks/errors.ts";
import { quote } from "../databag.ts";

/** More members than this are no etcd cluster. */
const MAX_URLS = 64;

const HAS_SCHEME = /^[a-z][a-z0-9+.-]{0,15}:\/\//i;
const HAS_PORT = /:\d{1,5}\/?$/;

/**
 * Parses a connection string such as `https://10.0.0.1:2379,https://10.0.0.2:2379`. Blanks around URLs are dropped.
 *
 * @throws {ValueError} that names the first URL that cannot be used and why
 */
export function parseConnectionString(value: string): readonly URL[] {
  const parts = value.split(",").map((part) => part.trim()).filter((part) => part !== "");
  if (parts.length === 0) throw new ValueError("etcd has sent no connection string; wait for the provider");
  if (parts.length > MAX_URLS) {
    throw new ValueError(`etcd's connection string has ${parts.length} URLs, at most ${MAX_URLS} make sense`);
  }
  return parts.map(parseUrl);
}

function parseUrl(part: string): URL {
  const refuse = (why: string): ValueError =>
    new ValueError(`etcd's connection string has a URL that ${why}; fix the provider`);
  const url = URL.parse(part);
  // Only hosts are repeated: a password may be in front of an @, in a path, and in what looks like a scheme.
  if (url === null) throw refuse("does not parse");
  if (url.username !== "" || url.password !== "" || part.includes("@")) throw refuse("has a user name or password");
  if (!HAS_SCHEME.test(part)) throw refuse("does not begin with https:// or http://");
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw refuse(`has the scheme ${quote(url.protocol)} instead of https or http`);
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    throw refuse(`is more than a host: ${quote(url.origin)} is followed by something`);
  }
  if (!HAS_PORT.test(part)) throw refuse(`has no port: ${quote(url.origin)}`);
  return url;
}
