/**
 * What handlers need that look after servers.
 *
 * @module
 */
import type { EndHook, Needs } from "../hooks/definition.ts";

/** To install and remove a server: the machine's programs and files, and whether hooks run as root. */
export const MACHINE: Needs = ["read", "run", "sys", "write"];

/** To keep it in its cluster: the servers, too. */
export const CLUSTER: Needs = [...MACHINE, "net"];

/** Hooks in which there is no server yet to keep in its cluster, or any more. */
export const ENDS: readonly EndHook[] = ["install", "stop", "remove"];
