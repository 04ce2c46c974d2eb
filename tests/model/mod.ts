/**
 * The simulated Juju: deploys charms and runs their hooks as real processes.
 *
 * @module
 */
export { ModelError } from "./checker.ts";
export type { UnitLogLine } from "./execution.ts";
export type { Fault } from "./faults.ts";
export type { Hook, WorkloadDetail, WorkloadKind } from "./local_state.ts";
export { type ConfigValues, type DeployOptions, type ExecResult, Model, type ModelOptions } from "./model.ts";
export type { SettleOptions } from "./model.ts";
export type * from "./state.ts";
export { formatStatus, type RunOutcome, type TimelineEntry } from "./timeline.ts";
