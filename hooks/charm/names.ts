/**
 * Names of hooks, actions and units. Hook names are matched as a whole: they hold the names of endpoints, storages and
 * containers verbatim, which contain hyphens and may themselves look like hook names (`x-relation`).
 *
 * @module
 */
import {
  LIFECYCLE_HOOKS,
  type LifecycleHook,
  type PebblePhase,
  type RelationPhase,
  type SecretPhase,
  type StoragePhase,
} from "../event.ts";
import type { CharmMetadata, Endpoint } from "./metadata.ts";

/** `juju upgrade-machine`, up to Juju 3.6: hooks of machine charms. */
const SERIES_UPGRADE = ["pre-series-upgrade", "post-series-upgrade"] as const;

const RELATION_PHASES: readonly RelationPhase[] = ["created", "joined", "changed", "departed", "broken"];
const STORAGE_PHASES: readonly StoragePhase[] = ["attached", "detaching"];
const PEBBLE_PHASES: readonly PebblePhase[] = ["ready", "custom-notice", "check-failed", "check-recovered"];
const SECRET_PHASES: readonly SecretPhase[] = ["changed", "expired", "remove", "rotate"];

/** Metrics hooks run in a restricted context in which most hook commands fail. */
const NOT_INSTALLED: ReadonlySet<string> = new Set(["collect-metrics", "meter-status-changed", ...SERIES_UPGRADE]);

/** Hooks of every charm. Source: contract section 9.2 (juju internal/charm/hooks). */
const ALWAYS: readonly string[] = [
  ...LIFECYCLE_HOOKS.filter((name) => !NOT_INSTALLED.has(name)),
  ...SECRET_PHASES.map((phase) => `secret-${phase}`),
];

const MAX_LENGTH = 200;
const LETTERS_IN_EVERY_PART = /^[a-z][a-z0-9]*(?:-[a-z0-9]*[a-z][a-z0-9]*)*$/;
const HYPHENS_INSIDE = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/**
 * Juju's rules for names, by what they name. Source: juju names package (application, relation and storage snippets);
 * contract section 9.2 for actions. Containers are Kubernetes labels.
 */
const RULES = {
  charm: LETTERS_IN_EVERY_PART,
  endpoint: /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/,
  storage: LETTERS_IN_EVERY_PART,
  container: HYPHENS_INSIDE,
  action: HYPHENS_INSIDE,
} as const;

/** Things that have names. */
export type Named = keyof typeof RULES;

/** Whether Juju takes a name for such a thing; a valid name is a safe part of a file name, too. */
export function isValidName(what: Named, name: string): boolean {
  return name.length <= MAX_LENGTH && RULES[what].test(name);
}

/**
 * Names of the hooks that a charm should have.
 *
 * Not among them: collect-metrics and meter-status-changed, in which most hook commands fail. The two hooks of a series
 * upgrade come last, and only in charms without containers, because only machines have a series.
 */
export function hookNames(charm: CharmMetadata): string[] {
  return [
    ...ALWAYS,
    ...charm.endpoints.flatMap(({ name }) => RELATION_PHASES.map((phase) => `${name}-relation-${phase}`)),
    ...charm.storages.flatMap((name) => STORAGE_PHASES.map((phase) => `${name}-storage-${phase}`)),
    ...charm.containers.flatMap((name) => PEBBLE_PHASES.map((phase) => `${name}-pebble-${phase}`)),
    ...(charm.containers.length === 0 ? SERIES_UPGRADE : []),
  ];
}

/** Names of the charm's actions. */
export function actionNames(charm: CharmMetadata): string[] {
  return Object.keys(charm.actions);
}

/** What a hook's name says. */
export type HookMatch =
  | { readonly kind: "lifecycle"; readonly hook: LifecycleHook }
  | { readonly kind: "secret"; readonly phase: SecretPhase }
  | { readonly kind: "relation"; readonly phase: RelationPhase; readonly endpoint: Endpoint }
  | { readonly kind: "storage"; readonly phase: StoragePhase; readonly storage: string }
  | { readonly kind: "workload"; readonly phase: PebblePhase; readonly container: string };

/**
 * Finds the one thing of a charm that a whole hook name belongs to. No name can belong to two: what follows the name of an
 * endpoint, storage or container is never the end of what follows another.
 *
 * @returns undefined when the charm has no such hook
 */
export function matchHook(name: string, charm: CharmMetadata): HookMatch | undefined {
  const hook = LIFECYCLE_HOOKS.find((known) => known === name);
  if (hook) return { kind: "lifecycle", hook };
  for (const phase of SECRET_PHASES) if (name === `secret-${phase}`) return { kind: "secret", phase };
  for (const phase of RELATION_PHASES) {
    const endpoint = charm.endpoints.find((endpoint) => name === `${endpoint.name}-relation-${phase}`);
    if (endpoint) return { kind: "relation", phase, endpoint };
  }
  for (const phase of STORAGE_PHASES) {
    const storage = charm.storages.find((storage) => name === `${storage}-storage-${phase}`);
    if (storage !== undefined) return { kind: "storage", phase, storage };
  }
  for (const phase of PEBBLE_PHASES) {
    const container = charm.containers.find((container) => name === `${container}-pebble-${phase}`);
    if (container !== undefined) return { kind: "workload", phase, container };
  }
  return undefined;
}

/** Whether a name has the form of a hook's, in whatever charm. */
export function looksLikeHook(name: string): boolean {
  const fixed: readonly string[] = [...ALWAYS, ...SERIES_UPGRADE, ...LIFECYCLE_HOOKS];
  const endings = [
    ...RELATION_PHASES.map((phase) => `-relation-${phase}`),
    ...STORAGE_PHASES.map((phase) => `-storage-${phase}`),
    ...PEBBLE_PHASES.map((phase) => `-pebble-${phase}`),
  ];
  return fixed.includes(name) || endings.some((ending) => name.length > ending.length && name.endsWith(ending));
}

/** A unit's name in its parts. */
export interface UnitName {
  readonly application: string;
  readonly number: number;
}

/**
 * Splits a unit's name, such as `db/0`; undefined when it is none. Units of other models have made-up application names
 * (`remote-` and digits), so the application is not held to the rule for charms.
 */
export function parseUnitName(text: string): UnitName | undefined {
  const [, application, number] = /^([a-z][a-z0-9-]*)\/(0|[1-9]\d{0,14})$/.exec(text) ?? [];
  return application === undefined || number === undefined ? undefined : { application, number: Number(number) };
}
