/**
 * Connections to the clusters of a set.
 *
 * @module
 */
import { type Attempt, ClientError, ClientTimeoutError, NoQuorumError, UnreachableError } from "../../errors.ts";
import type { Mysql } from "../connection.ts";
import { addressText, type Group, type Member, readGroup } from "../members.ts";
import type { Address } from "../status.ts";

/** How servers of all clusters of a set are reached. */
export interface SetAccess {
  /**
   * Connects to a server of any cluster as an administrator.
   *
   * @param timeoutMs milliseconds for connecting and for each statement
   */
  connect(address: Address, timeoutMs?: number): Promise<Mysql>;
  /** The same where `connect` uses connections again: this one ends when it is closed, and what it holds with it. */
  readonly connectAlone?: SetAccess["connect"];
  /** The user of the role `recovery` that clusters replicate with; all have it with this password. */
  readonly replication: { readonly user: string; readonly password: string };
  /** Who acts, such as a unit's name; others see it while this one changes the set. */
  readonly holder: string;
}

/** A server of a cluster, and a connection to it. */
export interface OpenMember extends Member {
  readonly db: Mysql;
}

/** A running cluster with connections to its online members. */
export interface OpenCluster extends AsyncDisposable {
  readonly group: Group;
  readonly primary: OpenMember;
  readonly secondaries: readonly OpenMember[];
  /** Members that are online but cannot be reached from here. */
  readonly unreachable: readonly Member[];
}

/** Milliseconds for connecting to a server that may be dead, and for each statement. */
export const CONNECT_MS = 5000;

/** Primary last: no election follows what is done to the others. */
export function membersOf({ primary, secondaries }: OpenCluster): readonly OpenMember[] {
  return [...secondaries, primary];
}

/** Whether an error of {@linkcode openCluster} says that nobody can write there, as far as can be seen from here. */
export function isGone(error: unknown): boolean {
  return isAway(error) || error instanceof NoQuorumError;
}

/**
 * Connects to all online members of a cluster.
 *
 * @param known addresses of its servers; members that they tell of are found too
 * @param failed those of them that are not tried, because they did not answer a moment ago
 * @throws {UnreachableError} when none answers
 * @throws {NoQuorumError} when those that answer are in no group that has a primary and a majority
 * @throws {ClientError} when the cluster runs but its primary cannot be reached, or a server that runs lets us not in
 */
export async function openCluster(
  access: SetAccess,
  known: readonly Address[],
  timeoutMs: number = CONNECT_MS,
  failed: readonly Failure[] = [],
): Promise<OpenCluster> {
  const open = new Map<string, Mysql>();
  const close = async () => void await Promise.all([...open.values()].map((db) => db.close()));
  try {
    const rest = known.filter((address) => !failureAt(failed, address));
    const failures = [...failed, ...await connectAll(access, rest, timeoutMs, open)];
    const groups = await readGroups(open, failures);
    if (open.size === 0) throw reasonOf(failures);
    const group = groups.find(({ quorum, primary }) => quorum && primary);
    const primary = group?.primary;
    if (!group || !primary) {
      const missing = failures.length > 0 ? reasonOf(failures) : undefined;
      // A server that lets us not in may take writes, whatever others say.
      if (missing && !isAway(missing)) throw missing;
      throw new NoQuorumError(`the cluster of ${[...open.keys()].join(", ")} does not run; start it first`);
    }
    const online = group.members.filter(({ state }) => state === "ONLINE");
    const others = online.filter((member) => !open.has(addressText(member)) && !failureAt(failures, member));
    await connectAll(access, others, timeoutMs, open);
    const members = online.flatMap((member) => {
      const db = open.get(addressText(member));
      return db ? [{ ...member, db }] : [];
    });
    const found = members.find(({ uuid }) => uuid === primary.uuid);
    if (!found) {
      const where = addressText(primary);
      throw new ClientError(
        `the cluster runs, but its primary ${where} does not let us in; check that it answers here`,
      );
    }
    return {
      group,
      primary: found,
      secondaries: members.filter((member) => member !== found),
      unreachable: online.filter((member) => !open.has(addressText(member))),
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The group as each server sees it. One that ends meanwhile is one that did not answer. */
async function readGroups(open: Map<string, Mysql>, failures: Failure[]): Promise<Group[]> {
  const groups = await Promise.all([...open].map(async ([endpoint, db]) => {
    try {
      return await readGroup(db);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      failures.push({ endpoint, error });
      open.delete(endpoint);
      await db.close();
      return undefined;
    }
  }));
  return groups.filter((group) => group !== undefined);
}

/** Why there is no connection to a server. */
export interface Failure {
  readonly endpoint: string;
  readonly error: ClientError;
}

/** Why there was no connection to a server a moment ago; undefined for those that were not tried, or answered. */
export function failureAt(failures: readonly Failure[], address: Address): ClientError | undefined {
  return failures.find(({ endpoint }) => endpoint === addressText(address))?.error;
}

/** Of several servers: a server that runs and lets us not in tells more than those that do not answer. */
export function reasonOf(failures: readonly Failure[]): ClientError {
  return failures.find(({ error }) => !isAway(error))?.error ?? new UnreachableError(failures.map(attemptOf));
}

async function connectAll(
  access: SetAccess,
  addresses: readonly Address[],
  timeoutMs: number,
  open: Map<string, Mysql>,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  await Promise.all(addresses.map(async (address) => {
    try {
      open.set(addressText(address), await access.connect(address, timeoutMs));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      failures.push({ endpoint: addressText(address), error });
    }
  }));
  return failures;
}

function isAway(error: unknown): error is UnreachableError | ClientTimeoutError {
  return error instanceof UnreachableError || error instanceof ClientTimeoutError;
}

function attemptOf({ endpoint, error }: Failure): Attempt {
  return { endpoint, reason: isAway(error) && error.attempts[0]?.reason || error.message };
}
