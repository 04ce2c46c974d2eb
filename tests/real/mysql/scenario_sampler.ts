/**
 * Asks every server again and again whether it takes writes, to prove that there are never two that do.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Mysql } from "../../../interfaces/clients/mysql/connection.ts";
import { readGroup } from "../../../interfaces/clients/mysql/members.ts";
import { watchServers } from "./watch.ts";

/** Watches servers until it is stopped. */
export interface Sampler {
  /** Questions that were answered so far. */
  samples(): number;
  /** Fails when two servers took writes at the same time. */
  assertOnePrimary(): void;
  stop(): Promise<void>;
}

/** A question that was answered with yes. Milliseconds; the server took writes at some moment between them. */
interface Yes {
  readonly asked: number;
  readonly answered: number;
}

/** A server that took writes all the time. */
interface Reign {
  readonly unit: string;
  readonly answers: Yes[];
}

const PAUSE_MS = 100;

/**
 * Starts to watch. A server takes writes when it is its group's primary, has a majority and is not read-only.
 *
 * @param units those that are there now
 * @param connect opens a connection to a unit's server
 */
export function startSampler(units: () => readonly string[], connect: (unit: string) => Promise<Mysql>): Sampler {
  const reigns: Reign[] = [];
  let samples = 0;
  const stop = watchServers({
    units,
    connect,
    pauseMs: PAUSE_MS,
    look(unit) {
      let reign: Reign | undefined;
      return async (db) => {
        const asked = performance.now();
        const { writable } = await readGroup(db);
        samples++;
        if (!writable) reign = undefined;
        else {
          if (!reign) reigns.push(reign = { unit, answers: [] });
          reign.answers.push({ asked, answered: performance.now() });
        }
      };
    },
  });
  return {
    samples: () => samples,
    assertOnePrimary: () => assertEquals(conflicts(reigns), [], "servers that took writes at the same time"),
    stop,
  };
}

/**
 * Who took writes while another did: one answered between two answers of the other. Questions take time, so one answer
 * of each proves nothing.
 */
function conflicts(reigns: readonly Reign[]): string[] {
  return reigns.flatMap(({ unit, answers }) => {
    const [first, last] = [answers[0], answers.at(-1)];
    if (!first || !last) return [];
    const others = reigns.filter((other) => other.unit !== unit);
    return others.filter((other) =>
      other.answers.some(({ asked, answered }) => asked >= first.answered && answered <= last.asked)
    ).map((other) => `${other.unit} while ${unit}`);
  });
}
