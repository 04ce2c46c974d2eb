/**
 * An agent in a process of its own, so that it can be killed: `agent_process.ts CHARMS [COMMAND]` lets the unit `worker/0`
 * run a relation-changed, and kills itself when it is asked for the hook command of that number. Prints the hook's process
 * id and, where it lives on, how the hook ended.
 *
 * @module
 */
import { join } from "node:path";
import { loadCharm } from "../../hooks/charm/load.ts";
import { runCommand } from "../model/commands/registry.ts";
import { commit } from "../model/commit.ts";
import { hookEnvironment } from "../model/environment.ts";
import { startProcess } from "../model/hook_process.ts";
import { createHookRun, type HookRun } from "../model/hook_run.ts";
import type { RelationHook } from "../model/local_state.ts";
import { RpcError, serveAgent, StdinRequiredError } from "../model/rpc_server.ts";
import type { WorldState } from "../model/state.ts";
import { addApplication, addRelation, addUnit, createWorld, enterRelations } from "../model/world.ts";

/** How the hook ended, and what the agent has committed. */
export interface HookEnd {
  readonly code: number | null;
  readonly stderr: string;
  readonly commands: number;
  readonly databag: Readonly<Record<string, string>>;
  readonly state: Readonly<Record<string, string>>;
}

const UNIT = "worker/0";
const REMOTE = "service/0";
const HOOK_LIMIT_MS = 300_000;

/** One worker and the service that it uses, which has published. */
async function pairWorld(charms: string): Promise<{ world: WorldState; hook: RelationHook }> {
  const world = createWorld("3.6.8");
  const sides = await Promise.all([["worker", "uses"], ["service", "serves"]].map(async ([name = "", endpoint]) => {
    const charm = await loadCharm(join(charms, name));
    const app = addApplication(world, { name, charm, charmSource: "", config: {}, model: "default" });
    const found = charm.endpoints.find((one) => one.name === endpoint);
    if (!found) throw new RangeError(`charm ${name} has no endpoint ${endpoint}`);
    return { app, side: { app: name, endpoint: found } };
  }));
  const { id, unitBags } = addRelation(world, sides.map(({ side }) => side));
  for (const [number, { app }] of sides.entries()) {
    enterRelations(world, addUnit(world, app, { machine: `${number}`, address: `10.0.0.${number}`, storageRoot: "/" }));
  }
  Object.assign(unitBags[REMOTE] ?? {}, { unit: REMOTE });
  const [kind, name] = ["relation-changed", "uses-relation-changed"] as const;
  return { world, hook: { kind, name, relationId: id, remoteUnit: REMOTE, remoteApp: "service", version: 2 } };
}

/** Serves one run and counts its hook commands. */
function serve(run: HookRun, address: string, dieAt: number) {
  let commands = 0;
  const server = serveAgent({
    network: "unix",
    address,
    handle({ command, args, stdin, stdinSet, dir }) {
      if (++commands === dieAt) Deno.kill(Deno.pid, "SIGKILL");
      const outcome = runCommand(run, command, args, stdinSet ? stdin : undefined, dir);
      if ("needsStdin" in outcome) throw new StdinRequiredError();
      if ("rpcError" in outcome) throw new RpcError(outcome.rpcError);
      return outcome;
    },
  });
  return { commands: () => commands, close: () => server.close() };
}

if (import.meta.main) {
  const [charms = "", dieAt = "0"] = Deno.args;
  const { world, hook } = await pairWorld(charms);
  const { kind, name, relationId, remoteUnit, remoteApp } = hook;
  const contextId = `${UNIT}-${name}-${crypto.randomUUID()}`;
  const run = createHookRun(world, { unit: UNIT, kind, contextId, relationId, remoteUnit, remoteApp });
  const socketAddress = `@/charmlet-load/${crypto.randomUUID()}`;
  const agent = serve(run, socketAddress, Number(dieAt));
  const charmDir = join(charms, "worker");
  const surroundings = { contextId, charmDir, toolsDir: join(charms, "tools"), socketAddress };
  const hookProcess = startProcess({
    path: join(charmDir, "hooks", name),
    cwd: charmDir,
    env: hookEnvironment(world, { unit: UNIT, subject: { kind: "hook", hook }, ...surroundings }),
    timeoutMs: HOOK_LIMIT_MS,
    onLine: () => {},
  });
  console.log(hookProcess.pid);
  const { code, stderr } = await hookProcess.ended;
  await agent.close();
  if (code === 0) commit(run);
  const end: HookEnd = {
    code,
    stderr: new TextDecoder().decode(stderr),
    commands: agent.commands(),
    databag: world.relations[relationId]?.unitBags[UNIT] ?? {},
    state: world.units[UNIT]?.state ?? {},
  };
  console.log(JSON.stringify(end));
}
