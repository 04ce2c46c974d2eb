/**
 * Copies all data of a member to a server, in place of the server's own.
 *
 * @module
 */
import { ClientTimeoutError, UnreachableError } from "../errors.ts";
import type { Mysql } from "./connection.ts";
import { NotDoneError } from "./errors.ts";
import { GtidSet } from "./gtid.ts";
import type { Patience } from "./group.ts";
import { checkedAddress } from "./instance.ts";
import { readGroup } from "./members.ts";
import { account, sql } from "./quoting.ts";
import { numberIn, textIn } from "./rows.ts";
import { type Address, orNone } from "./status.ts";

/** Whom to copy from, and as whom. */
export interface CloneSource extends Address {
  /** The recovery user as the source has it. */
  readonly user: string;
  readonly password: string;
}

/** What a server says of its last copy. */
export interface CloneState {
  readonly state: "none" | "running" | "completed" | "failed";
  /** MySQL's number of what went wrong; 0 without it. */
  readonly errorNumber: number;
  /** Such as `10.0.0.1:3306`. */
  readonly source: string;
  /** Transactions that came with it. */
  readonly gtidExecuted: string;
}

/** How a server gets the data that it lacks. */
export type JoinMethod =
  | { readonly method: "incremental" }
  | { readonly method: "clone" }
  /** It has transactions that the group does not have. */
  | { readonly method: "refused"; readonly errant: string };

const CLONE_MS = 6 * 3600 * 1000;

/**
 * How a server can join. Only a clone, which deletes them, makes errant transactions go away: that is for people to say.
 *
 * @param facts.joiner transactions that the server has executed
 * @param facts.group those that the group has executed, read after the joiner's
 * @param facts.purged for each possible donor, those that it can no longer give
 * @throws {InputError} when one is no set
 */
export function joinMethod(
  facts: { readonly joiner: string; readonly group: string; readonly purged: readonly string[] },
): JoinMethod {
  const joiner = GtidSet.parse(facts.joiner);
  const errant = joiner.subtract(GtidSet.parse(facts.group));
  if (!errant.isEmpty) return { method: "refused", errant: `${errant}` };
  const donors = facts.purged.map((purged) => GtidSet.parse(purged));
  // Any member may be chosen as the donor: each has to have what is missing.
  const canGive = donors.length > 0 && donors.every((purged) => joiner.contains(purged));
  return { method: canGive ? "incremental" : "clone" };
}

/**
 * Copies everything from a member: data, users, passwords, channels. What the server had is gone; its settings stay. It
 * restarts itself at the end, where its supervisor starts it again after exit code 16.
 *
 * @returns `restarting` when the copy is complete, `running` when the patience is at its end: look with
 * {@linkcode readClone}; the connection is of no more use in both cases
 * @throws {NotDoneError} when the server is an active member
 * @throws {ServerError} when source, user or password are wrong or the servers do not fit
 */
export async function cloneFrom(
  db: Mysql,
  source: CloneSource,
  { patienceMs = CLONE_MS }: Patience = {},
): Promise<"restarting" | "running"> {
  if ((await readClone(db)).state === "running") return "running";
  const { self } = await readGroup(db);
  if (self && self.state !== "OFFLINE") {
    throw new NotDoneError(
      `MySQL at ${db.endpoint} is ${self.state} in its group: stop it there before its data is replaced`,
    );
  }
  const address = checkedAddress(source);
  await db.run("open the server for its new data", sql`SET GLOBAL super_read_only = OFF`);
  await db.run("name the member to copy from", sql`SET GLOBAL clone_valid_donor_list = ${address}`);
  try {
    await db.run(
      "copy a member's data",
      sql`CLONE INSTANCE FROM ${account(source.user, source.host)}:${source.port} IDENTIFIED BY ${source.password}
        REQUIRE SSL`,
      { timeoutMs: patienceMs },
    );
    return "restarting";
  } catch (error) {
    if (error instanceof UnreachableError) return "restarting";
    if (error instanceof ClientTimeoutError) return "running";
    await db.run("close the server again", sql`SET GLOBAL super_read_only = ON`).catch(() => undefined);
    throw error;
  }
}

/** What became of the last copy, which may have been long ago. */
export async function readClone(db: Mysql): Promise<CloneState> {
  const [row] = await orNone(db.query(
    "read the state of the copy",
    sql`SELECT STATE AS state, ERROR_NO AS error, SOURCE AS source, GTID_EXECUTED AS executed
      FROM performance_schema.clone_status`,
  ));
  if (!row) return { state: "none", errorNumber: 0, source: "", gtidExecuted: "" };
  const states = { "Not Started": "none", "In Progress": "running", Completed: "completed", Failed: "failed" } as const;
  return {
    state: states[textIn(row, "state") as keyof typeof states] ?? "failed",
    errorNumber: numberIn(row, "error"),
    source: textIn(row, "source"),
    gtidExecuted: textIn(row, "executed").replace(/\s+/g, ""),
  };
}
