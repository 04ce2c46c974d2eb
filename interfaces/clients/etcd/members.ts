/**
 * The members of a cluster.
 *
 * @module
 */
import { type ClientError, InputError, MissingError } from "../errors.ts";
import type { JsonObject } from "../http/json.ts";
import type { Connection } from "./connection.ts";
import { checkId, child, idOf, list, text, texts } from "./values.ts";

/** A member as the cluster knows it; it need not run. */
export interface Member {
  /** Decimal id; `hexId` gives etcdctl's form. */
  readonly id: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  /** Empty until it has started for the first time. */
  readonly clientUrls: readonly string[];
  /** Whether it does not vote yet. */
  readonly isLearner: boolean;
}

/** A registered member. */
export interface AddedMember {
  readonly member: Member;
  /** All members, the new one too. */
  readonly members: readonly Member[];
  /** False when it was registered already. */
  readonly added: boolean;
}

/** The members of a cluster. */
export interface Members {
  /** One member's view; served without quorum. */
  list(): Promise<readonly Member[]>;
  /**
   * Registers a member that is going to start. Looks first: one with just these peer URLs is left as it is.
   *
   * @throws {UnhealthyClusterError} while another member is not started or down: one join at a time
   */
  add(peerUrls: readonly string[], options?: { readonly isLearner?: boolean }): Promise<AddedMember>;
  /** @returns false when there was no such member */
  remove(id: string): Promise<boolean>;
  /** Gives a member other peer URLs. */
  update(id: string, peerUrls: readonly string[]): Promise<void>;
  /** Lets a learner vote. */
  promote(id: string): Promise<void>;
}

/** Members over a connection. */
export function createMembers(connection: Connection): Members {
  const call = (path: string, body: JsonObject, repeatable: boolean): Promise<JsonObject> =>
    connection.call(`/v3/cluster/member/${path}`, body, { repeatable });
  const members = async (): Promise<readonly Member[]> => list(await call("list", {}, true), "members").map(readMember);
  const findRegistered = async (peerUrls: readonly string[]): Promise<AddedMember | undefined> => {
    const all = await members();
    const member = all.find((one) => sameUrls(one.peerUrls, peerUrls));
    return member && { member, members: all, added: false };
  };

  return {
    list: members,
    async add(peerUrls, { isLearner = false } = {}) {
      checkUrls(peerUrls);
      const registered = await findRegistered(peerUrls);
      if (registered) return registered;
      let reply: JsonObject;
      try {
        reply = await call("add", { peerURLs: peerUrls, ...(isLearner ? { isLearner } : {}) }, false);
      } catch (error) {
        // Nobody knows whether it was done, so look again.
        const found = (error as Partial<ClientError>).outcomeUnknown ? await findRegistered(peerUrls) : undefined;
        if (!found) throw error;
        return { ...found, added: true };
      }
      return {
        member: readMember(child(reply, "member")),
        members: list(reply, "members").map(readMember),
        added: true,
      };
    },
    async remove(id) {
      try {
        await call("remove", { ID: checkId(id) }, true);
        return true;
      } catch (error) {
        if (error instanceof MissingError) return false;
        throw error;
      }
    },
    async update(id, peerUrls) {
      checkUrls(peerUrls);
      await call("update", { ID: checkId(id), peerURLs: peerUrls }, true);
    },
    async promote(id) {
      await call("promote", { ID: checkId(id) }, false);
    },
  };
}

function checkUrls(urls: readonly string[]): void {
  if (urls.length > 0 && urls.every((url) => /^https?:\/\/[^/\s@]+:\d{1,5}$/.test(url))) return;
  throw new InputError("an etcd member needs peer URLs such as https://10.0.0.1:2380");
}

function sameUrls(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((url) => others.includes(url));
}

function readMember(object: JsonObject): Member {
  return {
    id: idOf(object, "ID"),
    name: text(object, "name"),
    peerUrls: texts(object, "peerURLs"),
    clientUrls: texts(object, "clientURLs"),
    isLearner: object.isLearner === true,
  };
}
