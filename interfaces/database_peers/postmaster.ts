/**
 * The PostgreSQL server itself, for when its Patroni has ended without it.
 *
 * @module
 */
import { join } from "node:path";
import { readIfThere } from "../clients/files.ts";
import { capture } from "../clients/run.ts";
import { signal } from "../clients/service/process.ts";

const POLL_MS = 100;
/** Milliseconds for a fast shutdown. */
const PATIENCE_MS = 5000;

/** The server's process id; undefined when it does not run on this data. */
export async function serverPid(dataDirectory: string): Promise<number | undefined> {
  const pid = Number.parseInt(await readIfThere(join(dataDirectory, "postmaster.pid")) ?? "", 10);
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  // The number may be another process's by now.
  // Deno opens files of other processes only for programs that hold every permission.
  const { code, stdout } = await capture("cat", [`/proc/${pid}/cmdline`]);
  return code === 0 && stdout.split("\0").includes(dataDirectory) ? pid : undefined;
}

/** Which run of the server this is: its process id and when it began; empty when its file is not there. */
export async function serverRun(dataDirectory: string): Promise<string> {
  const [pid = "", , since = ""] = (await readIfThere(join(dataDirectory, "postmaster.pid")) ?? "").split("\n");
  return pid === "" ? "" : `${pid} ${since}`.slice(0, 40);
}

/** Ends a server that Patroni has left behind, sessions and all, and waits for it. */
export async function endServer(dataDirectory: string): Promise<void> {
  for (const [name, ms] of [["SIGINT", PATIENCE_MS], ["SIGQUIT", PATIENCE_MS]] as const) {
    const pid = await serverPid(dataDirectory);
    if (pid === undefined) return;
    signal(pid, name);
    for (const deadline = Date.now() + ms; Date.now() < deadline;) {
      if (await serverPid(dataDirectory) !== pid) return;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}
