/**
 * What the demo says while it works: a line for each step, and on a terminal a line that moves.
 *
 * @module
 */

/** Interval of the moving line, in milliseconds. */
const REFRESH_MS = 100;
const CLEAR_LINE = "\r\x1b[K";

/** Reports steps. */
export interface Progress {
  /**
   * Runs a step and prints a line with its title, the time since the demo began, and what it returned.
   *
   * @param title what is done
   * @param work does it; returns what came of it
   * @param live what goes on now, for the moving line
   */
  step(title: string, work: () => Promise<string>, live?: () => string): Promise<string>;
  /** Real milliseconds since the demo began. */
  elapsed(): number;
}

/**
 * Makes a reporter.
 *
 * @param write prints text, at once
 * @param columns width of the terminal, on which a line can move; undefined: no terminal
 */
export function createProgress(write: (text: string) => void, columns: number | undefined): Progress {
  const began = performance.now();
  const elapsed = () => performance.now() - began;
  const seconds = () => `${(elapsed() / 1000).toFixed(1).padStart(5)} s`;
  return {
    elapsed,
    async step(title, work, live = () => "") {
      const show = () => write(CLEAR_LINE + `${seconds()}  ${title} … ${live()}`.slice(0, (columns ?? 0) - 1));
      const timer = columns === undefined ? undefined : setInterval(show, REFRESH_MS);
      const clear = columns === undefined ? "" : CLEAR_LINE;
      try {
        const result = await work();
        write(`${clear}${seconds()}  ${title.padEnd(26)}  ${result}\n`);
        return result;
      } catch (error) {
        write(`${clear}${seconds()}  ${title.padEnd(26)}  FAILED\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}
