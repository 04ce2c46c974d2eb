/**
 * The text of a systemd unit file.
 *
 * @module
 */
import type { ServiceSpec } from "./service.ts";

/** Default of `stopTimeoutMs`. */
export const STOP_TIMEOUT_MS = 20_000;

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\t": "\\t",
  "\r": "\\r",
  "%": "%%",
};

/** The name of a service's unit. */
export function unitName(name: string): string {
  return `charmlet-${name}.service`;
}

/** The unit file of a service whose spec has been checked. */
export function unitText(spec: ServiceSpec): string {
  const { user, group, environment = {}, restartExitCodes = [], openFiles } = spec;
  const always = spec.restart === "always";
  const lines = [
    "# Written by the charm; changes are lost.",
    "[Unit]",
    `Description=${plain(spec.description)}`,
    "After=network-online.target",
    "Wants=network-online.target",
    "StartLimitIntervalSec=0",
    "",
    "[Service]",
    "Type=exec",
    `ExecStart=${spec.argv.map(argument).join(" ")}`,
    `WorkingDirectory=${plain(spec.directory)}`,
    ...(user === undefined ? [] : [`User=${user}`]),
    ...(group === undefined ? [] : [`Group=${group}`]),
    // mysqld restarts itself after a clone only where its parent is the one that this names.
    "Environment=MYSQLD_PARENT_PID=1",
    ...Object.entries(environment).map(([key, value]) => `Environment=${quote(`${key}=${value}`)}`),
    `Restart=${always ? "always" : "no"}`,
    `RestartSec=${always ? "1s" : "100ms"}`,
    ...(restartExitCodes.length === 0 ? [] : [`RestartForceExitStatus=${restartExitCodes.join(" ")}`]),
    `TimeoutStopSec=${spec.stopTimeoutMs ?? STOP_TIMEOUT_MS}ms`,
    "KillMode=mixed",
    ...(openFiles === undefined ? [] : [`LimitNOFILE=${openFiles}`]),
    "UMask=0022",
    "StandardOutput=journal",
    "StandardError=inherit",
  ];
  return `${lines.join("\n")}\n`;
}

/** One word of `ExecStart`, where `$` would begin a variable. */
export function argument(text: string): string {
  return quote(text).replaceAll("$", "$$$$");
}

/** One word between quotes, in which systemd reads escapes and `%` specifiers. */
export function quote(text: string): string {
  return `"${text.replace(/[\\"%]|(?=\p{ASCII})\p{Cc}/gu, (c) => ESCAPES[c] ?? hex(c))}"`;
}

/** A value that systemd takes as it stands, but for `%` and a backslash at the end of the line. */
function plain(text: string): string {
  return text.replaceAll("%", "%%").replaceAll("\\", "/");
}

function hex(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
