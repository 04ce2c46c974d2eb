/**
 * Hook commands as child processes: the fallback where the agent's socket cannot be used.
 *
 * @module
 */
import { AgentError } from "../errors.ts";
import { REPLY_TIMEOUT_MS } from "./agent_socket.ts";
import type { JujuEnvironment } from "./environment.ts";
import { MAX_MESSAGE_BYTES } from "./gob.ts";
import type { CommandReply, HookCommandTransport } from "./transport.ts";

/** What a hook command needs of the hook environment: Juju's own variables, and how to find and print things. */
const PASSED_ON = /^(JUJU_\w+|CHARM_DIR|PATH|LANG|LC_\w+)$/;

/** Settings of the adapter. */
export interface ProcessOptions {
  readonly environment: JujuEnvironment;
  /** The hook's own environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds after which a hook command is killed. Default: 15 minutes. */
  readonly replyTimeoutMs?: number;
  /** Most bytes that a hook command may print on either output. Default: what the socket takes in one message. */
  readonly maxOutputBytes?: number;
}

/** Runs hook commands from the hook's PATH, one after the other, as the agent would. */
export function processTransport(options: ProcessOptions): HookCommandTransport {
  return new ProcessTransport(options);
}

class ProcessTransport implements HookCommandTransport {
  readonly kind = "process";
  readonly #cwd: string;
  readonly #env: Record<string, string>;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;
  #last: Promise<unknown> = Promise.resolve();
  /** Gives up the command that runs. */
  #abandon: (error: AgentError) => void = () => {};
  /** Why no more commands are run. */
  #end: AgentError | undefined;

  constructor({ environment, env, replyTimeoutMs, maxOutputBytes }: ProcessOptions) {
    this.#cwd = environment.charmDir;
    this.#env = Object.fromEntries(Object.entries(env).filter(([name]) => PASSED_ON.test(name)));
    this.#timeoutMs = replyTimeoutMs ?? REPLY_TIMEOUT_MS;
    this.#maxBytes = maxOutputBytes ?? MAX_MESSAGE_BYTES;
  }

  run(command: string, args: readonly string[], stdin?: Uint8Array): Promise<CommandReply> {
    const result = this.#last.then(() => this.#runNext(command, args, stdin));
    this.#last = result.catch(() => {});
    return result;
  }

  close(): void {
    this.#end = new AgentError("hook commands were given up while the hook ended");
    this.#abandon(this.#end);
  }

  async #runNext(command: string, args: readonly string[], stdin: Uint8Array | undefined): Promise<CommandReply> {
    if (this.#end) throw this.#end;
    const child = this.#spawn(command, args, stdin !== undefined);
    if (child === undefined) return this.#notFound(command);
    const outputs = [child.stdout.getReader(), child.stderr.getReader()] as const;
    const { promise: abandoned, reject } = Promise.withResolvers<never>();
    this.#abandon = reject;
    const timer = setTimeout(() => {
      reject(new AgentError(`${command} has not ended for ${this.#timeoutMs / 1000} s; Juju will retry the hook`));
    }, this.#timeoutMs);
    try {
      const [stdout, stderr, status] = await Promise.race([
        Promise.all([
          this.#collect(command, outputs[0]),
          this.#collect(command, outputs[1]),
          child.status,
          feed(child, stdin),
        ]),
        abandoned,
      ]);
      if (status.signal) throw new AgentError(`${command} was ended by ${status.signal}; Juju will retry the hook`);
      return { code: status.code, stdout, stderr };
    } catch (error) {
      kill(child);
      await child.status;
      throw error;
    } finally {
      clearTimeout(timer);
      this.#abandon = () => {};
      // After a kill, a grandchild may hold the pipes open.
      await Promise.allSettled(outputs.map((output) => output.cancel()));
    }
  }

  #spawn(command: string, args: readonly string[], withStdin: boolean): Deno.ChildProcess | undefined {
    try {
      return new Deno.Command(command, {
        args: [...args],
        clearEnv: true,
        env: this.#env,
        cwd: this.#cwd,
        stdin: withStdin ? "piped" : "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound) return undefined;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new AgentError(`cannot start hook command ${command}: ${reason}`, { cause });
    }
  }

  /** A command that this Juju lacks answers as it does over the socket: with an error of its own. */
  #notFound(command: string): CommandReply {
    const reason = `hook command ${command} not found on PATH: ${this.#env.PATH ?? "(not set)"}; ` +
      "run this as a hook, or with a Juju that has the command";
    return { code: 1, stdout: new Uint8Array(), stderr: new TextEncoder().encode(`ERROR ${reason}\n`) };
  }

  async #collect(command: string, output: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for (let next = await output.read(); !next.done; next = await output.read()) {
      size += next.value.length;
      if (size > this.#maxBytes) {
        throw new AgentError(
          `${command} printed more than the limit of ${this.#maxBytes} bytes; ` +
            "keep large data out of databags and state, then run: juju resolved UNIT",
        );
      }
      chunks.push(next.value);
    }
    const all = new Uint8Array(size);
    chunks.reduce((at, chunk) => (all.set(chunk, at), at + chunk.length), 0);
    return all;
  }
}

/** Gives a command its standard input. */
async function feed(child: Deno.ChildProcess, stdin: Uint8Array | undefined): Promise<void> {
  if (stdin === undefined) return;
  const writer = child.stdin.getWriter();
  try {
    await writer.write(stdin);
    await writer.close();
  } catch {
    // It ended without reading everything, and took the pipe with it: the exit status tells whether it minded.
  }
}

/** Kills a command that may have ended already. */
function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof Deno.errors.NotFound)) throw error;
  }
}
