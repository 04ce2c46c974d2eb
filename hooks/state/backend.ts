/**
 * Where stored state lies: with the unit agent (the default), or in a file of the charm directory.
 *
 * @module
 */

/** A place for key and value strings. */
export interface StateBackend {
  /** `agent`: commits with the hook. `file`: written last, after the agent accepted everything else. */
  readonly kind: "agent" | "file";
  /** Everything stored. */
  load(): Promise<Record<string, string>>;
  /** Stores values and, where the value is null, removes keys. */
  save(changes: ReadonlyMap<string, string | null>): Promise<void>;
  /** Gives up locks and files. */
  close(): void;
}
