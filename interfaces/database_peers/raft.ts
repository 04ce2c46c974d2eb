/**
 * Raft's partners: Patroni keeps them itself, but one that has gone for good must be taken out, or it goes on counting.
 *
 * @module
 */
import { capture, ProgramTimeoutError } from "../clients/run.ts";

/** Whom to ask, and whom to take out. */
export interface PartnerRemoval {
  /** The address of this unit's Patroni. */
  readonly self: string;
  readonly partner: string;
  readonly port: number;
  readonly password: string;
  /** Milliseconds: by itself the library goes on for a quarter of an hour. */
  readonly timeoutMs: number;
}

/** The library that Patroni itself uses; the password comes by standard input. */
const SCRIPT = `
import json, sys
from pysyncobj.utility import TcpUtility, UtilityException
given = json.loads(sys.stdin.readline())
try:
    answer = TcpUtility(given["password"]).executeCommand(given["self"], ["remove", given["partner"]])
except UtilityException:
    sys.exit(1)
sys.exit(0 if answer and "SUCCESS" in str(answer).upper() else 1)
`;

/** Takes a partner out. @returns whether Raft did it, and said so in time */
export async function removePartner(removal: PartnerRemoval): Promise<boolean> {
  const { self, partner, port, password, timeoutMs } = removal;
  const at = (host: string) => `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const input = `${JSON.stringify({ self: at(self), partner: at(partner), password })}\n`;
  try {
    const { code } = await capture("/usr/bin/python3", ["-c", SCRIPT], { input, timeoutMs });
    return code === 0;
  } catch (error) {
    if (error instanceof ProgramTimeoutError) return false;
    throw error;
  }
}
