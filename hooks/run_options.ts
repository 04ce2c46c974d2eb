/**
 * What a run needs of the process.
 *
 * @module
 */
import type { Agent } from "./agent.ts";
import type { CharmReading } from "./charm/load.ts";
import type { Program } from "./definition.ts";
import type { ForgottenFailures } from "./forgotten_failures.ts";
import type { JujuEnvironment } from "./juju/environment.ts";
import type { HookInvocation } from "./route.ts";

/** What a run needs of the process. */
export interface RunOptions {
  readonly invocation: HookInvocation;
  readonly environment: JujuEnvironment;
  readonly env: Readonly<Record<string, string>>;
  /** Prints a line on standard output: in a hook, the agent logs it at DEBUG. */
  readonly print: (line: string) => void;
  /** Prints a line on standard error: the agent logs it at WARNING. */
  readonly printError: (line: string) => void;
  /** Print what would be written, and write nothing. */
  readonly dryRun: boolean;
}

/** What a run consists of once it is connected. */
export interface RunParts {
  readonly program: Program;
  readonly options: RunOptions;
  readonly agent: Agent;
  readonly reading: CharmReading;
  readonly forgotten: ForgottenFailures;
}
