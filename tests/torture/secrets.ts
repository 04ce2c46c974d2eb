/**
 * Where secrets are that should not be there.
 *
 * @module
 */
import type { Life, Moment } from "./life.ts";
import { filtered, mapped } from "./view.ts";

/**
 * Looks for what any secret ever held.
 *
 * @param openKeys keys of unit databags that have to have it
 * @returns where it is, in words
 */
export function revealed({ moments, texts }: Life, openKeys: readonly string[]): string[] {
  const secrets = new Set(
    moments.flatMap(({ after }) => Object.values(after.secrets).flatMap(({ content }) => Object.values(content))),
  );
  const places = [...moments.flatMap((moment) => shown(moment, openKeys)), ...Object.entries(texts)];
  const found = places.filter(([, text]) => [...secrets].some((secret) => text.includes(secret)));
  return [...new Set(found.map(([place]) => place))].map((place) => `a secret is in the ${place}`);
}

/** What people and other units get to see after a hook, by where that is. */
function shown({ entry, after }: Moment, openKeys: readonly string[]): [string, string][] {
  const { unit, immediate, error } = entry;
  const bags = mapped(after.relations, ({ unitBags, appBags }) => ({
    unitBags: mapped(unitBags, (bag) => filtered(bag, (key) => !openKeys.includes(key))),
    appBags,
  }));
  return [
    [`databags after a hook of ${unit}`, JSON.stringify(bags)],
    [`state of ${unit}`, JSON.stringify(after.units[unit]?.state ?? {})],
    [`status of ${unit}`, JSON.stringify(after.units[unit]?.status ?? [])],
    [`statuses of applications`, JSON.stringify(mapped(after.apps, ({ status }) => status))],
    [`error or immediate effects of ${unit}`, JSON.stringify([error, immediate])],
  ];
}
