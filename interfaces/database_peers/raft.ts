/**
 * Raft's partners: Patroni keeps them itself, but one that has gone for good must be taken out, or it goes on counting.
 *
 * @module
 */
import { capture } from "../clients/run.ts";

/** Whom to ask, and whom to take out. */
export interface PartnerRemoval {
  /** The address of this unit's Patroni. */
  readonly self: string;
  readonly partner: string;
  readonly port: number;
  readonly password: string;
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

/** Takes a partner out. @returns whether Raft did it */
export async function removePartner({ self, partner, port, password }: PartnerRemoval): Promise<boolean> {
  const at = (host: string) => `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const input = `${JSON.stringify({ self: at(self), partner: at(partner), password })}\n`;
  const { code } = await capture("/usr/bin/python3", ["-c", SCRIPT], { input });
  return code === 0;
}
