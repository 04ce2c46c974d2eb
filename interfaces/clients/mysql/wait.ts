/**
 * Waits for what a server does by itself.
 *
 * @module
 */

const POLL_MS = 100;

/**
 * Reads again and again until a value is as wanted, or the time is over.
 *
 * @param patienceMs milliseconds; 0 reads once
 * @param pauseMs milliseconds between two looks, for what takes less than the usual 100
 * @returns the last value read
 */
export async function readUntil<T>(
  read: () => Promise<T>,
  wanted: (value: T) => boolean,
  patienceMs: number,
  pauseMs: number = POLL_MS,
): Promise<T> {
  const end = Date.now() + patienceMs;
  while (true) {
    const value = await read();
    const left = end - Date.now();
    if (wanted(value) || left <= 0) return value;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, left)));
  }
}
