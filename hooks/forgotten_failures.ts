/**
 * Failures that nobody is there to take: promises that reject while nobody waits for them, and errors that are thrown
 * where nothing catches them, such as in an event of a socket.
 *
 * @module
 */

/** What nobody has taken so far: Deno would end the process with an unmasked dump of it. */
export interface ForgottenFailures {
  /** Throws why the first promise was rejected that nobody has waited for, if any. */
  check(): Promise<void>;
  /** Rejects with the first error that nothing catches: what it has cut short may never end. */
  readonly thrown: Promise<never>;
  stop(): void;
}

/** Watches from now on, until `stop`. */
export function watchForgottenFailures(): ForgottenFailures {
  const reasons = new Map<Promise<unknown>, unknown>();
  const { promise: thrown, reject } = Promise.withResolvers<never>();
  thrown.catch(() => undefined);
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    reasons.set(event.promise, event.reason);
  };
  const onHandled = (event: PromiseRejectionEvent) => void reasons.delete(event.promise);
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    reject(event.error);
  };
  addEventListener("unhandledrejection", onRejection);
  addEventListener("rejectionhandled", onHandled);
  addEventListener("error", onError);
  return {
    async check() {
      if (reasons.size === 0) return;
      // That somebody did wait in the end is told with the next turn of the event loop.
      await new Promise((resolve) => setTimeout(resolve));
      for (const reason of reasons.values()) throw reason;
    },
    thrown,
    stop() {
      removeEventListener("unhandledrejection", onRejection);
      removeEventListener("rejectionhandled", onHandled);
      removeEventListener("error", onError);
    },
  };
}
