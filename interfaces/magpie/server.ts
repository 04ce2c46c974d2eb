/**
 * The iperf server of this unit: peers measure throughput to it, in hooks and in the action `iperf`.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { ClientError } from "../clients/errors.ts";
import { ensureDirectory, isThere } from "../clients/files.ts";
import { isListening } from "../clients/net/listening.ts";
import { missingProgram } from "../clients/net/program.ts";
import { readAddress } from "../clients/net/validate.ts";
import { programPath } from "../clients/packages.ts";
import { type ServiceManager, serviceManager, type ServiceSpec } from "../clients/service/service.ts";
import type { Endpoint } from "../endpoints.ts";
import type { IperfOptions } from "./options.ts";
import { serverAddress } from "./own.ts";
import { TEXT } from "./texts.ts";

/** Time for a server that runs to listen, in milliseconds; a slower one is looked at by the next hook. */
const LISTEN_MS = 2000;
const POLL_MS = 20;
const STOP_MS = 2000;
const LOG_LINES = 5;
const MAX_ERROR = 120;
/** Any program will do to stop a server: it is not started. */
const ANY_PROGRAM = "/usr/bin/iperf3";

/** Where the unit's server keeps its files. */
export function serverDirectory(unit: string, dataDirectory: string): string {
  return `${dataDirectory}/${unit.replace("/", "-")}/iperf`;
}

/**
 * Lets the server run as the options say, and waits for it to listen. One that runs and does not is started again.
 *
 * @param directory see {@linkcode serverDirectory}
 * @returns whether it listens now; if not, the next hook is to look again
 * @throws {ClientError} that says why it cannot listen
 */
export async function ensureServer(
  ctx: Context,
  endpoint: Endpoint,
  options: IperfOptions,
  directory: string,
): Promise<boolean> {
  const program = await programPath(["iperf3"]);
  if (program === undefined) throw missingProgram("iperf3");
  const address = await serverAddress(ctx, endpoint, options.cidr);
  if (address === undefined) {
    throw new ClientError(options.cidr === "" ? TEXT.noOwnAddress : TEXT.noAddressIn(options.cidr));
  }
  const read = readAddress(address, { loopback: true });
  if ("unusable" in read) throw new ClientError(read.unusable);
  const spec = specOf(ctx.unit, directory, [program, "-s", "-B", address, "-p", `${options.port}`]);
  await ensureDirectory(directory, { mode: 0o755 });
  const manager = await serviceManager();
  const changed = await manager.install(spec);
  const isOpen = () => isListening(read, options.port);
  const { running } = await manager.state(spec);
  if (running && !changed && await untilListening(manager, spec, isOpen) === "listens") return true;
  await manager.stop(spec);
  if (await isOpen()) throw new ClientError(TEXT.portTaken(address, options.port));
  await manager.start(spec);
  const state = await untilListening(manager, spec, isOpen);
  if (state === "ended") throw new ClientError(TEXT.ended(lastError(await manager.logTail(spec, LOG_LINES))));
  return state === "listens";
}

/** Ends the server and deletes what it kept. */
export async function removeServer(unit: string, directory: string): Promise<void> {
  // Without its directory there has been no server.
  if (!await isThere(directory)) return;
  const manager = await serviceManager();
  await manager.remove(specOf(unit, directory, [ANY_PROGRAM]));
  await Deno.remove(directory, { recursive: true });
  // The unit's own directory, unless something else is kept there.
  await Deno.remove(directory.slice(0, directory.lastIndexOf("/"))).catch(() => undefined);
}

function specOf(unit: string, directory: string, argv: readonly string[]): ServiceSpec {
  return {
    name: `${unit.replace("/", "-")}-iperf`,
    description: `iperf3 server of ${unit}`,
    argv,
    directory,
    stopTimeoutMs: STOP_MS,
    ...(Deno.uid() === 0 ? { user: "nobody" } : {}),
  };
}

/** Waits for a server to listen; `silent` when it runs and does not. */
async function untilListening(
  manager: ServiceManager,
  spec: ServiceSpec,
  isOpen: () => Promise<boolean>,
): Promise<"listens" | "ended" | "silent"> {
  const end = performance.now() + LISTEN_MS;
  while (!await isOpen()) {
    const { running } = await manager.state(spec);
    if (!running) return "ended";
    if (performance.now() >= end) return "silent";
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return "listens";
}

function lastError(log: string): string {
  const lines = log.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const error = lines.findLast((line) => line.includes("error - ")) ?? lines.at(-1) ?? "it says nothing";
  return error.replace(/^.*error - /, "").slice(0, MAX_ERROR);
}
