/**
 * Charmlet: every hook and action of a Juju charm in one executable.
 *
 * Charm authors import this module, define what their charm does, and compile it:
 *
 * ```ts
 * import { defineInterface, deferred, dispatch, done } from "./mod.ts";
 *
 * const website = defineInterface({
 *   name: "http",
 *   role: "provides",
 *   on: {
 *     async joined(ctx, relation) {
 *       const { ingressAddress } = await ctx.network(relation);
 *       if (ingressAddress === undefined) return deferred("no ingress address yet");
 *       relation.local.set({ hostname: ingressAddress, port: 80 });
 *       return done;
 *     },
 *   },
 * });
 *
 * if (import.meta.main) Deno.exit(await dispatch({ interfaces: [website], actions: [] }));
 * ```
 *
 * @module
 */
import { ACTIONS } from "./actions/registry.ts";
import { main } from "./hooks/main.ts";
import { INTERFACES } from "./interfaces/registry.ts";

export type { ActionContext } from "./hooks/action_context.ts";
export type { ActionParams } from "./hooks/action_params.ts";
export type { ActionSpec, CharmMetadata, ConfigOption, ConfigType, Endpoint, Role } from "./hooks/charm/metadata.ts";
export type { Config } from "./hooks/config.ts";
export type { Context, DeferralInfo } from "./hooks/context.ts";
export {
  type ActionDefinition,
  type ActionResults,
  type CharmHandlers,
  defineAction,
  defineInterface,
  type FlagHandler,
  type Handler,
  type HookHandler,
  type InterfaceDefinition,
  type InterfaceSide,
  type LazyAction,
  type LazyInterface,
  type LifecycleHandlers,
  type LifecycleSlot,
  type Needs,
  type Permission,
  type Program,
  type RelationHandler,
} from "./hooks/definition.ts";
export * from "./hooks/errors.ts";
export type * from "./hooks/event.ts";
export type { Flags } from "./hooks/flags.ts";
export type { SecretContent, SecretOptions } from "./hooks/juju/commands/secret.ts";
export type { StatusLevel } from "./hooks/juju/commands/status.ts";
export type { Logger } from "./hooks/log.ts";
export { main as dispatch } from "./hooks/main.ts";
export type { InterfaceAddress, Network, NetworkInterface } from "./hooks/network.ts";
export {
  type Blocked,
  blocked,
  type DeferOptions,
  type Deferred,
  deferred,
  type Done,
  done,
  type Outcome,
} from "./hooks/outcome.ts";
export type { BagData, LocalBag, Relation, RemoteUnit } from "./hooks/relation.ts";
export type { Secrets } from "./hooks/secrets.ts";
export type { StatusReporter } from "./hooks/status.ts";
export type { StoredValue } from "./hooks/stored.ts";

if (import.meta.main) Deno.exit(await main({ interfaces: INTERFACES, actions: ACTIONS }));
