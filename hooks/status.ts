/**
 * Statuses: each source (an endpoint's module, or the charm) reports its own, and the most urgent one is shown.
 *
 * @module
 */
import type { StatusLevel } from "./juju/commands/status.ts";
import type { StatusPair, StoredStatuses } from "./state/unit_state.ts";
import { oneLine } from "./text.ts";

export type { StatusLevel };

/** Most urgent first. */
export const STATUS_PRIORITY: readonly StatusLevel[] = ["blocked", "maintenance", "waiting", "active"];

/** What a handler may set. */
export class StatusReporter {
  readonly #statuses: StoredStatuses;
  readonly #source: string;

  /**
   * @param source who reports: an endpoint, or `""` for the charm itself
   */
  constructor(statuses: StoredStatuses, source: string) {
    this.#statuses = statuses;
    this.#source = source;
  }

  /** Reports how this source's part of the unit is doing. Stays until the same source reports again. */
  set(level: StatusLevel, message = ""): void {
    this.#statuses.unit[this.#source] = [level, oneLine(message)];
  }

  /** Reports how this source's part of the application is doing; only the leader's report is shown. */
  setApplication(level: StatusLevel, message = ""): void {
    this.#statuses.application[this.#source] = [level, oneLine(message)];
  }

  /** Takes this source's reports back. */
  clear(): void {
    delete this.#statuses.unit[this.#source];
    delete this.#statuses.application[this.#source];
  }
}

/** The most urgent of the reported statuses; undefined when nobody reported any. */
export function mostUrgent(
  statuses: StoredStatuses,
  scope: "unit" | "application",
): readonly [StatusLevel, string] | undefined {
  const reported: StatusPair[] = Object.entries(statuses[scope]).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([, pair]) => pair);
  const blocked: StatusPair[] = scope === "unit"
    ? Object.values(statuses.blocked).map((message) => ["blocked", message] as const)
    : [];
  for (const level of STATUS_PRIORITY) {
    const messages = [...blocked, ...reported].filter(([candidate]) => candidate === level)
      .map(([, message]) => message).filter((message) => message !== "");
    if ([...blocked, ...reported].some(([candidate]) => candidate === level)) {
      return [level, [...new Set(messages)].join("; ")];
    }
  }
  return undefined;
}
