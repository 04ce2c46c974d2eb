/**
 * What the servers of one cluster say, each on its own.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { addressText, readGroup } from "../members.ts";
import type { Address } from "../status.ts";
import type { Failure, SetAccess } from "./access.ts";
import { readLock } from "./lock.ts";
import { type ClusterSet, readClusterSet } from "./records.ts";

/** What a server says of its cluster and of the set. */
export interface Answer {
  readonly set: ClusterSet | undefined;
  /** Whether the server is in a group that has a majority. */
  readonly runs: boolean;
  /** Whether clients may write there. */
  readonly writable: boolean;
  readonly holder: string | undefined;
}

/** Asks all servers of a cluster, also those that are in no group now. */
export async function askCluster(
  access: SetAccess,
  setId: string,
  addresses: readonly Address[],
  timeoutMs: number,
): Promise<{ readonly answers: readonly Answer[]; readonly failures: readonly Failure[] }> {
  const answers: Answer[] = [];
  const failures: Failure[] = [];
  await Promise.all(addresses.map(async (address) => {
    try {
      await using db = await access.connect(address, timeoutMs);
      answers.push(await askServer(db, setId));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      failures.push({ endpoint: addressText(address), error });
    }
  }));
  return { answers, failures };
}

async function askServer(db: Mysql, setId: string): Promise<Answer> {
  const set = await readClusterSet(db);
  const { self, quorum, writable } = await readGroup(db);
  return {
    set,
    runs: self?.state === "ONLINE" && quorum,
    writable,
    holder: (await readLock(db, setId))?.holder,
  };
}
