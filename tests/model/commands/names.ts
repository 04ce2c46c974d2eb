/**
 * Names of Juju's things. Source: juju/names.
 *
 * @module
 */

const APPLICATION = /^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*$/;

/**
 * Whether a text is an application's name.
 *
 * @param text any text
 */
export function isApplicationName(text: string): boolean {
  return APPLICATION.test(text);
}

/**
 * Whether a text is a unit's name, such as `mysql/0`.
 *
 * @param text any text
 */
export function isUnitName(text: string): boolean {
  const [app = "", number = "", ...rest] = text.split("/");
  return rest.length === 0 && APPLICATION.test(app) && /^(0|[1-9]\d*)$/.test(number);
}

/**
 * Whether a text is a storage instance's name, such as `data/0`.
 *
 * @param text any text
 */
export function isStorageName(text: string): boolean {
  return /^[a-z][a-z0-9]*(-[a-z0-9]*[a-z][a-z0-9]*)*\/(0|[1-9]\d*)$/.test(text);
}
