/**
 * A transport that lets hook commands read and keeps them from writing.
 *
 * @module
 */
import type { CommandReply, HookCommandTransport } from "./transport.ts";

/** Commands that change nothing. */
const READS: ReadonlySet<string> = new Set([
  "action-get",
  "config-get",
  "credential-get",
  "goal-state",
  "is-leader",
  "leader-get",
  "network-get",
  "opened-ports",
  "relation-get",
  "relation-ids",
  "relation-list",
  "relation-model-get",
  "resource-get",
  "secret-get",
  "secret-ids",
  "secret-info-get",
  "state-get",
  "status-get",
  "storage-get",
  "storage-list",
  "unit-get",
]);

/** What a command that was kept from writing would print: only secret-add prints anything. */
const SECRET_URI = "secret:00000000000000000000\n";

/**
 * Wraps a transport for `--dry-run`.
 *
 * @param report takes the name of each command that was kept from writing
 */
export function readOnly(transport: HookCommandTransport, report: (command: string) => void): HookCommandTransport {
  const encoder = new TextEncoder();
  return {
    kind: transport.kind,
    run(command, args, stdin): Promise<CommandReply> {
      // Refreshing a secret moves the tracked revision at once; peeking shows the same content.
      if (command === "secret-get") {
        return transport.run(command, args.map((arg) => arg === "--refresh" ? "--peek" : arg), stdin);
      }
      if (READS.has(command)) return transport.run(command, args, stdin);
      report(command);
      const stdout = encoder.encode(command === "secret-add" ? SECRET_URI : "");
      return Promise.resolve({ code: 0, stdout, stderr: new Uint8Array() });
    },
    close: () => transport.close(),
  };
}
