/**
 * How units, members and addresses are called.
 *
 * @module
 */

const UNIT = /^[a-z][a-z0-9-]{0,200}\/\d{1,9}$/;

/** The name of a unit's member in Patroni, and of its pod: `pg/2` is `pg-2`. */
export function memberOf(unit: string): string {
  return unit.replace("/", "-");
}

/** The unit of a member: the last hyphen becomes the slash. The member's own name where it is no unit's. */
export function unitOf(member: string): string {
  const at = member.lastIndexOf("-");
  const unit = `${member.slice(0, at)}/${member.slice(at + 1)}`;
  return at > 0 && UNIT.test(unit) ? unit : member;
}

/** Where Patroni runs. */
export type Substrate = "machine" | "kubernetes";

/** The name of the cluster in Patroni's store. */
export function scopeOf(application: string, substrate: Substrate): string {
  return substrate === "kubernetes" ? `patroni-${application}` : application;
}

/** The name of a unit's pod in its headless service. */
export function podAddress(application: string, unit: string): string {
  return `${memberOf(unit)}.${application}-endpoints`;
}
