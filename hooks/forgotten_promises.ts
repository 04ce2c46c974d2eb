/**
 * Promises that reject while nobody waits for them.
 *
 * @module
 */

/** Rejected promises that nobody has waited for so far: Deno would end the process with an unmasked dump of them. */
export interface ForgottenPromises {
  /** Throws the first reason, if any. */
  check(): Promise<void>;
  stop(): void;
}

/** Watches from now on, until `stop`. */
export function watchForgottenPromises(): ForgottenPromises {
  const reasons = new Map<Promise<unknown>, unknown>();
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reasons.set(event.promise, event.reason);
  };
  const onHandled = (event: PromiseRejectionEvent) => void reasons.delete(event.promise);
  addEventListener("unhandledrejection", onRejection);
  addEventListener("rejectionhandled", onHandled);
  return {
    async check() {
      if (reasons.size === 0) return;
      // That somebody did wait in the end is told with the next turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve));
      for (const reason of reasons.values()) throw reason;
    },
    stop() {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("rejectionhandled", onHandled);
    },
  };
}
