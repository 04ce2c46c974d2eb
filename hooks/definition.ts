/**
 * What charm authors define: interfaces, actions and the charm's own handlers.
 *
 * @module
 */
import type { ActionContext } from "./action_context.ts";
import type { Endpoint, Role } from "./charm/metadata.ts";
import type { Context } from "./context.ts";
import { DefinitionError } from "./errors.ts";
import type {
  HookEvent,
  LifecycleEvent,
  RelationEvent,
  RelationPhase,
  SecretEvent,
  StorageEvent,
  WorkloadEvent,
} from "./event.ts";
import type { FlagCondition } from "./flags.ts";
import type { Outcome } from "./outcome.ts";
import type { Relation } from "./relation.ts";

/** Kinds of Deno permissions. Everything that no handler of the hook needs is revoked before the first one runs. */
export const PERMISSIONS = ["read", "write", "net", "run", "env", "sys", "ffi", "import"] as const;

/** A kind of Deno permission. */
export type Permission = typeof PERMISSIONS[number];

/** What a handler needs beyond the connection to the agent. */
export type Needs = readonly Permission[];

/** A function, or a function with needs of its own instead of its module's. */
export type Handler<F> = F | { readonly needs: Needs; readonly run: F };

type MaybeAsync<T> = T | Promise<T>;

/** Handles a relation event. */
export type RelationHandler = (ctx: Context<RelationEvent>, relation: Relation) => MaybeAsync<Outcome>;

/** Handles any other hook. In an interface's module it runs once for each endpoint of the interface. */
export type HookHandler<E extends HookEvent> = (ctx: Context<E>) => MaybeAsync<Outcome>;

/** Handlers of hooks that belong to no relation, by the hook's camelCase name. */
export interface LifecycleHandlers {
  readonly install?: Handler<HookHandler<LifecycleEvent>>;
  readonly start?: Handler<HookHandler<LifecycleEvent>>;
  readonly configChanged?: Handler<HookHandler<LifecycleEvent>>;
  readonly upgradeCharm?: Handler<HookHandler<LifecycleEvent>>;
  readonly updateStatus?: Handler<HookHandler<LifecycleEvent>>;
  readonly stop?: Handler<HookHandler<LifecycleEvent>>;
  readonly remove?: Handler<HookHandler<LifecycleEvent>>;
  readonly leaderElected?: Handler<HookHandler<LifecycleEvent>>;
  readonly leaderDeposed?: Handler<HookHandler<LifecycleEvent>>;
  readonly leaderSettingsChanged?: Handler<HookHandler<LifecycleEvent>>;
  readonly preSeriesUpgrade?: Handler<HookHandler<LifecycleEvent>>;
  readonly postSeriesUpgrade?: Handler<HookHandler<LifecycleEvent>>;
  readonly storageAttached?: Handler<HookHandler<StorageEvent>>;
  readonly storageDetaching?: Handler<HookHandler<StorageEvent>>;
  readonly secretChanged?: Handler<HookHandler<SecretEvent>>;
  readonly secretExpired?: Handler<HookHandler<SecretEvent>>;
  readonly secretRemove?: Handler<HookHandler<SecretEvent>>;
  readonly secretRotate?: Handler<HookHandler<SecretEvent>>;
  readonly pebbleReady?: Handler<HookHandler<WorkloadEvent>>;
  readonly pebbleCustomNotice?: Handler<HookHandler<WorkloadEvent>>;
  readonly pebbleCheckFailed?: Handler<HookHandler<WorkloadEvent>>;
  readonly pebbleCheckRecovered?: Handler<HookHandler<WorkloadEvent>>;
}

/** Name of a handler that belongs to no relation. */
export type LifecycleSlot = keyof LifecycleHandlers;

/**
 * A handler that runs whenever flags say so, after the handlers of the event, in every hook.
 * `{endpoint}` in a flag's name stands for the endpoint whose module it is.
 * What it needs stays granted in every hook that it does not sit out, because its flags may come up in any.
 * Outcomes: `deferred` needs no entry, because the flags bring the handler back; `blocked` shows until it no longer holds.
 */
export interface FlagHandler extends FlagCondition {
  /** Tells the handler apart in logs and `--explain`. */
  readonly name: string;
  readonly needs?: Needs;
  /** Hooks that it sits out, in which what it needs is given up. */
  readonly notIn?: readonly EndHook[];
  readonly run: (ctx: Context) => MaybeAsync<Outcome>;
}

/** Hooks at the ends of a unit's life, in which there is nothing to keep up yet, or any more. */
export type EndHook = "install" | "stop" | "remove";

/** Everything that one side of an interface does. */
export interface InterfaceDefinition {
  /** The interface's name in metadata.yaml. */
  readonly name: string;
  /** Other names of the same interface. */
  readonly aliases?: readonly string[];
  readonly role: Role;
  /** What its handlers need; none by default. */
  readonly needs?: Needs;
  readonly on?: { readonly [P in RelationPhase]?: Handler<RelationHandler> };
  readonly lifecycle?: LifecycleHandlers;
  readonly when?: readonly FlagHandler[];
  /**
   * Lines for `--explain EVENT` inside a hook environment: which way a handler would go now, and why. It looks, and
   * changes nothing; what it would write is dropped.
   *
   * @param slot the handler, such as `changed` or `configChanged`
   */
  readonly explain?: (ctx: Context, slot: string) => Promise<readonly string[]>;
}

/** A definition that is loaded only by hooks that need it. */
export interface LazyInterface extends Pick<InterfaceDefinition, "name" | "aliases" | "role"> {
  readonly load: () => Promise<InterfaceDefinition>;
}

/** One side of an interface. */
export interface InterfaceSide {
  /** The interface's name in metadata.yaml. */
  readonly interface: string;
  readonly role: Role;
}

/** An action. */
export interface ActionDefinition {
  readonly name: string;
  readonly aliases?: readonly string[];
  /**
   * Only charms with such an endpoint have the action, and it shares that endpoint's stored values and statuses.
   * Actions of several charms may so have one name.
   */
  readonly side?: InterfaceSide;
  readonly needs?: Needs;
  /** Returns results (nested objects become dotted keys), or nothing. */
  readonly run: (ctx: ActionContext) => MaybeAsync<ActionResults | void>;
}

/** Results of an action. */
export interface ActionResults {
  readonly [key: string]: string | number | boolean | ActionResults;
}

/** An action that is loaded only when it runs. */
export interface LazyAction extends Pick<ActionDefinition, "name" | "aliases" | "side"> {
  readonly load: () => Promise<ActionDefinition>;
}

/** The charm's own handlers, beside those of its interfaces. */
export interface CharmHandlers {
  readonly needs?: Needs;
  readonly lifecycle?: LifecycleHandlers;
  readonly when?: readonly FlagHandler[];
}

/** All that an executable can do. */
export interface Program {
  readonly interfaces: readonly (InterfaceDefinition | LazyInterface)[];
  readonly actions: readonly (ActionDefinition | LazyAction)[];
  readonly charm?: CharmHandlers;
}

/** One endpoint of the charm with the definition that handles it; or the charm's own handlers, without endpoint. */
export interface Binding {
  /** The endpoint's name, or `""` for the charm. */
  readonly source: string;
  readonly endpoint: Endpoint | undefined;
  readonly definition: Pick<InterfaceDefinition, "needs" | "on" | "lifecycle" | "when" | "explain">;
}

const NAME = /^[a-z][a-z0-9]*(?:[_-][a-z0-9]+)*$/;

/**
 * Defines one side of an interface.
 *
 * @throws {DefinitionError} when a name is not a valid one, or flag handlers share a name
 */
export function defineInterface(definition: InterfaceDefinition): InterfaceDefinition {
  for (const name of [definition.name, ...definition.aliases ?? []]) checkName("interface", name);
  const names = (definition.when ?? []).map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new DefinitionError(`interface ${definition.name} has two flag handlers called ${twice}; rename one`);
  }
  return definition;
}

/**
 * Defines an action.
 *
 * @throws {DefinitionError} when a name is not a valid one
 */
export function defineAction(definition: ActionDefinition): ActionDefinition {
  for (const name of [definition.name, ...definition.aliases ?? []]) checkName("action", name);
  return definition;
}

/** The function of a handler. */
export function handlerFunction<F extends (...args: never[]) => unknown>(handler: Handler<F>): F {
  return typeof handler === "function" ? handler : handler.run;
}

/** What a handler needs: its own declaration, else its module's. */
export function handlerNeeds<F>(handler: Handler<F>, module: { readonly needs?: Needs }): Needs {
  return typeof handler === "object" && handler !== null && "needs" in handler ? handler.needs : module.needs ?? [];
}

function checkName(what: string, name: string): void {
  if (!NAME.test(name)) {
    throw new DefinitionError(
      `${JSON.stringify(name)} is not a valid ${what} name: lower-case letters, digits and hyphens`,
    );
  }
}
