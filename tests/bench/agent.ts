/**
 * The simulated agent of the unit that is measured: counts hook commands and the time that they take there.
 *
 * @module
 */
import type { HookRunOptions } from "../model/hook_run.ts";
import type { WorldState } from "../model/state.ts";

/** What one hook asked of the agent. */
export interface Tally {
  /** Names of the hook commands, in order. */
  readonly commands: readonly string[];
  /** How long the agent worked on them, in milliseconds. */
  readonly agentMs: number;
  /** What the hook wanted to write into the unit's databags. */
  readonly written: Readonly<Record<string, string>>;
}

/** What the agent's thread is asked to do. */
export type AgentCall =
  | { readonly call: "serve"; readonly address: string }
  | { readonly call: "begin"; readonly world: WorldState; readonly options: HookRunOptions }
  | { readonly call: "end" }
  | { readonly call: "close" };

/** An agent that serves one hook after another on one abstract socket. */
export class BenchAgent {
  /** What `JUJU_AGENT_SOCKET_ADDRESS` is. */
  readonly address = `@/charmlet-bench/${crypto.randomUUID()}/agent.socket`;
  readonly #worker = new Worker(new URL("agent_worker.ts", import.meta.url), { type: "module" });

  /** Starts to serve. */
  async open(): Promise<void> {
    await this.#ask({ call: "serve", address: this.address });
  }

  /** Starts a fresh context: the next commands belong to it. */
  async begin(world: WorldState, options: HookRunOptions): Promise<void> {
    await this.#ask({ call: "begin", world, options });
  }

  /** Ends the context and drops what the hook wanted written, so that the next run finds the same model. */
  async end(): Promise<Tally> {
    return await this.#ask({ call: "end" }) as Tally;
  }

  /** Stops serving. */
  async close(): Promise<void> {
    await this.#ask({ call: "close" });
    this.#worker.terminate();
  }

  /** The thread answers each call before it takes the next. */
  #ask(call: AgentCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(`the agent's thread failed: ${event.message}`));
      };
      this.#worker.postMessage(call);
    });
  }
}
