/**
 * secret-add, secret-set, secret-remove. Source: contract section 6.2.
 *
 * @module
 */
import type { FlagSpec } from "../go_flags.ts";
import { goQuote } from "../go_flags.ts";
import { type HookRun, isLeader, type SecretMetadata } from "../hook_run.ts";
import {
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";
import { contentFromArgs, contentFromFile, parseSecretUri, reserveSecretId } from "./secret_content.ts";
import { checkMayManage, ownedSecrets, printedTime } from "./secret_view.ts";

const ROTATIONS: readonly string[] = ["never", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"];
const DURATION =
  /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/;
const UNIT_MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  "µs": 1e-3,
  "μs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

interface Upsert extends SecretMetadata {
  readonly owner: "application" | "unit";
  readonly content: Record<string, string>;
}

function upsertOf(call: CommandCall, args: readonly string[]): Upsert {
  const { flags, run } = call;
  const metadata: SecretMetadata = {};
  const expire = flags.get("expire");
  if (expire) metadata.expiry = expiryOf(expire, run.world.now);
  const rotation = flags.get("rotate");
  if (rotation && !ROTATIONS.includes(rotation)) throw new UsageError(`rotate policy ${goQuote(rotation)} not valid`);
  if (rotation) metadata.rotation = rotation;
  const owner = flags.get("owner") ?? "application";
  if (owner !== "application" && owner !== "unit") throw new UsageError(`secret owner ${goQuote(owner)} not valid`);
  const label = flags.get("label");
  if (label) metadata.label = label;
  const description = flags.get("description");
  if (description) metadata.description = description;
  const fromArgs = contentFromArgs(args);
  const file = flags.get("file");
  return { ...metadata, owner, content: file ? { ...fromArgs, ...contentFromFile(file) } : fromArgs };
}

/** RFC 3339, the same without a zone (UTC), or a Go duration from now. */
function expiryOf(text: string, now: number): string {
  const time = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)?$/i.exec(text);
  const parsed = time ? Date.parse(time[2] ? text : `${text}Z`) : Number.NaN;
  if (!Number.isNaN(parsed)) return printedTime(parsed);
  if (!DURATION.test(text)) throw new UsageError(`expire time or duration ${goQuote(text)} not valid`);
  let milliseconds = 0;
  for (const [, amount = "", unit = ""] of text.matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    milliseconds += Number(amount) * (UNIT_MILLISECONDS[unit] ?? 0);
  }
  if (text.startsWith("-") || milliseconds <= 0) {
    throw new UsageError(`negative expire duration ${goQuote(text)} not valid`);
  }
  return printedTime(now + milliseconds);
}

function secretAdd(call: CommandCall): CommandResult {
  const { run, args, flags } = call;
  if (args.length === 0 && !flags.get("file")) throw new UsageError("missing secret value or filename");
  const { owner, ...secret } = upsertOf(call, args);
  if (Object.keys(secret.content).length === 0) throw new RunError("empty secret value not valid");
  if (owner === "application" && !isLeader(run)) throw new RunError("this unit is not the leader");
  checkLabelFree(run, secret.label, undefined);
  const id = reserveSecretId(run.world, (taken) => run.secretAdds.has(taken));
  run.secretAdds.set(id, { ...secret, id, owner: owner === "unit" ? run.unit : run.app });
  return { text: `secret:${id}\n` };
}

function secretSet(call: CommandCall): CommandResult {
  const { run, args } = call;
  const [uri, ...pairs] = args;
  if (uri === undefined) throw new UsageError("missing secret URI");
  const id = parseSecretUri(uri);
  const { owner: _owner, content, ...metadata } = upsertOf(call, pairs);
  checkMayManage(run, id);
  checkLabelFree(run, metadata.label, id);
  const hasContent = Object.keys(content).length > 0;
  const added = run.secretAdds.get(id);
  if (added) {
    run.secretAdds.set(id, { ...added, ...metadata, ...(hasContent ? { content } : {}) });
  } else {
    run.secretSets.set(id, { ...run.secretSets.get(id), id, ...metadata, ...(hasContent ? { content } : {}) });
  }
  return {};
}

/** Labels are unique per owner. */
function checkLabelFree(run: HookRun, label: string | undefined, id: string | undefined): void {
  if (label && ownedSecrets(run).some((secret) => secret.label === label && secret.id !== id)) {
    throw new RunError(`secret with label ${goQuote(label)} already exists`);
  }
}

function secretRemove({ run, args, flags }: CommandCall): CommandResult {
  const [uri] = args;
  if (uri === undefined) throw new UsageError("missing secret URI");
  const id = parseSecretUri(uri);
  checkEmpty(args.slice(1));
  checkMayManage(run, id);
  const revision = Number(flags.get("revision") ?? 0);
  if (run.secretAdds.delete(id)) {
    const others = run.secretGrants.filter((grant) => grant.id !== id);
    run.secretGrants.splice(0, run.secretGrants.length, ...others);
  } else if (revision <= 0) {
    run.secretRemoves.set(id, "all");
  } else {
    const earlier = run.secretRemoves.get(id) ?? [];
    if (earlier !== "all") run.secretRemoves.set(id, [...new Set([...earlier, revision])]);
  }
  return {};
}

const UPSERT_FLAGS: readonly FlagSpec[] = [
  { names: ["expire"], type: "string", usage: "either a duration or time when the secret should expire" },
  { names: ["rotate"], type: "string", usage: "the secret rotation policy" },
  { names: ["description"], type: "string", usage: "the secret description" },
  { names: ["label"], type: "string", usage: "a label used to identify the secret in hooks" },
  { names: ["file"], type: "string", usage: "a YAML file containing secret key values" },
  { names: ["owner"], type: "string", usage: "the owner of the secret, application or unit", initial: "application" },
];

/** Commands that change secrets. */
export const secretWriteCommands: readonly CommandDefinition[] = [
  {
    name: "secret-add",
    usage: "[key[#base64|#file]=value...]",
    purpose: "Add a new secret.",
    flags: () => UPSERT_FLAGS,
    since: 300,
    perform: secretAdd,
  },
  {
    name: "secret-set",
    usage: "<ID> [key[#base64]=value...]",
    purpose: "Update an existing secret.",
    flags: () => UPSERT_FLAGS,
    since: 300,
    perform: secretSet,
  },
  {
    name: "secret-remove",
    usage: "<ID>",
    purpose: "Remove an existing secret.",
    flags: () => [{ names: ["revision"], type: "int", usage: "remove the specified revision", initial: "0" }],
    since: 300,
    perform: secretRemove,
  },
];
