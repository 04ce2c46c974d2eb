/**
 * From a name and the hook environment to a typed event. Pure: it reads nothing but its arguments.
 *
 * @module
 */
import type { CharmMetadata } from "./charm/metadata.ts";
import { type HookMatch, looksLikeHook, matchHook, parseUnitName } from "./charm/names.ts";
import { EnvironmentError } from "./errors.ts";
import type { ActionEvent, Event, RelationEvent, SecretEvent, StorageEvent } from "./event.ts";
import type { JujuEnvironment } from "./juju/environment.ts";

/** A hook or an action, as Juju names it. */
export type HookInvocation = { readonly kind: "hook" | "action"; readonly name: string };

/** What the executable was started for. */
export type Invocation = HookInvocation | { readonly kind: "cli" };

/**
 * Decides what the executable was started for. The first rule that fits counts:
 *
 * 1. Arguments: the command line. Juju starts hooks and actions without any (contract section 1.1), so somebody typed
 *    them; in `juju debug-hooks`, `hooks/charmlet --flags` and `./dispatch --dry-run` must not run the hook.
 * 2. `JUJU_DISPATCH_PATH`: what it names, however the executable is called. So in `juju debug-hooks` both `./dispatch`
 *    and `./hooks/install` run the hook that the session is for.
 * 3. `hooks/NAME` with the form of a hook's name, or `actions/NAME`, at the end of `argv[0]`: by hand in `juju exec`, and
 *    agents before 2.8. `hooks/charmlet` is no hook: it is the executable itself, dropped there.
 * 4. `JUJU_ACTION_NAME` or `JUJU_HOOK_NAME`.
 * 5. The command line; but `dispatch` is nothing that a user calls without a hook.
 *
 * @param argv0 as the process was started
 * @param args arguments after `argv[0]`
 * @throws {EnvironmentError} `dispatch` without a hook, or a malformed `JUJU_DISPATCH_PATH`
 */
export function route(argv0: string, args: readonly string[], environment: JujuEnvironment): Invocation {
  if (args.length > 0) return { kind: "cli" };
  const [directory, base] = ["", ...argv0.split("/")].slice(-2);
  const named = environment.dispatchPath === "" ? invocationByPath(directory, base) : undefined;
  const invocation = named ?? invocationOf(environment);
  if (invocation) return invocation;
  if (base === "dispatch") {
    throw new EnvironmentError(
      "JUJU_DISPATCH_PATH is not set, so dispatch cannot tell which hook to run: " +
        "run a hook by its name, such as hooks/update-status, or in juju debug-hooks",
    );
  }
  return { kind: "cli" };
}

/**
 * The hook or action that the environment alone names; undefined outside of one, as under juju-exec.
 *
 * @throws {EnvironmentError} `JUJU_DISPATCH_PATH` is malformed
 */
export function invocationOf(environment: JujuEnvironment): HookInvocation | undefined {
  const { dispatchPath, actionName, hookName } = environment;
  if (dispatchPath !== "") {
    const [, directory, name] = /^(hooks|actions)\/([^/\s]+)$/.exec(dispatchPath) ?? [];
    if (name === undefined) {
      throw malformed("JUJU_DISPATCH_PATH", dispatchPath, "must be hooks/NAME or actions/NAME");
    }
    return { kind: directory === "actions" ? "action" : "hook", name };
  }
  if (actionName !== "") return { kind: "action", name: actionName };
  return hookName === "" ? undefined : { kind: "hook", name: hookName };
}

function invocationByPath(directory = "", base = ""): HookInvocation | undefined {
  if (directory === "hooks" && looksLikeHook(base)) return { kind: "hook", name: base };
  return directory === "actions" && base !== "" ? { kind: "action", name: base } : undefined;
}

/**
 * Makes the event of a hook or action. An action always gets one: whether the charm has it is asked where it runs.
 *
 * @returns undefined for a hook that the charm does not have
 * @throws {EnvironmentError} a variable that the event needs is missing or malformed
 */
export function toEvent(
  invocation: HookInvocation,
  environment: JujuEnvironment,
  charm: CharmMetadata,
): Event | undefined {
  const { kind, name } = invocation;
  checkUnit(name, environment.unitName);
  if (kind === "action") return actionEvent(name, environment);
  const match = matchHook(name, charm);
  switch (match?.kind) {
    case undefined:
      return undefined;
    case "lifecycle": {
      const targetBase = match.hook === "pre-series-upgrade" ? environment.targetBase : "";
      return { ...match, name, ...given({ targetBase }) };
    }
    case "relation":
      return relationEvent(name, match, environment);
    case "storage":
      return storageEvent(name, match, environment);
    case "secret":
      return secretEvent(name, match, environment);
    case "workload": {
      const { noticeId, noticeType, noticeKey, pebbleCheckName: checkName } = environment;
      return { ...match, name, ...given({ noticeId, noticeType, noticeKey, checkName }) };
    }
  }
}

/** Charms make file names of the unit's name. */
function checkUnit(hook: string, unit: string): void {
  if (unit === "") throw missing(hook, "JUJU_UNIT_NAME");
  if (!parseUnitName(unit)) throw malformed("JUJU_UNIT_NAME", unit, "must be a unit such as db/0");
}

type MatchOf<K extends HookMatch["kind"]> = Extract<HookMatch, { kind: K }>;

function actionEvent(name: string, environment: JujuEnvironment): ActionEvent {
  const actionId = environment.actionUuid || environment.actionTag.replace(/^action-/, "");
  if (actionId === "") {
    throw new EnvironmentError(`JUJU_ACTION_UUID is not set: run the action with: juju run UNIT ${name}`);
  }
  return { kind: "action", name, actionId };
}

function relationEvent(name: string, match: MatchOf<"relation">, environment: JujuEnvironment): RelationEvent {
  const { phase, endpoint } = match;
  const relationId = parseRelationId(name, endpoint.name, environment.relationId);
  const isOfRelation = phase === "created" || phase === "broken";
  const remoteUnit = isOfRelation ? "" : parseRemoteUnit(environment.remoteUnit);
  if (remoteUnit === "" && (phase === "joined" || phase === "departed")) throw missing(name, "JUJU_REMOTE_UNIT");
  const departingUnit = phase === "departed" ? environment.departingUnit : "";
  if (departingUnit !== "" && !parseUnitName(departingUnit)) {
    throw malformed("JUJU_DEPARTING_UNIT", departingUnit, "must be a unit such as db/0");
  }
  // Agents before 2.7 name no application, and some leave it out of relation-broken.
  const derived = remoteUnit || (endpoint.role === "peers" ? environment.unitName : "");
  const remoteApp = environment.remoteApp || (parseUnitName(derived)?.application ?? "");
  if (remoteApp === "" && !isOfRelation) throw missing(name, "JUJU_REMOTE_APP");
  if (remoteApp !== "" && !/^[a-z][a-z0-9-]*$/.test(remoteApp)) {
    throw malformed("JUJU_REMOTE_APP", remoteApp, "must be an application such as db");
  }
  return { ...match, name, relationId, remoteApp, ...given({ remoteUnit, departingUnit }) };
}

function parseRelationId(hook: string, endpoint: string, text: string): number {
  if (text === "") throw missing(hook, "JUJU_RELATION_ID");
  const [, name, digits] = /^(.+):(\d{1,15})$/.exec(text) ?? [];
  if (digits === undefined) throw malformed("JUJU_RELATION_ID", text, `must be such as ${endpoint}:7`);
  if (name !== endpoint) {
    throw malformed("JUJU_RELATION_ID", text, `is not of endpoint ${endpoint}, whose hook ${hook} is`);
  }
  return Number(digits);
}

function parseRemoteUnit(text: string): string {
  if (text === "" || parseUnitName(text)) return text;
  throw malformed("JUJU_REMOTE_UNIT", text, "must be a unit such as db/0");
}

/** A storage that is not provisioned yet has none of the variables. */
function storageEvent(name: string, match: MatchOf<"storage">, environment: JujuEnvironment): StorageEvent {
  const { storageId, storageLocation: location, storageKind } = environment;
  if (storageId !== "" && !(storageId.startsWith(`${match.storage}/`) && /\/\d+$/.test(storageId))) {
    throw malformed("JUJU_STORAGE_ID", storageId, `must be such as ${match.storage}/0`);
  }
  return { ...match, name, ...given({ storageId, location, storageKind }) };
}

function secretEvent(name: string, match: MatchOf<"secret">, environment: JujuEnvironment): SecretEvent {
  const { secretId, secretLabel: label, secretRevision } = environment;
  if (secretId === "") throw missing(name, "JUJU_SECRET_ID");
  const event = { ...match, name, secretId, ...given({ label }) };
  if (match.phase === "changed" || match.phase === "rotate") return event;
  if (secretRevision === "") throw missing(name, "JUJU_SECRET_REVISION");
  if (!/^[1-9]\d{0,14}$/.test(secretRevision)) {
    throw malformed("JUJU_SECRET_REVISION", secretRevision, "must be a number from 1");
  }
  return { ...event, revision: Number(secretRevision) };
}

/** Those fields that are not empty. */
function given<K extends string>(fields: Readonly<Record<K, string>>): { readonly [P in K]?: string } {
  const entries = Object.entries(fields).filter(([, value]) => value !== "");
  return Object.fromEntries(entries) as { readonly [P in K]?: string };
}

function missing(hook: string, variable: string): EnvironmentError {
  return new EnvironmentError(
    `${variable} is not set, which ${hook} needs: let Juju run the hook, or use juju debug-hooks`,
  );
}

function malformed(variable: string, value: string, problem: string): EnvironmentError {
  return new EnvironmentError(`${variable} is ${JSON.stringify(value)} but ${problem}: let Juju set it`);
}
