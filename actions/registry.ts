/**
 * Every action that the executable offers: one line each, loaded only when it runs.
 *
 * @module
 */
import type { LazyAction } from "../hooks/definition.ts";

/** One line for each action. */
export const ACTIONS: readonly LazyAction[] = [];
