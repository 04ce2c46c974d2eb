/**
 * Everything that handlers want written, kept until all of them returned.
 *
 * @module
 */
import type { BagScope } from "./juju/commands/relation.ts";
import type { SecretContent, SecretOptions } from "./juju/commands/secret.ts";

/** Pending changes of one databag: a value of `""` removes the key, as in Juju. */
export interface BagEffect {
  readonly relationId: number;
  readonly scope: BagScope;
  readonly values: Map<string, string>;
}

/** A pending change of one secret, in the order of the calls. */
export type SecretEffect =
  | { readonly kind: "set"; readonly uri: string; readonly content?: SecretContent; readonly options: SecretOptions }
  | { readonly kind: "grant" | "revoke"; readonly uri: string; readonly relationId: number; readonly unit?: string }
  | { readonly kind: "remove"; readonly uri: string; readonly revision?: number };

/** A pending port change. */
export interface PortEffect {
  readonly kind: "open" | "close";
  readonly port: string;
  readonly endpoints: readonly string[];
}

/** What an action wants to tell who ran it. */
export interface ActionEffect {
  readonly results: Map<string, string>;
  failure?: string;
}

/** The buffer. Nothing in here has been written yet. */
export class Effects {
  readonly #bags = new Map<string, BagEffect>();
  readonly secrets: SecretEffect[] = [];
  readonly ports: PortEffect[] = [];
  readonly storages: { readonly name: string; readonly count: number }[] = [];
  readonly leaderSettings = new Map<string, string>();
  readonly action: ActionEffect = { results: new Map() };
  /** Secrets that Juju has already reserved an id for; they come into being if the process exits with 0. */
  addedSecrets = 0;
  /** Juju has been given some of this, and drops it only when the process fails. */
  sent = false;
  version: string | undefined;
  reboot: "after" | "now" | undefined;

  /** Pending changes of every databag that has any. */
  get bags(): BagEffect[] {
    return [...this.#bags.values()].filter(({ values }) => values.size > 0);
  }

  /** Pending changes of one databag. */
  bag(relationId: number, scope: BagScope): BagEffect {
    const key = `${relationId}/${scope}`;
    const existing = this.#bags.get(key);
    if (existing) return existing;
    const created: BagEffect = { relationId, scope, values: new Map() };
    this.#bags.set(key, created);
    return created;
  }

  /** A databag as it will be: pending changes over what Juju has. */
  overlay(relationId: number, scope: BagScope, current: Readonly<Record<string, string>>): Record<string, string> {
    const result = { ...current };
    for (const [key, value] of this.bag(relationId, scope).values) {
      if (value === "") delete result[key];
      else result[key] = value;
    }
    return result;
  }
}
