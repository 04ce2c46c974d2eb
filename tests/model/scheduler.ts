/**
 * Whose turn it is. Juju promises no order among units; a seed permutes it, and gives the same order again.
 *
 * @module
 */

/** A source of numbers in [0, 1) that a seed determines. */
export type Random = () => number;

/**
 * The mulberry32 generator: small, fast, and good enough to shuffle.
 *
 * @param seed any integer; the lower 32 bits count
 */
export function mulberry32(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/**
 * A copy in random order (Fisher and Yates).
 *
 * @param items the items
 * @param random the source
 */
export function shuffle<T>(items: readonly T[], random: Random): T[] {
  const keyed = items.map((item) => ({ item, key: random() }));
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

/**
 * Hex digits from a source.
 *
 * @param digits how many
 * @param random the source
 */
export function randomHex(digits: number, random: Random): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
}

/** Someone whose turn it can be. */
export interface Player {
  readonly name: string;
  /** Units on one machine take turns (contract 1.1). */
  readonly machine: string;
}

/** A turn with what is to be done in it. */
export interface Turn<Task> extends Player {
  readonly task: Task;
}

/** What a drive needs to know. */
export interface DriveOptions<Task> {
  /** Turns at most at the same time. */
  readonly concurrency: number;
  /** Undefined: the one who waited longest goes first. */
  readonly random: Random | undefined;
  /** Everyone, whether or not something is due. */
  readonly players: () => Player[];
  /** What somebody has due now; null for nothing. Asked of no more players than needed. */
  readonly due: (name: string) => Task | null;
  readonly perform: (turn: Turn<Task>) => Promise<void>;
  /** Ends the drive early. */
  readonly until?: () => boolean;
}

/**
 * Gives turns until nobody has anything due. After an error nobody gets another turn, and the ones under way end first.
 *
 * @param options who, how many and until when
 * @throws whatever a turn threw first
 */
export async function drive<Task>(options: DriveOptions<Task>): Promise<void> {
  const running = new Map<string, { machine: string; ended: Promise<void> }>();
  const lastTurn = new Map<string, number>();
  const errors: unknown[] = [];
  let turns = 0;
  while (true) {
    const stop = errors.length > 0 || options.until?.() === true;
    const next = stop || running.size >= options.concurrency ? undefined : choose(options, running, lastTurn);
    if (next) {
      lastTurn.set(next.name, ++turns);
      const ended = options.perform(next).catch((error: unknown) => {
        errors.push(error);
      }).finally(() => running.delete(next.name));
      running.set(next.name, { machine: next.machine, ended });
    } else if (running.size > 0) {
      await Promise.race([...running.values()].map((turn) => turn.ended));
    } else break;
  }
  if (errors.length > 0) throw errors[0];
}

function choose<Task>(
  { players, due, random }: DriveOptions<Task>,
  running: ReadonlyMap<string, { readonly machine: string }>,
  lastTurn: ReadonlyMap<string, number>,
): Turn<Task> | undefined {
  const machines = new Set([...running.values()].map(({ machine }) => machine));
  const free = players().filter(({ name, machine }) => !running.has(name) && !machines.has(machine));
  const turnOf = (player: Player): Turn<Task> | undefined => {
    const task = due(player.name);
    return task === null ? undefined : { ...player, task };
  };
  if (random) {
    const turns = free.map(turnOf).filter((turn) => turn !== undefined);
    return turns[Math.floor(random() * turns.length)];
  }
  const waited = ({ name }: Player) => lastTurn.get(name) ?? 0;
  for (const player of free.sort((a, b) => waited(a) - waited(b))) {
    const turn = turnOf(player);
    if (turn) return turn;
  }
  return undefined;
}
