/**
 * A unit's agent: performs the operations that the resolver asks for, and remembers what is done.
 * Source: juju/juju internal/worker/uniter/operation; contract sections 1.2, 1.3, 5.
 *
 * @module
 */
import { ModelError } from "./checker.ts";
import { deployCharm, findExecutable } from "./charm_files.ts";
import { execute, type ExecutionEnd, type ExecutionHost, type UnitLogLine } from "./execution.ts";
import type { Subject } from "./environment.ts";
import type { HookProcess } from "./hook_process.ts";
import type { AgentMemory } from "./hook_run.ts";
import { commitHook, type ExecRequest, type Hook, type LocalState, plainHook } from "./local_state.ts";
import { relationEndpoint } from "./relation_resolver.ts";
import type { Operation } from "./resolver.ts";
import { markRotated, ownsSecret } from "./secret_resolver.ts";
import type { UnitState, WorldState } from "./state.ts";
import type { RunOutcome, TimelineEntry } from "./timeline.ts";
import { actionResults } from "./action_results.ts";
import { enterRelations, leaveRelation, removeUnit } from "./world.ts";

/** What agents work with. */
export interface AgentHost extends ExecutionHost {
  readonly timeline: TimelineEntry[];
  /** How often a failed hook is run again by itself; 0 leaves the unit in error until it is resolved. */
  readonly retries: number;
}

/** A unit's agent. */
export interface UnitAgent {
  readonly unit: string;
  readonly local: LocalState;
  readonly memory: AgentMemory;
  /** The agent's own directory; the charm's is `charm` in it. */
  readonly directory: string;
  readonly charmDir: string;
  /** Files that came with the charm. */
  charmFiles: readonly string[];
  readonly socketAddress: string;
  readonly log: UnitLogLine[];
  /** Process that runs now. */
  process: HookProcess | undefined;
  /** Ends of juju-exec requests, by id. */
  readonly execResults: Map<number, ExecutionEnd>;
}

/**
 * Performs one operation.
 *
 * @param host what agents work with
 * @param agent the agent
 * @param operation what the resolver asked for
 * @throws {ModelError} a hook failed more often than the model retries
 */
export async function perform(host: AgentHost, agent: UnitAgent, operation: Operation): Promise<void> {
  const { local } = agent;
  const { world } = host;
  const unit = world.units[agent.unit];
  const app = unit && world.applications[unit.app];
  if (!unit || !app) return;
  switch (operation.kind) {
    case "accept-leadership":
      local.leader = true;
      local.queued = plainHook("leader-elected");
      return;
    case "resign-leadership":
      local.leader = false;
      return;
    case "upgrade":
      agent.charmFiles = await deployCharm(app.charmSource, agent.charmDir, agent.charmFiles);
      local.charmRevision = app.charmRevision;
      local.queued = plainHook("upgrade-charm");
      return;
    case "die":
      removeUnit(world, unit);
      await Deno.remove(agent.directory, { recursive: true });
      return;
    case "hook":
      return await performHook(host, agent, unit, operation.hook);
    case "action":
      return await performAction(host, agent, unit, operation.id);
    case "exec":
      return await performExec(host, agent, local.exec.find((request) => request.id === operation.id));
  }
}

async function performHook(host: AgentHost, agent: UnitAgent, unit: UnitState, hook: Hook): Promise<void> {
  const { world } = host;
  const { local } = agent;
  if (isObsolete(world, unit, hook)) {
    unit.agentStatus = { status: "idle", message: "", since: world.now };
    return commitHook(local, hook);
  }
  const attempt = local.attempts + 1;
  const found = await findExecutable(agent.charmDir, "hooks", hook.name);
  await prepare(world, agent, unit, hook);
  const subject: Subject = { kind: "hook", hook };
  const clock = world.now;
  const start = host.elapsed();
  unit.agentStatus = { status: "executing", message: `running ${hook.name} hook`, since: world.now };
  const end = "path" in found ? await launch(host, agent, subject, hook.name, found.path) : undefined;
  const outcome: RunOutcome = end?.outcome ?? ("missing" in found ? "skipped" : "failed");
  const error = end?.error ?? ("error" in found ? found.error : "");
  if (end?.run.statusWasSet) local.statusSet = true;
  if (outcome === "done" || outcome === "skipped") {
    unit.agentStatus = { status: "idle", message: "", since: world.now };
    commitHook(local, hook);
    await finish(world, agent, unit, hook, end);
  } else rememberBadEnd(host, agent, unit, hook, outcome);
  host.timeline.push(entryOf(host, agent, { subject, name: hook.name, start, clock, attempt, outcome, error, end }));
  // A model that never retries leaves the unit in error, as automatically-retry-hooks=false does.
  if (host.retries > 0 && local.attemptsSinceResolved > host.retries) {
    throw new ModelError(giveUp(agent.unit, hook.name, attempt, error, end));
  }
}

/** A killed hook is queued again; after any other bad end the unit is in error until the hook is retried. */
function rememberBadEnd(host: AgentHost, agent: UnitAgent, unit: UnitState, hook: Hook, outcome: RunOutcome): void {
  const { local } = agent;
  const wasKilled = outcome === "killed";
  local.attempts++;
  local.attemptsSinceResolved++;
  local.queued = wasKilled ? hook : null;
  local.failed = wasKilled ? null : hook;
  local.retry = local.attemptsSinceResolved <= host.retries;
  unit.agentStatus = wasKilled
    ? { status: "idle", message: "", since: host.world.now }
    : { status: "error", message: `hook failed: "${hook.name}"`, since: host.world.now };
}

function giveUp(unit: string, hook: string, attempt: number, error: string, end: ExecutionEnd | undefined): string {
  const lines = new TextDecoder().decode(end?.stderr).trimEnd().split("\n").slice(-10).join("\n");
  return `${unit}: hook "${hook}" failed ${attempt} times: ${error}${lines === "" ? "" : `\n${lines}`}`;
}

/** Hooks that are checked again just before they run, and silently dropped (contract 1.2). */
function isObsolete(world: WorldState, unit: UnitState, hook: Hook): boolean {
  if (hook.kind === "leader-elected") return world.applications[unit.app]?.leader !== unit.name;
  if (!("secretId" in hook)) return false;
  const secret = world.secrets[hook.secretId];
  return !secret || (hook.kind !== "secret-changed" && !ownsSecret(world, unit, secret));
}

/** What happens before the charm's file runs, whether it exists or not. */
async function prepare(world: WorldState, agent: UnitAgent, unit: UnitState, hook: Hook): Promise<void> {
  const maintain = (message: string) => {
    unit.status = { status: "maintenance", message, since: world.now };
  };
  if (hook.kind === "install" && !agent.local.statusSet) maintain("installing charm software");
  if (hook.kind === "stop") maintain("stopping charm software");
  if (hook.kind === "remove") maintain("cleaning up prior to charm deletion");
  if (hook.kind === "relation-created") {
    enterRelations(world, unit);
    agent.local.relations[hook.relationId] ??= { members: {}, appVersions: {}, changedPending: "", broken: false };
  }
  if (hook.kind === "storage-attached") {
    const storage = unit.storage.find((item) => item.id === hook.storageId);
    if (!storage || storage.kind === "block") return;
    // The commit of storage-add names Juju's own place; here storage lives beside the agent.
    if (!storage.location.startsWith(agent.directory)) storage.location = `${agent.directory}/storage/${storage.id}`;
    await Deno.mkdir(storage.location, { recursive: true });
  }
}

/** What follows from a hook that is done. */
async function finish(
  world: WorldState,
  agent: UnitAgent,
  unit: UnitState,
  hook: Hook,
  end: ExecutionEnd | undefined,
): Promise<void> {
  const { local } = agent;
  if (hook.kind === "start" && !local.statusSet) unit.status = { status: "unknown", message: "", since: world.now };
  if (hook.kind === "remove") unit.status = { status: "terminated", message: "", since: world.now };
  if (hook.kind === "secret-rotate") markRotated(world, hook.secretId);
  if (hook.kind === "relation-broken") {
    const relation = world.relations[hook.relationId];
    if (relation) leaveRelation(relation, unit.name);
  }
  if (hook.kind === "storage-detaching") {
    const storage = unit.storage.find((item) => item.id === hook.storageId);
    unit.storage = unit.storage.filter((item) => item !== storage);
    if (storage?.kind === "filesystem") await Deno.remove(storage.location, { recursive: true });
  }
  // After a reboot the agent runs start again (contract 1.2).
  if (end?.run.reboot === "after-hook" && local.started && !local.queued) local.queued = plainHook("start");
}

async function performAction(host: AgentHost, agent: UnitAgent, unit: UnitState, id: string): Promise<void> {
  const task = host.world.actions[id];
  if (!task) return;
  const subject: Subject = { kind: "action", name: task.name, id };
  const start = host.elapsed();
  const clock = host.world.now;
  const before = unit.agentStatus;
  task.status = "running";
  unit.agentStatus = { status: "executing", message: `running action ${task.name}`, since: clock };
  const found = await findExecutable(agent.charmDir, "actions", task.name);
  const end = "path" in found ? await launch(host, agent, subject, task.name, found.path) : undefined;
  const refusal = "error" in found ? found.error : `action not implemented on unit "${agent.unit}"`;
  Object.assign(task, actionResults(task, end, refusal));
  if (end?.run.statusWasSet) agent.local.statusSet = true;
  unit.agentStatus = before;
  const outcome = end?.outcome ?? "failed";
  const error = end?.error ?? refusal;
  host.timeline.push(entryOf(host, agent, { subject, name: task.name, start, clock, attempt: 1, outcome, error, end }));
}

async function performExec(host: AgentHost, agent: UnitAgent, request: ExecRequest | undefined): Promise<void> {
  if (!request) return;
  const { relationId, remoteUnit } = request;
  const subject: Subject = { kind: "exec", relationId, remoteUnit };
  const start = host.elapsed();
  const clock = host.world.now;
  agent.local.exec = agent.local.exec.filter((other) => other !== request);
  const end = await launch(host, agent, subject, "juju-exec", "/bin/bash", ["-c", request.script]);
  agent.execResults.set(request.id, end);
  const { outcome, error } = end;
  host.timeline.push(
    entryOf(host, agent, { subject, name: "juju-exec", start, clock, attempt: 1, outcome, error, end }),
  );
}

async function launch(
  host: AgentHost,
  agent: UnitAgent,
  subject: Subject,
  name: string,
  path: string,
  args: readonly string[] = [],
): Promise<ExecutionEnd> {
  try {
    return await execute(host, {
      ...agent,
      subject,
      name,
      program: { path, args },
      onStart: (process) => {
        agent.process = process;
      },
    });
  } finally {
    agent.process = undefined;
  }
}

interface EntryParts extends Pick<TimelineEntry, "name" | "start" | "clock" | "attempt" | "outcome" | "error"> {
  readonly subject: Subject;
  readonly end: ExecutionEnd | undefined;
}

function entryOf(host: AgentHost, agent: UnitAgent, parts: EntryParts): TimelineEntry {
  const { subject, end, ...rest } = parts;
  const unit = host.world.units[agent.unit];
  const about = subject.kind === "hook" && "relationId" in subject.hook
    ? subject.hook
    : { relationId: subject.kind === "exec" ? subject.relationId : null, remoteUnit: "", remoteApp: "" };
  return {
    unit: agent.unit,
    kind: subject.kind,
    ...rest,
    relation: about.relationId === null ? "" : relationEndpoint(host.world, agent.unit, about.relationId),
    remoteUnit: about.remoteUnit,
    remoteApp: about.remoteApp,
    contextId: end?.run.contextId ?? "",
    end: host.elapsed(),
    exit: end?.exit ?? null,
    commands: end?.commands ?? [],
    bags: end?.commit?.ok ? end.commit.bags : [],
    state: end?.commit?.ok ? end.commit.state ?? null : null,
    immediate: end?.run.immediate ?? [],
    status: { status: unit?.status.status ?? "", message: unit?.status.message ?? "" },
    leader: unit !== undefined && host.world.applications[unit.app]?.leader === agent.unit,
    faults: end?.faults ?? [],
  };
}
