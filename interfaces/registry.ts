/**
 * Every interface that the executable speaks: one line each, loaded only by hooks of charms that use it.
 *
 * @module
 */
import type { LazyInterface } from "../hooks/definition.ts";

/** One line for each side of each interface. */
export const INTERFACES: readonly LazyInterface[] = [];
