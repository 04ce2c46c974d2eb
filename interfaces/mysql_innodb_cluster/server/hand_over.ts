/**
 * A primary that goes on purpose lets another member take over first.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ClientError } from "../../clients/errors.ts";
import type { Mysql } from "../../clients/mysql/connection.ts";
import { setPrimary } from "../../clients/mysql/group.ts";
import { addressText, readGroup } from "../../clients/mysql/members.ts";

/** Members to which it is tried to hand over: the first may be going too. */
const HEIRS = 3;

/**
 * Makes another member the primary, if this server is it. Else writers would wait until the others have noticed that it
 * went, and it would look as if it took writes while another does already.
 *
 * @param db connection to the server that goes
 */
export async function handOver(ctx: Context, db: Mysql): Promise<void> {
  const tried = new Set<string>();
  while (tried.size < HEIRS) {
    const { self, primary, members, quorum } = await readGroup(db);
    const heir = members.find(({ uuid, state }) => state === "ONLINE" && uuid !== self?.uuid && !tried.has(uuid));
    if (!quorum || !heir || !primary || primary.uuid !== self?.uuid) return;
    tried.add(heir.uuid);
    try {
      return await setPrimary(db, heir.uuid);
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // A cluster that is a replica of another refuses for all of them: an election follows.
      ctx.log.warning(`${addressText(heir)} does not take over from the primary that goes: ${error.message}`);
    }
  }
}
