/**
 * storage-get, storage-list, storage-add. Source: contract section 3.4.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import type { HookRun } from "../hook_run.ts";
import type { StorageState } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  RunError,
  UsageError,
} from "./definition.ts";
import { isStorageName } from "./names.ts";

function storageOf(run: HookRun, id: string): StorageState | undefined {
  return run.world.units[run.unit]?.storage.find((item) => item.id === id);
}

function storageGet({ run, args, flags }: CommandCall): CommandResult {
  const id = flags.get("s") ?? run.storageId;
  if (id === null || id === "") throw new UsageError("no storage instance specified");
  const [key = ""] = args;
  checkEmpty(args.slice(1));
  const storage = storageOf(run, id);
  if (!storage) throw new RunError(`storage ${goQuote(id)} not found`);
  const { kind, location } = storage;
  if (key === "") return { value: { kind, location } };
  if (key !== "kind" && key !== "location") throw new RunError(`invalid storage attribute ${goQuote(key)}`);
  return { value: key === "kind" ? kind : location };
}

function storageList({ run, args }: CommandCall): CommandResult {
  const [name] = args;
  checkEmpty(args.slice(1));
  const ids = (run.world.units[run.unit]?.storage ?? []).map((item) => item.id);
  const wanted = ids.filter((id) => name === undefined || id.slice(0, id.lastIndexOf("/")) === name);
  return { value: wanted.sort(), asLines: true };
}

function storageAdd({ run, args }: CommandCall): CommandResult {
  if (args.length === 0) throw new UsageError("storage add requires a storage directive");
  const counts = new Map<string, number>();
  for (const arg of args) {
    const equals = arg.indexOf("=");
    const name = equals < 0 ? arg : arg.slice(0, equals);
    if (name === "") throw new UsageError(`expected "name=directive" or "name", got ${goQuote(arg)}`);
    if (counts.has(name)) throw new UsageError(`storage ${goQuote(name)} specified more than once`);
    counts.set(name, equals < 0 ? 1 : countIn(name, arg.slice(equals + 1)));
  }
  for (const [name, count] of counts) run.storageAdds.push({ name, count });
  return {};
}

/** A directive is `pool,count,size` in any order; storage-add takes the count alone. */
function countIn(name: string, directive: string): number {
  const cannotParse = `cannot parse directives for storage ${goQuote(name)}: `;
  const fields = directive.split(",").filter((field) => field !== "");
  if (fields.length === 0) {
    throw new UsageError(`${cannotParse}storage directives require at least one field to be specified`);
  }
  const [only = ""] = fields;
  const isCount = /^-?\d+$/.test(only);
  if (isCount && Number(only) <= 0) {
    throw new UsageError(`${cannotParse}cannot parse count: count must be greater than zero, got ${goQuote(only)}`);
  }
  if (!isCount || fields.length > 1) throw new UsageError(`only count can be specified for ${goQuote(name)}`);
  return Number(only);
}

/** Commands about storage. */
export const storageCommands: readonly CommandDefinition[] = [
  {
    name: "storage-get",
    usage: "[<key>]",
    purpose: "Print information for the storage instance with the specified ID.",
    flags: (run) => [{
      names: ["s"],
      type: "string",
      usage: "specify a storage instance by id",
      initial: run.storageId ?? "",
      check: (id) => {
        if (!isStorageName(id)) return `invalid storage ID ${goQuote(id)}`;
        return storageOf(run, id) ? undefined : "storage not found";
      },
    }],
    formats: ALL_FORMATS,
    perform: storageGet,
  },
  {
    name: "storage-list",
    usage: "[<storage-name>]",
    purpose: "List storage attached to the unit.",
    formats: ALL_FORMATS,
    perform: storageList,
  },
  {
    name: "storage-add",
    usage: "<charm storage name>[=count] ...",
    purpose: "Add storage instances.",
    perform: storageAdd,
  },
];
