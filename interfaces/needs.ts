/**
 * What handlers need that look after servers.
 *
 * @module
 */
import type { Needs } from "../hooks/definition.ts";

/** To install and remove a server: the machine's programs and files, and whether hooks run as root. */
export const MACHINE: Needs = ["read", "run", "sys", "write"];

/** To keep it in its cluster: the servers, too. */
export const CLUSTER: Needs = [...MACHINE, "net"];
