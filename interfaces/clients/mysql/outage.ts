/**
 * Brings a cluster back when no member runs its group any more.
 *
 * @module
 */
import type { Mysql } from "./connection.ts";
import { OutageError } from "./errors.ts";
import { GtidSet } from "./gtid.ts";
import { addressText, type MemberState, readGroup } from "./members.ts";
import { type Address, readChannels, readServer } from "./status.ts";

/** What a member that was asked knows. */
export interface Knowledge extends Address {
  readonly uuid: string;
  readonly state: MemberState;
  /** Transactions it has executed. */
  readonly executed: GtidSet;
  /** Transactions it has, executed or only received: those are applied when it starts. */
  readonly all: GtidSet;
}

/** Asks a server what it has. @param address by which the cluster knows it */
export async function readKnowledge(db: Mysql, address: Address): Promise<Knowledge> {
  const { self } = await readGroup(db);
  const facts = await readServer(db);
  const channels = await readChannels(db);
  const received = channels.find(({ name }) => name === "group_replication_applier")?.receivedSet ?? "";
  const executed = GtidSet.parse(facts.gtidExecuted);
  return {
    host: address.host,
    port: address.port,
    uuid: facts.uuid,
    state: self?.state ?? "OFFLINE",
    executed,
    all: executed.union(GtidSet.parse(received)),
  };
}

/**
 * Chooses the member to start the group with: one that has everything that any other has.
 *
 * @param asked what the members that answered know
 * @param unasked addresses of members that did not answer: they may have the newest transactions
 * @param force go on without those
 * @throws {OutageError} when a member still runs the group, one was not asked, or none has everything
 */
export function chooseCandidate(
  asked: readonly Knowledge[],
  unasked: readonly string[] = [],
  { force = false }: { readonly force?: boolean } = {},
): Knowledge {
  const running = asked.filter(({ state }) => state === "ONLINE" || state === "RECOVERING").map(addressText);
  if (running.length > 0) {
    throw new OutageError(
      `the cluster is no complete outage: ${running.join(", ")} runs it; let the others rejoin`,
      "running",
      running,
    );
  }
  if (unasked.length > 0 && !force) {
    throw new OutageError(
      `${unasked.join(", ")} did not answer and may have the newest data: bring it back, or force the start without it`,
      "unasked",
      unasked,
    );
  }
  const complete = asked.filter(({ all }) => asked.every((other) => all.contains(other.all)));
  // Of several the one that has least to apply is open for writes first.
  const [best] = complete.filter(({ executed }) => complete.every((other) => executed.contains(other.executed)));
  const chosen = best ?? complete[0];
  if (chosen) return chosen;
  const names = asked.map(addressText);
  throw new OutageError(
    `no member has all transactions of the others (${
      names.join(", ")
    }): decide whose data counts, and clone the others`,
    "diverged",
    names,
  );
}
