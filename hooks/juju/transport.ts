/**
 * How one hook command reaches the agent. Two adapters implement it: agent_socket.ts and process.ts.
 *
 * @module
 */

/** What a hook command answered. */
export interface CommandReply {
  /** Exit status: 0 ok, 1 error while running, 2 argument error. */
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** A way to run hook commands. Both adapters give the same replies and throw the same errors. */
export interface HookCommandTransport {
  readonly kind: "native" | "process";
  /**
   * Runs one hook command. Calls may be issued without waiting for the previous reply; the agent
   * runs them one at a time, in no promised order.
   *
   * @param command name, such as `relation-get`
   * @param args arguments after the name
   * @param stdin given to the command's standard input; undefined closes it
   * @throws {AgentError} the agent cannot be reached or does not speak the protocol
   */
  run(command: string, args: readonly string[], stdin?: Uint8Array): Promise<CommandReply>;
  /** Ends the connection. Calls that are under way fail. */
  close(): void;
}
