/**
 * Asks every server again and again, as long as it is there.
 *
 * @module
 */
import { ClientError } from "../../../interfaces/clients/errors.ts";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";

/** Whom to ask, and how. */
export interface Watch {
  /** Units that are there now. */
  readonly units: () => readonly string[];
  readonly connect: (unit: string) => Promise<Mysql>;
  readonly pauseMs: number;
  /** Called for each connection; what it returns is called again and again until the connection is lost. */
  readonly look: (unit: string) => (db: Mysql) => Promise<void>;
}

/** Starts to ask. @returns ends it */
export function watchServers({ units, connect, pauseMs, look }: Watch): () => Promise<void> {
  const watched = new Map<string, Promise<void>>();
  let running = true;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, pauseMs));
  const watch = async (unit: string): Promise<void> => {
    while (running && units().includes(unit)) {
      try {
        await using db = await connect(unit);
        const lookAgain = look(unit);
        while (running) {
          await lookAgain(db);
          await pause();
        }
      } catch (error) {
        if (!(error instanceof ClientError)) throw error;
        await pause();
      }
    }
    watched.delete(unit);
  };
  const loop = (async () => {
    while (running) {
      for (const unit of units()) if (!watched.has(unit)) watched.set(unit, watch(unit));
      await pause();
    }
    await Promise.all(watched.values());
  })();
  return async () => {
    running = false;
    await loop;
  };
}
