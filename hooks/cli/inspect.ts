/**
 * What the command line shows about a charm: its hooks and handlers, and what an event would run.
 *
 * @module
 */
import { activate, findAction } from "../bindings.ts";
import { Context } from "../context.ts";
import type { Session } from "../session.ts";
import { lifecycleSlot } from "../slots.ts";
import type { CharmMetadata } from "../charm/metadata.ts";
import { actionNames, hookNames, matchHook } from "../charm/names.ts";
import type { Binding, Program } from "../definition.ts";
import { EnvironmentError } from "../errors.ts";
import type { HookEvent } from "../event.ts";
import { conditionHolds, flagsOf } from "../flags.ts";
import { readJujuEnvironment } from "../juju/environment.ts";
import { upgradeLinks } from "../lifecycle/upgrade_charm.ts";
import { type FlagStep, flagStepsOf, type Plan, planHook, stepsOf } from "../plan.ts";
import { toEvent } from "../route.ts";
import type { UnitState } from "../state/unit_state.ts";

/** A hook or action of a charm with the handlers that it would run. */
export interface Listed {
  readonly name: string;
  readonly kind: "hook" | "action";
  /** Such as `db:changed`; empty when nothing handles it. */
  readonly handlers: readonly string[];
  /** Permissions that the handlers keep. */
  readonly needs: readonly string[];
}

/** Every hook and action of a charm, in the order in which Juju's documents list them. */
export async function listCharm(charm: CharmMetadata, program: Program): Promise<Listed[]> {
  const bindings = [upgradeLinks, ...await activate(charm, program)];
  const hooks = hookNames(charm).map((name): Listed => {
    const steps = stepsOf(sampleEvent(name, charm), bindings);
    const needs = [...new Set(steps.flatMap((step) => step.needs))].sort();
    return { name, kind: "hook", handlers: steps.map(({ handler }) => handler), needs };
  });
  const actions = await Promise.all(
    actionNames(charm).map(async (name): Promise<Listed> => {
      const action = (await findAction(charm, program, name))?.definition;
      return {
        name,
        kind: "action",
        handlers: action ? [action.name] : [],
        needs: [...action?.needs ?? []].sort(),
      };
    }),
  );
  return [...hooks, ...actions];
}

/** Names of the hooks and actions that some handler takes. A charm with flag handlers handles every hook. */
export async function handledNames(charm: CharmMetadata, program: Program): Promise<Set<string>> {
  const bindings = await activate(charm, program);
  const always = bindings.some(({ definition }) => (definition.when ?? []).length > 0);
  const listed = await listCharm(charm, program);
  // Deferred handlers run before any hook, and update-status comes by itself.
  return new Set(
    listed.filter(({ kind, name, handlers }) =>
      handlers.length > 0 || (kind === "hook" && (always || name === "update-status"))
    ).map(({ kind, name }) => `${kind}s/${name}`),
  );
}

/** Handlers that flags bring to life in any hook. */
export async function listFlagHandlers(charm: CharmMetadata, program: Program): Promise<readonly FlagStep[]> {
  return (await activate(charm, program)).flatMap(flagStepsOf);
}

/** Lines for `--list`. */
export function formatList(listed: readonly Listed[], flagSteps: readonly FlagStep[]): string[] {
  const flags = flagSteps.map((step) => ({ ...step, name: `(any hook${exceptions(step)})` }));
  const width = Math.max(4, ...[...listed, ...flags].map(({ name }) => name.length));
  const row = (name: string, kind: string, handlers: string, needs: string) =>
    `${name.padEnd(width)}  ${kind.padEnd(6)}  ${handlers.padEnd(30)}  ${needs}`.trimEnd();
  return [
    row("NAME", "KIND", "HANDLERS", "PRIVILEGES"),
    ...listed.map(({ name, kind, handlers, needs }) => row(name, kind, handlers.join(", ") || "-", needs.join(", "))),
    ...flags.map(({ name, handler, needs }) => row(name, "flags", handler, [...needs].sort().join(", "))),
  ];
}

function exceptions({ notIn }: FlagStep): string {
  return notIn.length === 0 ? "" : ` but ${notIn.join(", ")}`;
}

/**
 * Lines for `--explain`: what a hook would run now and what not, and why.
 *
 * @param session the unit's agent and stored state; undefined outside a hook environment
 * @param now milliseconds since 1970
 * @throws {EnvironmentError} when the charm has no such hook
 */
export async function explain(
  name: string,
  charm: CharmMetadata,
  program: Program,
  session: Session | undefined,
  now: number,
): Promise<string[]> {
  const state = session?.state;
  const hook = name.replace(/^(hooks|actions)\//, "");
  if (!hookNames(charm).includes(hook) && actionNames(charm).includes(hook)) {
    const action = (await findAction(charm, program, hook))?.definition;
    return [action ? `${hook}: runs the action ${action.name}` : `${hook}: nothing handles this action; it would fail`];
  }
  if (!hookNames(charm).includes(hook)) {
    throw new EnvironmentError(`${name} is no hook or action of ${charm.name}; list them with: charmlet --list`);
  }
  const bindings = [upgradeLinks, ...await activate(charm, program)];
  const event = sampleEvent(hook, charm);
  const plan = planHook(event, bindings, state?.deferred ?? [], now);
  return [
    `${hook}:`,
    ...explainDeferred(plan, state, now),
    ...explainOwn(plan, event, bindings),
    ...(session ? await explainWays(session, event, bindings) : []),
    ...plan.flagSteps.map((step) => `  ${explainFlags(step, state)}`),
  ];
}

function explainDeferred(plan: Plan, state: UnitState | undefined, now: number): string[] {
  if (!state) return ["  deferred handlers: unknown outside a hook; run this with: juju exec --unit UNIT -- …"];
  return [
    ...plan.due.map(({ handler, event, entry }) =>
      `  first runs the deferred ${handler} for ${event.name}: ${entry?.reason ?? ""}`
    ),
    ...plan.waiting.map(({ handler, event, due, reason }) =>
      `  does not run the deferred ${handler} for ${event.name} yet (${seconds(due - now)} to go): ${reason}`
    ),
    ...plan.lost.map(({ handler, event }) =>
      `  drops the deferred ${handler} for ${event.name}: no such handler any more`
    ),
  ];
}

function explainOwn(plan: Plan, event: HookEvent, bindings: readonly Binding[]): string[] {
  if (plan.own.length > 0) {
    return plan.own.map(({ handler, needs, entry }) =>
      `  runs ${handler}${needs.length > 0 ? ` (privileges: ${needs.join(", ")})` : ""}${
        entry ? `, deferred ${entry.attempts} times before: ${entry.reason}` : ""
      }`
    );
  }
  if (event.kind === "relation" && !bindings.some(({ source }) => source === event.endpoint.name)) {
    return [`  runs no handler: nothing implements the ${event.endpoint.role} side of ${event.endpoint.interface}`];
  }
  return ["  runs no handler of its own"];
}

/** What the handlers themselves say about where they would go. */
async function explainWays(session: Session, event: HookEvent, bindings: readonly Binding[]): Promise<string[]> {
  const lines: string[] = [];
  for (const { source, endpoint, definition } of bindings) {
    if (!definition.explain || (event.kind === "relation" && source !== event.endpoint.name)) continue;
    const slot = event.kind === "relation" ? event.phase : lifecycleSlot(event);
    const ctx = new Context(session, await atHand(session, event), source, endpoint);
    lines.push(...(await definition.explain(ctx, slot)).map((line) => `    ${session.redactor.apply(line)}`));
  }
  return lines;
}

/** The event with a relation and a unit that are there, where there are any. */
async function atHand(session: Session, event: HookEvent): Promise<HookEvent> {
  if (event.kind !== "relation") return event;
  const [relationId] = await session.relationIds(event.endpoint.name);
  if (relationId === undefined) return event;
  const [unit] = await session.commands.relation.list(relationId);
  if (unit === undefined || event.remoteUnit === undefined) return { ...event, relationId };
  return {
    ...event,
    relationId,
    remoteUnit: unit,
    ...(event.departingUnit === undefined ? {} : { departingUnit: unit }),
  };
}

function explainFlags(step: FlagStep, state: UnitState | undefined): string {
  const condition = describeCondition(step);
  if (!state) return `runs ${step.handler} when ${condition}`;
  if (conditionHolds(step, state.flags)) return `then runs ${step.handler}: ${condition}`;
  const present = flagsOf(step).filter((flag) => state.flags.has(flag));
  return `does not run ${step.handler}: needs ${condition}; of these are set: ${present.join(", ") || "none"}`;
}

function describeCondition({ when = [], whenNot = [], whenAny = [] }: FlagStep): string {
  return [
    ...when.map((flag) => `${flag} is set`),
    ...whenNot.map((flag) => `${flag} is not set`),
    ...(whenAny.length > 0 ? [`one of ${whenAny.join(", ")} is set`] : []),
  ].join(" and ") || "always";
}

/** Lines for `--deferred`. */
export function formatDeferred(state: UnitState, now: number): string[] {
  if (state.deferred.length === 0) return ["nothing is deferred"];
  return state.deferred.map(({ handler, event, reason, attempts, firstSeen, due, deadline }) =>
    `${handler} for ${event.name}: ${reason} (attempts: ${attempts}, since ${new Date(firstSeen).toISOString()}, ` +
    `${due <= now ? "due now" : `due in ${seconds(due - now)}`}${
      deadline === undefined ? "" : `, gives up ${new Date(deadline).toISOString()}`
    })`
  );
}

/** An event of the given name that carries made-up ids: enough to see which handlers it goes to. */
function sampleEvent(name: string, charm: CharmMetadata): HookEvent {
  const match = matchHook(name, charm);
  const relation = match?.kind === "relation" ? match.endpoint : undefined;
  const environment = readJujuEnvironment({
    JUJU_RELATION: relation?.name ?? "",
    JUJU_RELATION_ID: relation ? `${relation.name}:0` : "",
    JUJU_REMOTE_UNIT: /-(joined|changed|departed)$/.test(name) ? "remote/0" : "",
    JUJU_REMOTE_APP: "remote",
    JUJU_DEPARTING_UNIT: "remote/0",
    JUJU_UNIT_NAME: `${charm.name}/0`,
    JUJU_SECRET_ID: "secret:00000000000000000000",
    JUJU_SECRET_REVISION: "1",
  });
  const event = toEvent({ kind: "hook", name }, environment, charm);
  if (event === undefined || event.kind === "action") throw new EnvironmentError(`${name} is no hook of ${charm.name}`);
  return event;
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}
