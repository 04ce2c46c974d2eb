/**
 * Codecs of the databags. Absent and empty are alike; unknown keys are nobody's business and stay.
 *
 * @module
 */
import { ValueError } from "../../hooks/errors.ts";
import type { BagData } from "../../hooks/relation.ts";
import { isHost, text } from "../databag.ts";
import { APP, membersKey, UNIT } from "./keys.ts";
import type { Substrate } from "./names.ts";

/** More entries than this are no cluster. */
const MAX_MEMBERS = 256;

/** The application's databag breaks the contract: nothing of it is overwritten until someone has mended it. */
export class ContractError extends ValueError {}

/** What the application's databag says. */
export interface ApplicationBag {
  readonly initialised: boolean;
  /** Addresses of the units that are part of the cluster, each once, in the order of their addition. */
  readonly members: readonly string[];
}

/** What a peer's databag says. */
export interface UnitBag {
  /** Absent when there is none that can be used. */
  readonly address?: string;
  readonly tls: boolean;
  readonly restarted: boolean;
}

/**
 * Reads the application's databag.
 *
 * @throws {ContractError} when the list of members is no JSON list of addresses, or far too long
 */
export function readApplicationBag(data: BagData, substrate: Substrate): ApplicationBag {
  return { initialised: present(data, APP.initialised), members: readMembers(data, membersKey(substrate)) };
}

/** Reads a unit's databag; an address that is none counts as not there. */
export function readUnitBag(data: BagData): UnitBag {
  const address = text(data, UNIT.address, undefined, 253);
  return {
    ...address !== undefined && isHost(address) ? { address } : {},
    tls: text(data, UNIT.tls) === "enabled",
    restarted: present(data, UNIT.restarted),
  };
}

/** A list of members as the databag has it, each once; `""` takes the key away. */
export function writeMembers(members: readonly string[]): string {
  const unique = [...new Set(members)];
  return unique.length === 0 ? "" : JSON.stringify(unique);
}

function readMembers(data: BagData, key: string): readonly string[] {
  const value = Object.hasOwn(data, key) ? data[key] : undefined;
  if (value === undefined || value === "") return [];
  const refuse = (why: string) =>
    new ContractError(`${key} of the application's databag ${why}: mend it with juju exec and relation-set --app`);
  if (value.length > MAX_MEMBERS * 300) throw refuse("is far too long");
  const list = parse(value);
  if (!Array.isArray(list)) throw refuse("is no JSON list");
  if (!list.every((entry): entry is string => typeof entry === "string" && isHost(entry))) {
    throw refuse("has an entry that is no address");
  }
  const unique = [...new Set(list)];
  if (unique.length > MAX_MEMBERS) throw refuse(`has ${unique.length} entries, at most ${MAX_MEMBERS} make sense`);
  return unique;
}

function parse(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

function present(data: BagData, key: string): boolean {
  return Object.hasOwn(data, key) && data[key] !== "";
}
