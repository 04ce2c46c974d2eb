/**
 * Errors of the build scripts.
 *
 * @module
 */

/** A build step cannot go on; the message is one line that says what to do next. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/**
 * Runs a build script: its errors become one line on stderr and exit status 1.
 *
 * @param main the script
 */
export async function runScript(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`error: ${error.message}`);
    Deno.exit(1);
  }
}
