/**
 * Shortens the first TLS connection of a process.
 *
 * @module
 */

/**
 * Begins on another thread what the first TLS connection of a process would else wait for: the library gathers randomness
 * for some 30 ms of computing. To be called as early as it is known that there will be one.
 */
export function prepareTls(): void {
  // Whatever needs randomness; a connection that comes meanwhile waits for the rest.
  crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt"]).catch(() => undefined);
}
