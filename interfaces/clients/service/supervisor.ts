/**
 * Services without systemd, such as in containers: a small shell loop per server, in a session of its own, that
 * outlives the hook.
 *
 * @module
 */
import { InputError, ServiceError } from "../errors.ts";
import { userIds, writeFileAtomically } from "../files.ts";
import { LOOP } from "./loop.ts";
import { alive, bootId, type ProcessIdentity, signal } from "./process.ts";
import type { ServiceManager, ServiceSpec, ServiceState } from "./service.ts";
import { checkSpec } from "./spec.ts";
import {
  deleteFiles,
  fileOf,
  lastExitCode,
  locked,
  prepareLog,
  recorded,
  tailOfLog,
  trimLog,
} from "./supervisor_files.ts";
import { STOP_TIMEOUT_MS } from "./unit_text.ts";

const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", LANG: "C.UTF-8" };
/** How long the loop may take to write the pid file. */
const START_TIMEOUT_MS = 10_000;
/** How long a loop without a server may take to start the next one, or to end. */
const SETTLE_TIMEOUT_MS = 1000;
/** How long the kernel may take to end a process that got KILL. */
const KILL_TIMEOUT_MS = 5000;
const POLL_MS = { first: 2, most: 100 } as const;

/** The manager of services of a machine without systemd. */
export function supervisor(): ServiceManager {
  return {
    kind: "supervisor",
    install: (spec) => change(spec, () => install(spec)),
    start: (spec) => change(spec, () => start(spec)),
    stop: (spec) => change(spec, () => stop(spec)),
    restart: (spec) =>
      change(spec, async () => {
        await stop(spec);
        await start(spec);
      }),
    kill: (spec) => change(spec, () => kill(spec)),
    remove: (spec) =>
      change(spec, async () => {
        await stop(spec);
        await deleteFiles(spec);
      }),
    async state(spec) {
      checkSpec(spec);
      return await state(spec);
    },
    trimLog: (spec) => change(spec, () => trimLog(spec)),
    async logTail(spec, lines) {
      checkSpec(spec);
      return await tailOfLog(spec, lines);
    },
  };
}

async function change<T>(spec: ServiceSpec, work: () => Promise<T>): Promise<T> {
  checkSpec(spec);
  return await locked(spec, work);
}

/** The loop is told everything at its start; the file is there to tell whether that has changed. */
async function install(spec: ServiceSpec): Promise<boolean> {
  return await writeFileAtomically(fileOf(spec, "service"), `${JSON.stringify(spec, null, 2)}\n`, { mode: 0o600 });
}

async function state(spec: ServiceSpec): Promise<ServiceState> {
  const server = await alive((await recorded(spec)).server);
  if (server) return { running: true, pid: server.pid };
  const exitCode = await lastExitCode(spec);
  return { running: false, ...(exitCode !== undefined && { exitCode }) };
}

async function start(spec: ServiceSpec): Promise<void> {
  const before = await processes(spec);
  if (before.server) return;
  if (before.loop && !await reached(SETTLE_TIMEOUT_MS, async () => isSettled(await processes(spec)))) return;
  const { server: last } = await recorded(spec);
  if (await alive(last)) return;
  const argv = [...await asUser(spec), ...spec.argv];
  await checkProgram(spec);
  await prepareLog(spec);
  const { name, restart = "on-codes", restartExitCodes = [], openFiles = 0 } = spec;
  const settings = [`${spec.directory}/${name}`, restart, restartExitCodes.join(" "), `${openFiles}`, await bootId()];
  const { code } = await new Deno.Command("setsid", {
    args: ["--fork", "sh", "-c", LOOP, `charmlet-${name}`, ...settings, ...argv],
    cwd: spec.directory,
    clearEnv: true,
    env: { ...ENVIRONMENT, ...spec.environment },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  // The loop of a hook that was killed may be about to write it as well; its server is as good.
  const written = async () => {
    const { server } = await recorded(spec);
    return server !== undefined && !isSame(server, last);
  };
  if (code === 0 && await reached(START_TIMEOUT_MS, written)) return;
  throw new ServiceError(`service ${name} did not start: look at ${fileOf(spec, "log")}, and at the room on its disk`);
}

function isSame(one: ProcessIdentity, other: ProcessIdentity | undefined): boolean {
  return one.pid === other?.pid && one.started === other.started;
}

/** A loop whose server has ended is about to start the next one, pauses before it does, or is about to end. */
function isSettled({ server, loop }: Running): boolean {
  return server || !loop;
}

async function stop(spec: ServiceSpec): Promise<void> {
  const asked = new Set<number>();
  const stopped = await reached(spec.stopTimeoutMs ?? STOP_TIMEOUT_MS, async () => {
    const { server, loop } = await recorded(spec);
    // The loop hands the signal on; a server that has lost its loop gets it from here.
    const target = await alive(loop) ?? await alive(server);
    if (!target) return true;
    if (!asked.has(target.pid)) signal(target.pid, "SIGTERM");
    asked.add(target.pid);
    return false;
  });
  if (!stopped) await kill(spec);
}

/** The loop's group has also what the server started without a group of its own. */
async function kill(spec: ServiceSpec): Promise<void> {
  const gone = await reached(KILL_TIMEOUT_MS, async () => {
    const { server, loop } = await recorded(spec);
    const [liveLoop, liveServer] = [await alive(loop), await alive(server)];
    if (!liveLoop && !liveServer) return true;
    // Without its leader the group is still ours as long as the server is in it.
    if (loop && (liveLoop ?? liveServer)?.group === loop.pid) signal(-loop.pid, "SIGKILL");
    if (liveServer) signal(liveServer.pid, "SIGKILL");
    return false;
  });
  if (gone) return;
  throw new ServiceError(`service ${spec.name} is still there after KILL: look at the machine's disks and kernel log`);
}

interface Running {
  readonly server: boolean;
  readonly loop: boolean;
}

async function processes(spec: ServiceSpec): Promise<Running> {
  const { server, loop } = await recorded(spec);
  return { server: await alive(server) !== undefined, loop: await alive(loop) !== undefined };
}

async function asUser({ name, user, group }: ServiceSpec): Promise<string[]> {
  if (user === undefined) return [];
  const ids = await userIds(user);
  if (!ids) {
    throw new InputError(`service ${name}: this machine has no user ${user}: install the package that makes it`);
  }
  return ["setpriv", "--reuid", `${ids.uid}`, "--regid", group ?? `${ids.gid}`, "--init-groups", "--"];
}

async function checkProgram({ name, argv: [program = ""] }: ServiceSpec): Promise<void> {
  const facts = await Deno.stat(program).catch(() => undefined);
  if (facts?.isFile && ((facts.mode ?? 0) & 0o111) !== 0) return;
  throw new InputError(`service ${name}: ${program} is no program that can be run: install the package that has it`);
}

/** Asks again and again, ever more slowly. @returns whether the answer was yes within the time */
async function reached(timeoutMs: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + timeoutMs;
  let pause: number = POLL_MS.first;
  while (!await isSo()) {
    const rest = end - performance.now();
    if (rest <= 0) return false;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, rest)));
    pause = Math.min(pause * 2, POLL_MS.most);
  }
  return true;
}
