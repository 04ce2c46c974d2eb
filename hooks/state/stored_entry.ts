/**
 * Checks of deferred entries as they are stored: another version of the executable may have written them.
 *
 * @module
 */
import { looksLikeHook } from "../charm/names.ts";
import type { DeferredEntry } from "../deferral.ts";
import { LIFECYCLE_HOOKS } from "../event.ts";
import { isRecord } from "../juju/shape.ts";

/** Milliseconds around 1970 beyond which there are no dates. */
const MAX_TIME = 8.64e15;

type Fields = Readonly<Record<string, unknown>>;

/** What an event of each kind has to have beside its name. */
const EVENTS: ReadonlyMap<unknown, (event: Fields) => boolean> = new Map<unknown, (event: Fields) => boolean>([
  ["lifecycle", ({ hook, targetBase }) => LIFECYCLE_HOOKS.some((name) => name === hook) && isOptional(targetBase)],
  ["relation", isRelationEvent],
  [
    "storage",
    ({ storage, storageId, location, storageKind }) =>
      isText(storage) && [storageId, location, storageKind].every(isOptional),
  ],
  [
    "secret",
    ({ secretId, label, revision }) =>
      isText(secretId) && isOptional(label) && (revision === undefined || Number.isInteger(revision)),
  ],
  [
    "workload",
    ({ container, noticeId, noticeType, noticeKey, checkName }) =>
      isText(container) && [noticeId, noticeType, noticeKey, checkName].every(isOptional),
  ],
]);

/** Whether a stored value is a deferred entry with everything that running it needs. */
export function isEntry(value: unknown): value is DeferredEntry {
  if (!isRecord(value) || !isRecord(value.event)) return false;
  const { handler, event, reason, firstSeen, attempts, due, deadline } = value;
  return isText(handler) && isText(reason) && isTime(firstSeen) && isTime(due) && Number.isInteger(attempts) &&
    (deadline === undefined || isTime(deadline)) && isNamed(event) && EVENTS.get(event.kind)?.(event) === true;
}

/** The phase is a word of the hook's name; lifecycle hooks have none. */
function isNamed({ name, kind, phase }: Fields): boolean {
  if (!isText(name) || !looksLikeHook(name)) return false;
  return kind === "lifecycle" || (isText(phase) && phase !== "" && name.endsWith(`-${phase}`));
}

function isRelationEvent({ endpoint, relationId, remoteApp, remoteUnit, departingUnit }: Fields): boolean {
  return isRecord(endpoint) && isText(endpoint.name) && isText(endpoint.role) && isText(endpoint.interface) &&
    Number.isSafeInteger(relationId) && isText(remoteApp) && isOptional(remoteUnit) && isOptional(departingUnit);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isOptional(value: unknown): boolean {
  return value === undefined || isText(value);
}

function isTime(value: unknown): boolean {
  return typeof value === "number" && Math.abs(value) <= MAX_TIME;
}
