/**
 * The iperf3 server of a throughput check: on a port of its own, gone after its time whatever happens to this process.
 *
 * @module
 */
import { ClientError, InputError } from "../errors.ts";
import { ForbiddenError } from "./errors.ts";
import { lastLine, missingProgram, sendSignal, startProgram } from "./program.ts";
import { readAddress, wholeNumber } from "./validate.ts";

/** Time for the server to say that it listens, in milliseconds. */
const START_MS = 10_000;
/** Free ports that are tried, as somebody else may take one in between. */
const PORT_TRIES = 5;

/** Where and how long to serve. */
export interface IperfServerOptions {
  /** Own address to listen on. */
  readonly address: string;
  /** Port; a free one unless given. */
  readonly port?: number;
  /** Seconds after which the server is ended, even when this process was killed. */
  readonly lifetimeSeconds: number;
  /** Serve any number of clients, one at a time, instead of one. */
  readonly many?: boolean;
  /** Let it go on when this process ends. */
  readonly detached?: boolean;
}

/** A running server. */
export interface IperfServer {
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended. */
  readonly ended: Promise<void>;
  /** Ends the server; nothing happens when it has ended. */
  stop(): Promise<void>;
}

/**
 * Starts a server and waits until it listens.
 *
 * @throws {ProgramMissingError | ForbiddenError | InputError}
 * @throws {ClientError} when it does not listen, with iperf3's reason
 */
export async function startIperfServer(options: IperfServerOptions): Promise<IperfServer> {
  const address = readAddress(options.address, { loopback: true });
  if ("unusable" in address) throw new InputError(`the address to serve on: ${address.unusable}`);
  const lifetime = wholeNumber("lifetimeSeconds", options.lifetimeSeconds, 1, 86_400);
  const fixed = options.port === undefined ? undefined : wholeNumber("port", options.port, 1, 65_535);
  for (let attempt = 1;; attempt++) {
    const port = fixed ?? freePort(address.address);
    const server = await launch(address.address, port, lifetime, options);
    if (!("failure" in server)) return server;
    const taken = /already in use/.test(server.failure);
    if (fixed !== undefined || !taken || attempt === PORT_TRIES) {
      throw new ClientError(`iperf3 does not listen on ${address.address} port ${port}: ${server.failure}`);
    }
  }
}

async function launch(
  address: string,
  port: number,
  lifetimeSeconds: number,
  { many, detached }: IperfServerOptions,
): Promise<IperfServer | { readonly failure: string }> {
  // `timeout` ends the server also when this process cannot any more.
  const args = ["--kill-after=2", `${lifetimeSeconds}`, "iperf3", "-s", "-B", address, "-p", `${port}`, "--forceflush"];
  const child = startProgram("timeout", many ? args : [...args, "-1"], detached ?? false);
  const stop = async () => {
    sendSignal(child, "SIGTERM");
    await child.status;
  };
  const timer = setTimeout(() => sendSignal(child, "SIGTERM"), START_MS);
  const listening = await waitFor(child.stdout, "Server listening");
  clearTimeout(timer);
  if (!listening) return { failure: await failureOf(child) };
  // Nobody reads on: iperf3 ignores that its words go nowhere.
  await child.stderr.cancel();
  if (detached) child.unref();
  return { address, port, pid: child.pid, ended: child.status.then(() => {}), stop };
}

async function waitFor(stream: ReadableStream<Uint8Array>, words: string): Promise<boolean> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.includes(words)) return true;
  }
  return false;
}

async function failureOf(child: Deno.ChildProcess): Promise<string> {
  const [stderr, { code }] = await Promise.all([new Response(child.stderr).text(), child.status]);
  if (code === 127) throw missingProgram("iperf3");
  const reason = stderr.split("\n").find((line) => line.includes("error"));
  return reason === undefined ? `exit status ${code}` : lastLine(reason).replace(/^error - /, "");
}

function freePort(hostname: string): number {
  try {
    using listener = Deno.listen({ hostname, port: 0 });
    return listener.addr.port;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) {
      throw new ForbiddenError("no port may be opened: declare the permission net");
    }
    if (error instanceof Error) throw new ClientError(`cannot listen on ${hostname}: ${error.message}`);
    throw error;
  }
}
