/**
 * Services by systemd: one unit file each, never enabled.
 *
 * @module
 */
import { InputError, ServiceError } from "../errors.ts";
import { userIds, writeFileAtomically } from "../files.ts";
import { capture, type Captured } from "../run.ts";
import type { ServiceManager, ServiceSpec, ServiceState } from "./service.ts";
import { checkSpec } from "./spec.ts";
import { STOP_TIMEOUT_MS, unitName, unitText } from "./unit_text.ts";

const UNIT_DIRECTORY = "/etc/systemd/system";
const MAX_LINES = 1000;
/** Milliseconds that systemd itself may take. */
const SYSTEMD_MS = 120_000;
/** `CLD_EXITED`: any other value of ExecMainCode means a signal. */
const BY_ITSELF = 1;
const SIGNAL_BASE = 128;

/** The manager of services of a machine that systemd runs. */
export function systemd(): ServiceManager {
  return { kind: "systemd", install, start, stop, restart, kill, state, remove, trimLog, logTail };
}

async function install(spec: ServiceSpec): Promise<boolean> {
  checkSpec(spec);
  const changed = await writeFileAtomically(pathOf(spec), unitText(spec), { mode: 0o644 });
  // Also after a hook that was killed between the two.
  if (changed || await property(spec, "NeedDaemonReload") === "yes") await systemctl(spec, ["daemon-reload"]);
  return changed;
}

async function start(spec: ServiceSpec): Promise<void> {
  await checkUser(spec);
  await install(spec);
  await systemctl(spec, ["start", unitName(spec.name)]);
}

async function stop(spec: ServiceSpec): Promise<void> {
  if (await exists(spec)) await systemctl(spec, ["stop", unitName(spec.name)]);
}

async function restart(spec: ServiceSpec): Promise<void> {
  await checkUser(spec);
  await install(spec);
  await systemctl(spec, ["restart", unitName(spec.name)]);
}

/** The stop that follows waits for the end, and keeps `Restart=always` from starting the server again. */
async function kill(spec: ServiceSpec): Promise<void> {
  if (!await exists(spec)) return;
  if ((await state(spec)).running) await systemctl(spec, ["kill", "--signal=KILL", unitName(spec.name)]);
  await systemctl(spec, ["stop", unitName(spec.name)]);
}

async function state(spec: ServiceSpec): Promise<ServiceState> {
  checkSpec(spec);
  const names = ["ActiveState", "MainPID", "ExecMainCode", "ExecMainStatus"];
  return parseState((await systemctl(spec, ["show", `--property=${names}`, unitName(spec.name)])).stdout);
}

async function remove(spec: ServiceSpec): Promise<void> {
  if (!await exists(spec)) return;
  await systemctl(spec, ["stop", unitName(spec.name)]);
  // Forgets a failure; refused when there is none.
  await capture("systemctl", ["reset-failed", unitName(spec.name)], { timeoutMs: limitOf(spec) });
  await Deno.remove(pathOf(spec));
  await systemctl(spec, ["daemon-reload"]);
}

/** The journal has a limit of its own. */
function trimLog(spec: ServiceSpec): Promise<void> {
  checkSpec(spec);
  return Promise.resolve();
}

async function logTail(spec: ServiceSpec, lines: number): Promise<string> {
  checkSpec(spec);
  const count = `${Math.min(Math.max(lines, 1), MAX_LINES)}`;
  const args = ["--unit", unitName(spec.name), "--lines", count, "--output=cat", "--no-pager", "--quiet"];
  return succeeded(spec, "journalctl", await capture("journalctl", args, { timeoutMs: limitOf(spec) })).stdout
    .trimEnd();
}

/** What `systemctl show` says about the main process. */
export function parseState(output: string): ServiceState {
  const facts = new Map(
    output.split("\n").map((line) => {
      const equals = line.indexOf("=");
      return [line.slice(0, equals), line.slice(equals + 1)];
    }),
  );
  const number = (name: string): number => Number(facts.get(name) ?? 0) || 0;
  const pid = number("MainPID");
  if (pid > 0 && facts.get("ActiveState") !== "failed") return { running: true, pid };
  const code = number("ExecMainCode");
  if (code === 0) return { running: false };
  return { running: false, exitCode: number("ExecMainStatus") + (code === BY_ITSELF ? 0 : SIGNAL_BASE) };
}

function pathOf({ name }: ServiceSpec): string {
  return `${UNIT_DIRECTORY}/${unitName(name)}`;
}

async function exists(spec: ServiceSpec): Promise<boolean> {
  checkSpec(spec);
  return (await Deno.lstat(pathOf(spec)).catch(() => undefined)) !== undefined;
}

async function checkUser(spec: ServiceSpec): Promise<void> {
  checkSpec(spec);
  const { name, user } = spec;
  if (user === undefined || await userIds(user)) return;
  throw new InputError(`service ${name}: this machine has no user ${user}: install the package that makes it`);
}

async function property(spec: ServiceSpec, name: string): Promise<string> {
  const { stdout } = await systemctl(spec, ["show", `--property=${name}`, unitName(spec.name)]);
  return stdout.trim().slice(name.length + 1);
}

async function systemctl(spec: ServiceSpec, args: readonly string[]): Promise<Captured> {
  return succeeded(spec, `systemctl ${args[0]}`, await capture("systemctl", [...args], { timeoutMs: limitOf(spec) }));
}

/** systemctl waits for a stop; systemd itself may take its time on a busy machine. */
function limitOf({ stopTimeoutMs = STOP_TIMEOUT_MS }: ServiceSpec): number {
  return stopTimeoutMs + SYSTEMD_MS;
}

function succeeded({ name }: ServiceSpec, what: string, result: Captured): Captured {
  if (result.code === 0) return result;
  const why = (result.stderr || result.stdout).trim().split("\n")[0]?.slice(0, 200) ?? "";
  throw new ServiceError(`service ${name}: ${what} failed (${why}): look at journalctl -u ${unitName(name)}`);
}
