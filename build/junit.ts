/**
 * Counts of a test run.
 *
 * @module
 */

/** How many tests ended in which way. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** Nothing ran. */
export const NO_COUNTS: Counts = { passed: 0, failed: 0, skipped: 0 };

/** One check that is not a test run, such as the formatter's. */
export function oneCheck(success: boolean): Counts {
  return success ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** Sum of both. */
export function addCounts(left: Counts, right: Counts): Counts {
  return {
    passed: left.passed + right.passed,
    failed: left.failed + right.failed,
    skipped: left.skipped + right.skipped,
  };
}

/** The line that ends every test task. */
export function summaryLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

/**
 * Counts the test cases of a JUnit report; each test step is a case of its own.
 *
 * @param report text of the report, empty if the run left none
 * @param success whether the run ended well: one that did not has at least one failure, whatever the report says
 */
export function countJunit(report: string, success: boolean): Counts {
  const cases = report.split("<testcase ").slice(1);
  const failed = cases.filter((text) => /<(failure|error)\b/.test(text)).length;
  const skipped = cases.filter((text) => /<skipped\b/.test(text)).length;
  return { passed: cases.length - failed - skipped, failed: success ? failed : Math.max(failed, 1), skipped };
}
