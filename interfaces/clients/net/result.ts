/**
 * What checks are given and what they return: plain data that goes into JSON as it is.
 *
 * @module
 */

/** A peer to be checked. */
export interface Target {
  /** How results name it, such as a unit's name. */
  readonly name: string;
  /** What the peer published as its address: anything at all, looked at before it is used. */
  readonly address: string;
}

/** One check of one target. */
export interface CheckResult<M> {
  /** Which check, as the summary names it: `icmp`, `dns`, `mtu 1500`, `speed`, `link`, `hostname`. */
  readonly check: string;
  /** The target's name; the interface's name for `link`, the machine's for `hostname`. */
  readonly target: string;
  /** The address that was checked; absent for `link` and `hostname`, and when what was given is no usable address. */
  readonly address?: string;
  readonly ok: boolean;
  /** Why it is not ok, in one short line; absent when it is. Starts with `unusable: ` for a bad address. */
  readonly reason?: string;
  /** What was measured; null when nothing could be. */
  readonly measurements: M | null;
}

/** The part of a result that a single check decides. */
export interface Outcome<M> {
  readonly reason?: string;
  readonly measurements: M | null;
}
