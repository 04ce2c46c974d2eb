/**
 * How a scenario ended, in a form that two runs of it can be compared by.
 *
 * @module
 */
import { APP, type Scene } from "./scenario.ts";

/** What has to be the same however often hooks were killed; units and addresses by their rank. */
export async function endOf(scene: Scene): Promise<unknown> {
  const { lab } = scene;
  const { relations, secrets, units: everyUnit } = lab.model.world;
  const units = scene.units();
  const names = units.flatMap((unit, rank): [RegExp, string][] => [
    [whole(everyUnit[unit]?.address ?? ""), `address ${rank}`],
    [whole(unit), `unit ${rank}`],
    [whole(unit.replace("/", "")), `member ${rank}`],
  ]);
  const plain = (texts: readonly string[] = []) =>
    texts.map((text) => names.reduce((last, [name, rank]) => last.replaceAll(name, rank), text)).sort();
  const shape = (bag: Readonly<Record<string, string>> = {}) =>
    Object.entries(bag).filter(([, value]) => value !== "").map(([key]) => key).sort();
  return {
    statuses: plain(units.map((unit) => `${unit} ${lab.statusOf(unit)}`)),
    processes: units.map((unit) => lab.processes(unit).map(({ program }) => program)),
    members: (await scene.members()).map((member) => plain([member.name, ...member.peerUrls, ...member.clientUrls]))
      .sort(),
    published: units.map((unit) => plain(scene.published(unit)?.endpoints.split(","))),
    bags: Object.values(relations).map(({ appBags, unitBags }) => [
      shape(appBags[APP]),
      units.map((unit) => shape(unitBags[unit])),
    ]),
    secrets: Object.values(secrets).map(({ owner, label, grants, revisions }) => [
      owner,
      label,
      grants.length,
      revisions.map(({ content }) => shape(content)),
    ]),
  };
}

/** A name or address that is not the beginning of a longer one. */
function whole(name: string): RegExp {
  return new RegExp(`\\b${RegExp.escape(name)}\\b`, "g");
}
