/**
 * Server processes that outlive the hook that starts them: by systemd where the machine runs it, else by a small
 * supervisor of our own. Neither starts anything at boot: the charm does, once it has looked.
 *
 * @module
 */

/** A server and how it is to run. */
export interface ServiceSpec {
  /** Unique on the machine: `[a-z0-9-]+`, such as `etcd-0`. */
  readonly name: string;
  readonly description: string;
  /** The server and its arguments, no secrets; `argv[0]` is an absolute path. */
  readonly argv: readonly string[];
  /** Without it the server runs as the user that runs the hook. */
  readonly user?: string;
  /** Without it the main group of the user. */
  readonly group?: string;
  /** Added to PATH and LANG; nothing else is handed on. No secrets: every user can read it in places. */
  readonly environment?: Readonly<Record<string, string>>;
  /**
   * Working directory. The supervisor keeps `<name>.pid`, `<name>.log` and a few more in it, so it has to belong to the
   * user that runs the hook and be writable to nobody else; a server with a user of its own gets one below it.
   */
  readonly directory: string;
  /** Exit codes after which the server is started again at once, such as 16 for mysqld after a clone. */
  readonly restartExitCodes?: readonly number[];
  /** `on-codes` (the default) leaves a crash to the charm to see; `always` starts the server again after any end. */
  readonly restart?: "always" | "on-codes";
  /** Milliseconds between TERM and KILL; 20 000 by default. */
  readonly stopTimeoutMs?: number;
  /** Most open files; as the system has it without. */
  readonly openFiles?: number;
}

/** What a server process does now. */
export interface ServiceState {
  readonly running: boolean;
  /** Process id of the server itself. */
  readonly pid?: number;
  /** How it ended last, 128 and the signal's number after a signal; absent while it runs or where nobody saw it. */
  readonly exitCode?: number;
}

/**
 * Starts and stops servers. Every method may be called again after a crash, and from two processes at the same time.
 * All throw InputError for a spec that cannot be used, and ServiceError when the machine does not do it.
 */
export interface ServiceManager {
  readonly kind: "systemd" | "supervisor";
  /** Writes what describes the service; true when that changed: a running server has the old one until `restart`. */
  install(spec: ServiceSpec): Promise<boolean>;
  /** Starts the server; nothing happens when it runs. It may not serve yet when this returns, or have ended again. */
  start(spec: ServiceSpec): Promise<void>;
  /** TERM, then KILL after `stopTimeoutMs`. Nothing happens when it does not run. */
  stop(spec: ServiceSpec): Promise<void>;
  restart(spec: ServiceSpec): Promise<void>;
  /** KILL at once, for a server that hangs. */
  kill(spec: ServiceSpec): Promise<void>;
  state(spec: ServiceSpec): Promise<ServiceState>;
  /** Stops the server and deletes what `install` and `start` wrote, also its log. */
  remove(spec: ServiceSpec): Promise<void>;
  /** Begins a new log when that of a running server has grown too large; where systemd keeps the log, it does so. */
  trimLog(spec: ServiceSpec): Promise<void>;
  /** The last lines that the server printed; empty when it has never run. */
  logTail(spec: ServiceSpec, lines: number): Promise<string>;
}

const SYSTEMD_RUNS = "/run/systemd/system";

/** The service manager of this machine. @param options.kind takes that one instead */
export async function serviceManager(
  options: { readonly kind?: ServiceManager["kind"] } = {},
): Promise<ServiceManager> {
  const kind = options.kind ?? (await systemdRuns() ? "systemd" : "supervisor");
  if (kind === "systemd") return (await import("./systemd.ts")).systemd();
  return (await import("./supervisor.ts")).supervisor();
}

/** As sd_booted(3) does it. */
async function systemdRuns(): Promise<boolean> {
  try {
    return (await Deno.lstat(SYSTEMD_RUNS)).isDirectory;
  } catch {
    return false;
  }
}
