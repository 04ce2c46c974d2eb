/**
 * secret-get, secret-info-get, secret-ids. Source: contract section 6.2.
 *
 * @module
 */
import type { Printable } from "../format.ts";
import { goQuote } from "../go_flags.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  STRUCTURE_FORMATS,
  UsageError,
} from "./definition.ts";
import { fromBase64, parseSecretUri } from "./secret_content.ts";
import { ownedSecrets, readSecret } from "./secret_view.ts";

/** These two commands give one text for every bad URI. */
function uriOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return parseSecretUri(text);
  } catch {
    throw new UsageError(`secret URI ${goQuote(text)} not valid`);
  }
}

function secretGet({ run, args, flags }: CommandCall): CommandResult {
  const id = uriOf(args[0]);
  const label = flags.get("label") ?? "";
  if (id === undefined && label === "") throw new UsageError("require either a secret URI or label");
  const peek = flags.get("peek") === "true";
  const refresh = flags.get("refresh") === "true";
  if (peek && refresh) throw new UsageError("specify one of --peek or --refresh but not both");
  const key = args[1] ?? "";
  checkEmpty(args.slice(2));
  const content = readSecret(run, { id, label, peek, refresh });
  if (key === "") {
    const values = Object.entries(content).map(([name, value]) => [name, fromBase64(value)] as const);
    return { value: Object.fromEntries(values) };
  }
  const name = key.replace(/#base64$/, "");
  const value = Object.hasOwn(content, name) ? content[name] : undefined;
  if (value === undefined) throw new RunError(`secret key value ${goQuote(name)} not found`);
  return { value: name === key ? fromBase64(value) : value };
}

function secretInfoGet({ run, args, flags }: CommandCall): CommandResult {
  const id = uriOf(args[0]);
  const label = flags.get("label") ?? "";
  if (id === undefined && label === "") throw new UsageError("require either a secret URI or label");
  if (id !== undefined && label !== "") throw new UsageError("specify either a secret URI or label but not both");
  checkEmpty(args.slice(1));
  const secret = ownedSecrets(run).find((owned) => (id === undefined ? owned.label === label : owned.id === id));
  if (!secret) throw new RunError(`secret ${goQuote(id ?? label)} not found`);
  const optional = (name: string, value: string): [string, Printable][] => (value === "" ? [] : [[name, value]]);
  const access = secret.access.map(({ target, scope }) =>
    new Map<string, Printable>([["target", target], ["scope", scope], ["role", "view"]])
  );
  const details = new Map<string, Printable>([
    ["revision", secret.revision],
    ["label", secret.label],
    ["owner", secret.owner.includes("/") ? "unit" : "application"],
    ...optional("description", secret.description),
    ...optional("rotation", secret.rotation),
    ...optional("expiry", secret.expiry),
    ...optional("rotates", secret.rotates),
    ...(access.length > 0 ? [["access", access] as [string, Printable]] : []),
  ]);
  return { value: { [secret.id]: details } };
}

function secretIds({ run, args, format }: CommandCall): CommandResult {
  checkEmpty(args);
  const ids = ownedSecrets(run).map((secret) => secret.id);
  return { value: ids.length === 0 && format === "json" ? null : ids, asLines: true };
}

/** Commands that read secrets. */
export const secretReadCommands: readonly CommandDefinition[] = [
  {
    name: "secret-get",
    usage: "<ID> [key[#base64]]",
    purpose: "Get the content of a secret.",
    flags: () => [
      { names: ["label"], type: "string", usage: "a label used to identify the secret in hooks" },
      { names: ["peek"], type: "bool", usage: "get the latest revision just this time" },
      { names: ["refresh"], type: "bool", usage: "get the latest revision and keep it for later calls" },
    ],
    formats: STRUCTURE_FORMATS,
    since: 300,
    perform: secretGet,
  },
  {
    name: "secret-info-get",
    usage: "<ID>",
    purpose: "Get a secret's metadata info.",
    flags: () => [{ names: ["label"], type: "string", usage: "a label used to identify the secret" }],
    formats: STRUCTURE_FORMATS,
    since: 300,
    perform: secretInfoGet,
  },
  {
    name: "secret-ids",
    usage: "",
    purpose: "Print secret IDs.",
    formats: ALL_FORMATS,
    since: 300,
    perform: secretIds,
  },
];
