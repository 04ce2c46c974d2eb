/**
 * Authentication tokens: got when first needed, again when a server does not know them any more.
 *
 * @module
 */
import { RefusedError, ReplyError } from "../errors.ts";
import type { JsonObject } from "../http/json.ts";
import { text } from "./values.ts";

/** A user of the etcd cluster. */
export interface UserAndPassword {
  readonly user: string;
  readonly password: string;
}

/** The token of a connection. */
export interface Tokens {
  /**
   * The token; undefined without a user, or while authentication is off.
   *
   * @param end when the time for it is over, in milliseconds since 1970
   */
  current(end: number): Promise<string | undefined>;
  /** The token that was used is not good any more. Returns whether another can be got. */
  forget(used: string | undefined): boolean;
  /** The token, if there is one already. */
  known(): string | undefined;
}

const AUTHENTICATE = "/v3/auth/authenticate";
/** etcd's words (gRPC code 9) for a user given to a cluster that asks for none. */
const NOT_ENABLED = /not enabled/;

/** @param call sends a request without a token */
export function createTokens(
  auth: UserAndPassword | undefined,
  call: (path: string, body: JsonObject, end: number) => Promise<JsonObject>,
): Tokens {
  let asked: Promise<string | undefined> | undefined;
  let token: string | undefined;

  const authenticate = async ({ user, password }: UserAndPassword, end: number): Promise<string | undefined> => {
    try {
      token = text(await call(AUTHENTICATE, { name: user, password }, end), "token");
    } catch (error) {
      if (error instanceof RefusedError && NOT_ENABLED.test(error.message)) return undefined;
      throw error;
    }
    // It becomes a header: a server's line break must not make another.
    if (!/^[\x21-\x7e]{1,4096}$/.test(token)) throw new ReplyError("etcd's token cannot be used; check the server");
    return token;
  };

  return {
    current(end) {
      if (!auth) return Promise.resolve(undefined);
      asked ??= authenticate(auth, end).catch((error: unknown) => {
        asked = undefined;
        throw error;
      });
      return asked;
    },
    forget(used) {
      // Another request may have renewed it meanwhile.
      if (used === token) {
        asked = undefined;
        token = undefined;
      }
      return auth !== undefined;
    },
    known: () => token,
  };
}
