/**
 * One run from its context to its commit: environment, socket, process, faults, outcome.
 * Source: juju/juju internal/worker/uniter/runner; contract sections 1, 5, 7.
 *
 * @module
 */
import { commit, type CommitResult, discard } from "./commit.ts";
import { type CommandOutcome, runCommand } from "./commands/registry.ts";
import { hookEnvironment, type Subject } from "./environment.ts";
import { type Fault, type FaultPlan, faultsOfRun, type Moment, strikes } from "./faults.ts";
import { type HookProcess, type ProcessEnd, startProcess } from "./hook_process.ts";
import { type AgentMemory, createHookRun, type HookRun } from "./hook_run.ts";
import { serveHook } from "./hook_server.ts";
import type { LocalState } from "./local_state.ts";
import { type AgentReply, type AgentRequest, RpcError, StdinRequiredError } from "./rpc_server.ts";
import type { WorldState } from "./state.ts";
import type { CommandCost, RunOutcome } from "./timeline.ts";

/** Turns the command line of a run into the one that is started; its first word is an absolute path or found on PATH. */
export type Wrap = (unit: string, command: readonly string[], name: string) => readonly string[];

/** What runs are made with. */
export interface ExecutionHost {
  readonly world: WorldState;
  readonly faults: FaultPlan;
  readonly toolsDir: string;
  readonly hookTimeoutMs: number;
  readonly wrap: Wrap;
  /** Real milliseconds since the model began. */
  readonly elapsed: () => number;
  /** New hexadecimal digits for a context id. */
  readonly newContextDigits: () => string;
  /** Takes leadership from a unit. */
  readonly loseLeadership: (unit: string) => void;
  /** Processes that run now, and background processes that hooks left, by process id. */
  readonly processes: Map<number, () => void>;
}

/** One line of a unit's log. */
export interface UnitLogLine {
  readonly level: string;
  /** Such as `unit.db/0.install`, or `unit.db/0.juju-log`. */
  readonly module: string;
  readonly message: string;
}

/** What is run, and for whom. */
export interface Execution {
  readonly unit: string;
  readonly local: LocalState;
  readonly memory: AgentMemory;
  readonly charmDir: string;
  readonly socketAddress: string;
  readonly subject: Subject;
  /** Full name of the hook or action; `juju-exec`. */
  readonly name: string;
  readonly program: { readonly path: string; readonly args?: readonly string[] };
  readonly log: UnitLogLine[];
  /** Told the process, so that it can be cancelled. */
  readonly onStart?: (started: HookProcess) => void;
}

/** How it ended. */
export interface ExecutionEnd {
  readonly run: HookRun;
  readonly outcome: Exclude<RunOutcome, "skipped">;
  readonly exit: number | null;
  readonly error: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  /** What the commit did; undefined when there was none. */
  readonly commit: CommitResult | undefined;
  readonly commands: readonly CommandCost[];
  readonly faults: readonly string[];
}

/** What happens to a run while it runs. */
interface Progress {
  readonly run: HookRun;
  readonly faults: readonly Fault[];
  readonly commands: CommandCost[];
  readonly struck: string[];
  /** Requests that wait for standard input: their repetition is the same command. */
  awaitsStdin: boolean;
  process: HookProcess | undefined;
  killed: boolean;
  logged: number;
}

/**
 * Runs a program in a fresh context and commits what it buffered, or drops it.
 *
 * @param host what runs are made with
 * @param execution what is run, and for whom
 */
export async function execute(host: ExecutionHost, execution: Execution): Promise<ExecutionEnd> {
  const { unit, subject, name } = execution;
  const contextName = subject.kind === "exec" ? "run-commands" : name;
  const contextId = `${unit}-${contextName}-${host.newContextDigits()}`;
  const run = openRun(host.world, execution, contextId);
  const faults = faultsOfRun(host.faults, unit, name);
  const progress: Progress = {
    run,
    faults,
    commands: [],
    struck: [],
    awaitsStdin: false,
    process: undefined,
    killed: false,
    logged: 0,
  };
  const end = await runProcess(host, execution, progress);
  const verdict = judge(host, execution, progress, end);
  takeLog(execution, progress);
  return {
    run,
    ...verdict,
    exit: typeof end === "string" ? null : end.code,
    stdout: typeof end === "string" ? new Uint8Array() : end.stdout,
    stderr: typeof end === "string" ? new Uint8Array() : end.stderr,
    commands: progress.commands,
    faults: progress.struck,
  };
}

/** A run knows the members that its agent told the charm about, not those that the controller has by now. */
function openRun(world: WorldState, { unit, local, memory, subject }: Execution, contextId: string): HookRun {
  const hook = subject.kind === "hook" ? subject.hook : undefined;
  const relation = hook && "relationId" in hook ? hook : undefined;
  const remoteUnit = relation?.remoteUnit ?? (subject.kind === "exec" ? subject.remoteUnit : "");
  const relationId = relation?.relationId ?? (subject.kind === "exec" ? subject.relationId : null);
  const run = createHookRun(world, {
    unit,
    kind: hook?.kind ?? (subject.kind === "exec" ? "juju-exec" : "action"),
    contextId,
    relationId,
    remoteUnit,
    remoteApp: relation?.remoteApp ?? null,
    departingUnit: relation?.departingUnit ?? null,
    storageId: hook && "storageId" in hook ? hook.storageId : null,
    actionId: subject.kind === "action" ? subject.id : null,
    memory,
  });
  // After relation-broken the agent has forgotten the relation, also while the other side still leaves it (contract 4.2).
  const known = [...run.relations].filter(([id]) => !local.relations[id]?.broken);
  const views = known.map(([id, view]) => {
    const members = new Set(Object.keys(local.relations[id]?.members ?? {}));
    if (id === relationId && hook?.kind === "relation-departed") members.delete(remoteUnit);
    else if (id === relationId && remoteUnit !== "") members.add(remoteUnit);
    return [id, { ...view, members: [...members].sort() }] as const;
  });
  return { ...run, relations: new Map(views) };
}

async function runProcess(
  host: ExecutionHost,
  execution: Execution,
  progress: Progress,
): Promise<ProcessEnd | string> {
  const { unit, charmDir, socketAddress, subject, name, program, log } = execution;
  const handle = (request: AgentRequest) => answer(host, execution, progress, request, server.breakAnswer);
  const server = serveHook(socketAddress, handle);
  try {
    const [path = program.path, ...args] = host.wrap(unit, [program.path, ...program.args ?? []], name);
    const process = startProcess({
      path,
      args,
      cwd: charmDir,
      env: hookEnvironment(host.world, {
        unit,
        subject,
        contextId: progress.run.contextId,
        charmDir,
        toolsDir: host.toolsDir,
        socketAddress,
      }),
      timeoutMs: host.hookTimeoutMs,
      onLine: (stream, message) =>
        log.push({ level: stream === "stdout" ? "DEBUG" : "WARNING", module: `unit.${unit}.${name}`, message }),
    });
    progress.process = process;
    host.processes.set(process.pid, process.kill);
    execution.onStart?.(process);
    const end = await process.ended;
    if (!end.survived) host.processes.delete(process.pid);
    return end;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await server.close();
  }
}

async function answer(
  host: ExecutionHost,
  execution: Execution,
  progress: Progress,
  request: AgentRequest,
  breakAnswer: (how: "close" | "garbage") => void,
): Promise<AgentReply> {
  const { run } = progress;
  if (request.token !== "") throw new RpcError("bad request: token does not match");
  if (request.command === "") throw new RpcError("bad request: command not specified");
  if (!request.dir.startsWith("/")) throw new RpcError("bad request: Dir is not absolute");
  if (request.contextId !== run.contextId) {
    throw new RpcError(`bad request: wrong context ID; got "${request.contextId}"`);
  }
  const begin = host.elapsed();
  const number = progress.commands.length + 1;
  const isRepeat = progress.awaitsStdin && request.stdinSet;
  if (!isRepeat) await strike(host, execution, progress, { command: number, when: "before" }, breakAnswer);
  if (progress.killed) throw new RpcError("the agent is shutting down");
  const stdin = request.stdinSet ? request.stdin : undefined;
  const outcome = runCommand(run, request.command, request.args, stdin, request.dir);
  takeLog(execution, progress);
  progress.awaitsStdin = "needsStdin" in outcome;
  if ("needsStdin" in outcome) throw new StdinRequiredError();
  await strike(host, execution, progress, { command: number, when: "after" }, breakAnswer);
  progress.commands.push({ name: request.command, ms: host.elapsed() - begin, bytes: bytesOf(request, outcome) });
  if (run.reboot === "now") killNow(progress);
  if ("rpcError" in outcome) throw new RpcError(outcome.rpcError);
  return outcome;
}

/** What a hook command says and is told. */
function bytesOf({ command, args, stdin }: AgentRequest, outcome: CommandOutcome): number {
  const said = [command, ...args].reduce((sum, word) => sum + new TextEncoder().encode(word).length, stdin.length);
  return "stdout" in outcome ? said + outcome.stdout.length + outcome.stderr.length : said;
}

async function strike(
  host: ExecutionHost,
  execution: Execution,
  progress: Progress,
  moment: Moment,
  breakAnswer: (how: "close" | "garbage") => void,
): Promise<void> {
  const place = typeof moment === "string" ? moment : `${moment.when} command ${moment.command}`;
  for (const what of strikes(progress.faults, moment)) {
    progress.struck.push(`${typeof what === "string" ? what : `${what.delayMs} ms late`} ${place}`);
    if (what === "kill") {
      killNow(progress);
      await progress.process?.ended;
    } else if (what === "lose-leadership") host.loseLeadership(execution.unit);
    else if (typeof what === "string") breakAnswer(what);
    else await new Promise((resolve) => setTimeout(resolve, what.delayMs));
  }
}

function killNow(progress: Progress): void {
  progress.killed = true;
  progress.process?.kill();
}

/** New lines of juju-log go into the unit's log where they happened. */
function takeLog(execution: Execution, progress: Progress): void {
  execution.log.push(...progress.run.log.slice(progress.logged));
  progress.logged = progress.run.log.length;
}

type Verdict = Pick<ExecutionEnd, "outcome" | "error" | "commit">;

function judge(host: ExecutionHost, execution: Execution, progress: Progress, end: ProcessEnd | string): Verdict {
  const { run } = progress;
  const drop = (outcome: Verdict["outcome"], error: string): Verdict => {
    discard(run);
    return { outcome, error, commit: undefined };
  };
  if (typeof end === "string") return drop("failed", end);
  if (end.timedOut) return drop("failed", `no end after ${host.hookTimeoutMs} ms`);
  if (end.signal !== null) return drop("killed", `terminated by ${end.signal}`);
  // Of juju-exec everything is committed, whatever the exit status (contract 1.4).
  if (end.code !== 0 && execution.subject.kind !== "exec") return drop("failed", `exit status ${end.code}`);
  if (strikeNow(host, execution, progress, "before-commit")) return drop("killed", "the agent was killed");
  const result = commit(run);
  if (!result.ok) return { outcome: "refused", error: result.error, commit: result };
  if (strikeNow(host, execution, progress, "after-commit")) {
    return { outcome: "killed", error: "the agent was killed", commit: result };
  }
  return { outcome: "done", error: "", commit: result };
}

/** Faults around the commit; returns whether the agent was killed. */
function strikeNow(
  host: ExecutionHost,
  execution: Execution,
  progress: Progress,
  moment: "before-commit" | "after-commit",
): boolean {
  const found = strikes(progress.faults, moment);
  for (const what of found) {
    progress.struck.push(`${what} ${moment}`);
    if (what === "lose-leadership") host.loseLeadership(execution.unit);
  }
  return found.includes("kill");
}
