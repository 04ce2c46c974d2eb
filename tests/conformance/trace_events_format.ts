/**
 * Steps of the replication library's traces (`event-cases`) as far as the runner reads them. See data/traces/README.md.
 *
 * @module
 */
import type { Json } from "./trace_format.ts";

/** A databag. */
export type EventBag = Readonly<Record<string, string>>;
/** A status: level and message. */
export type EventStatus = readonly [level: string, message: string];

/** One call of the back-end or the charm, or a sleep. */
export interface EventCall {
  readonly target: string;
  readonly method?: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Json;
  readonly seconds?: number;
}

/** A relation of the unit. */
export interface EventRelation {
  readonly id: number;
  readonly endpoint: string;
  readonly remote_app: string;
  readonly local_app_data: EventBag;
  readonly remote_app_data: EventBag;
  readonly remote_units?: readonly number[];
}

/** A secret that the unit can see. */
export interface EventSecret {
  readonly id: string;
  readonly label: string | null;
  readonly owner: string | null;
  readonly content: EventBag;
}

/** A handler that an earlier step deferred. */
export interface EventDeferral {
  readonly observer: string;
}

/** The peer relation. */
export interface EventPeer {
  readonly id: number;
  readonly app: EventBag;
  readonly unit: EventBag;
}

/** The model before an event. */
export interface EventState {
  readonly unit: string;
  readonly leader: boolean;
  readonly planned_units: number;
  readonly peer: EventPeer | null;
  readonly relations: readonly EventRelation[];
  readonly secrets: readonly EventSecret[];
  readonly unit_status: EventStatus;
  readonly app_status: EventStatus;
  readonly deferred?: readonly EventDeferral[];
  readonly unit_address: string;
  readonly active_status_message: string;
  readonly uuid4_hex: string;
}

/** What came of an event. */
export interface EventExpectation {
  readonly calls: readonly EventCall[];
  readonly error?: unknown;
  readonly unit_status?: EventStatus;
  readonly app_status?: EventStatus;
  readonly unit_status_history?: readonly EventStatus[];
  readonly app_status_history?: readonly EventStatus[];
  readonly peer?: EventPeer | null;
  readonly relations?: Readonly<Record<string, EventBag>>;
  readonly secrets?: readonly Json[];
  readonly deferred?: readonly EventDeferral[];
  readonly action?: Json;
  readonly state_before?: Json;
  readonly state_after?: Json;
}

/** One event. */
export interface EventStep {
  readonly event: { readonly name: string; readonly relation_id?: number; readonly params?: Json };
  readonly state: EventState;
  /** Scripted answers of the back-end by the original's method names. */
  readonly mysql: Json;
  readonly oddities?: readonly string[];
  readonly expect: EventExpectation;
}

/** Events in order; each is self-contained. */
export interface EventCase {
  readonly id: string;
  readonly oddities?: readonly string[];
  readonly steps: readonly EventStep[];
}
