/**
 * Transactions: comparisons, and what is done at once if all of them hold, or else.
 *
 * @module
 */
import { ReplyError } from "../errors.ts";
import { isObject, type JsonObject } from "../http/json.ts";
import type { Connection } from "./connection.ts";
import { type KeyValue, putBody, readKeyValue, type WriteOptions } from "./kv.ts";
import { type Bytes, child, count, encode, encodeKey, list, prefixRange, revisionOf } from "./values.ts";

/** How two things are compared. */
export type Comparison = "=" | "!=" | "<" | ">";

/** A condition about one key; a key that does not exist has createRevision, modRevision and version 0. */
export type Condition =
  & { readonly key: Bytes; readonly is?: Comparison }
  & (
    | { readonly createRevision: bigint }
    | { readonly modRevision: bigint }
    | { readonly version: bigint }
    | { readonly value: Bytes }
  );

/** One step of a transaction. */
export type Operation =
  | { readonly put: Bytes; readonly value: Bytes; readonly lease?: string }
  | { readonly get: Bytes }
  | { readonly getPrefix: Bytes }
  | { readonly delete: Bytes }
  | { readonly deletePrefix: Bytes };

/** A transaction; without `when` the steps of `then` are done. */
export interface Transaction extends WriteOptions {
  readonly when?: readonly Condition[];
  readonly then?: readonly Operation[];
  readonly otherwise?: readonly Operation[];
}

/** What one step gave: the keys of a get, the number of keys of a delete. */
export interface OperationResult {
  readonly found: readonly KeyValue[];
  readonly deleted: number;
}

/** What a transaction did. */
export interface TransactionResult {
  /** Whether all conditions held, so that `then` was done. */
  readonly succeeded: boolean;
  readonly revision: bigint;
  /** One for each step that was done, in order. */
  readonly results: readonly OperationResult[];
}

const COMPARISONS: Readonly<Record<Comparison, string>> = {
  "=": "EQUAL",
  "!=": "NOT_EQUAL",
  "<": "LESS",
  ">": "GREATER",
};

/**
 * Runs a transaction. One that only reads is repeated like a read.
 *
 * @throws {ClientError} with `outcomeUnknown` when a write may have taken effect
 */
export async function runTransaction(
  connection: Connection,
  { when = [], then = [], otherwise = [], repeatable }: Transaction,
): Promise<TransactionResult> {
  const reads = [...then, ...otherwise].every((operation) => "get" in operation || "getPrefix" in operation);
  const body = {
    compare: when.map(conditionBody),
    success: then.map(operationBody),
    failure: otherwise.map(operationBody),
  };
  const reply = await connection.call("/v3/kv/txn", body, { repeatable: repeatable ?? reads });
  const succeeded = reply.succeeded === true;
  const results = list(reply, "responses").map(readResult);
  if (results.length !== (succeeded ? then : otherwise).length) {
    throw new ReplyError("etcd's reply to a transaction has too few results; check the endpoint");
  }
  return { succeeded, revision: revisionOf(reply), results };
}

function conditionBody(condition: Condition): JsonObject {
  const common = { key: encodeKey(condition.key), result: COMPARISONS[condition.is ?? "="] };
  if ("createRevision" in condition) {
    return { ...common, target: "CREATE", create_revision: `${condition.createRevision}` };
  }
  if ("modRevision" in condition) return { ...common, target: "MOD", mod_revision: `${condition.modRevision}` };
  if ("version" in condition) return { ...common, target: "VERSION", version: `${condition.version}` };
  return { ...common, target: "VALUE", value: encode(condition.value) };
}

function operationBody(operation: Operation): JsonObject {
  if ("put" in operation) return { request_put: putBody(operation.put, operation.value, operation.lease) };
  if ("get" in operation) return { request_range: { key: encodeKey(operation.get) } };
  if ("getPrefix" in operation) return { request_range: prefixRange(operation.getPrefix) };
  if ("delete" in operation) return { request_delete_range: { key: encodeKey(operation.delete) } };
  return { request_delete_range: prefixRange(operation.deletePrefix) };
}

function readResult(response: JsonObject): OperationResult {
  const [only] = Object.values(response);
  if (!isObject(only)) throw new ReplyError("etcd's reply to a transaction cannot be read; check the endpoint");
  return {
    found: list(child(response, "response_range"), "kvs").map(readKeyValue),
    deleted: count(child(response, "response_delete_range"), "deleted"),
  };
}
