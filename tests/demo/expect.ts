/**
 * What the demo claims, checked while it runs.
 *
 * @module
 */

/** The world is not as the demo says. The message is one line. */
export class DemoError extends Error {
  override readonly name = "DemoError";
}

/**
 * Ends the demo unless something is so.
 *
 * @param condition what must be true
 * @param claim the claim in words, with what was found
 * @throws {DemoError} it is not so
 */
export function expect(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new DemoError(`not so: ${claim}`);
}

/**
 * Ends the demo unless two plain values are the same.
 *
 * @param actual what was found
 * @param expected what must be there
 * @param what its name
 * @throws {DemoError} they differ
 */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  expect(found === wanted, `${what} is ${wanted}: it is ${found}`);
}
