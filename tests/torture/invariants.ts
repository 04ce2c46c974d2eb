/**
 * What has to hold, whatever happens: each with a name and a function that says where it does not.
 *
 * @module
 */
import { deferralKey } from "../../hooks/deferral.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";
import { differences, endState } from "./end_state.ts";
import type { Receipts } from "./gate.ts";
import { WORD } from "./gate.ts";
import { FIRST_PORT, LED_BY, LEDGER, portOf } from "./ledger.ts";
import type { Life, Moment } from "./life.ts";
import { MODE } from "./clusters.ts";
import { revealed } from "./secrets.ts";
import { mapped, type RelationView, type View } from "./view.ts";
import type { World } from "./worlds.ts";

/** A run of a schedule, and the one of the same operations in which nothing goes wrong. */
export interface Pair {
  readonly world: World;
  readonly calm: Life;
  readonly wild: Life;
}

/** What holds. */
export interface Invariant {
  readonly name: string;
  /** @returns where it does not hold, in words; nothing when it does */
  readonly check: (pair: Pair) => string[];
}

/** Writes that Juju keeps until the process has exited with 0, and those that take effect at once. */
const KEPT =
  /^(relation-set|state-set|state-delete|open-port|close-port|secret-(set|grant|revoke|remove)|storage-add)$/;
const AT_ONCE = /^(status-set|leader-set|application-version-set|juju-reboot)$/;

/** Every invariant. */
export const INVARIANTS: readonly Invariant[] = [
  {
    name: "it comes to rest",
    check: ({ calm, wild }) => [calm.unrest, wild.unrest].filter((why) => why !== undefined),
  },
  {
    name: "the end state is that of the run without faults",
    check: ({ calm, wild }) => calm.last && wild.last ? differences(calm.end, wild.end) : [],
  },
  { name: "a handler that runs twice changes nothing the second time", check: sameTwice },
  { name: "no commit is partial", check: ({ wild }) => wild.moments.flatMap((moment) => partial(moment)) },
  {
    name: "there are never two leaders' writes",
    check: ({ wild }) => wild.moments.flatMap((moment) => [...twoLeaders(moment), ...twoHolders(moment)]),
  },
  { name: "one application at most is the primary", check: ({ wild }) => wild.last ? twoPrimaries(wild.last) : [] },
  { name: "no deferral is lost", check: ({ wild }) => wild.last ? lost(wild.last) : [] },
  { name: "no deferral is doubled", check: ({ wild }) => wild.moments.flatMap(doubled) },
  { name: "no secret is outside its owner", check: ({ world, wild }) => revealed(wild, world.openKeys) },
];

/** What does not hold, by the name of the invariant. */
export function breaches(pair: Pair): Map<string, string[]> {
  const found = INVARIANTS.map(({ name, check }) => [name, check(pair)] as const);
  return new Map(found.filter(([, places]) => places.length > 0));
}

function sameTwice({ world, wild }: Pair): string[] {
  const atEnd = wild.last ? differences(wild.end, wild.again) : [];
  return [...atEnd, ...world.advances ? [] : wild.moments.flatMap(sameAgain)];
}

/** The agent was killed after the commit: the next hook is the same one, in the same world. */
function sameAgain(moment: Moment, index: number, moments: readonly Moment[]): string[] {
  const previous = moments[index - 1];
  const { entry, before, after } = moment;
  if (!previous || !moment.isNext || entry.outcome !== "done" || entry.faults.length > 0) return [];
  const first = previous.entry;
  const wasCommitted = first.outcome === "killed" && first.faults.includes("kill after-commit");
  const isSame = first.unit === entry.unit && first.name === entry.name && first.remoteUnit === entry.remoteUnit &&
    first.relation === entry.relation && entry.attempt === first.attempt + 1;
  const leadership = JSON.stringify(mapped(before.apps, ({ leader }) => leader)) ===
    JSON.stringify(mapped(previous.before.apps, ({ leader }) => leader));
  if (!wasCommitted || !isSame || !leadership) return [];
  return differences(ownPart(before, entry.unit), ownPart(after, entry.unit)).map((place) =>
    `${inWords(moment)}: ${place}`
  );
}

/** What a unit can write, and Juju does not write by itself: what a status shows follows from the stored ones. */
function ownPart(view: View, unit: string): unknown {
  const { units, apps, secrets } = view;
  const app = units[unit]?.app ?? "";
  const relations = mapped(view.relations, (relation) => ({ ...relation, members: [unit], alive: true }));
  const own = {
    ...view,
    units: units[unit] ? { [unit]: { ...units[unit], alive: true, status: ["", ""] as const } } : {},
    apps: apps[app] ? { [app]: apps[app] } : {},
  };
  return endState({ ...own, relations, secrets });
}

/** A hook that did not commit has changed nothing, and what commits does so as a whole. */
function partial(moment: Moment): string[] {
  const { entry, before, after } = moment;
  const names = entry.commands.map(({ name }) => name);
  const early = names.findIndex((name) => AT_ONCE.test(name));
  const late = early < 0 ? -1 : names.findLastIndex((name) => KEPT.test(name));
  const order = late > early ? [`${names[early]} before ${names[late]}, which Juju may refuse`] : [];
  const isCommitted = entry.outcome === "done" || entry.faults.includes("kill after-commit");
  const isNew = before.units[entry.unit] === undefined;
  const left = isCommitted || isNew
    ? []
    : differences(written(before, entry.unit, after), written(after, entry.unit, before));
  const ledgers = Object.entries(after.units).flatMap(([name, { state, ports }]) => {
    const serial = serialOf(state);
    const wanted = serial === 0 ? [] : [portOf(serial)];
    const open = ports.filter((port) => Number.parseInt(port) >= FIRST_PORT);
    return differences(wanted, open).map((place) => `${name} stored ${serial}, and its port is not that${place}`);
  });
  return [...order, ...left, ...ledgers].map((place) => `${inWords(moment)}: ${place}`);
}

/**
 * What a commit of a unit writes, in relations that it was in before and after: where the agent joins one, it makes the
 * unit's databag anew itself.
 */
function written(view: View, unit: string, other: View): unknown {
  const { state, ports, app = "" } = view.units[unit] ?? {};
  const isIn = ({ relations }: View, id: string) => relations[id]?.members.includes(unit) === true;
  const bags = Object.entries(view.relations)
    .filter(([id]) => isIn(view, id) && isIn(other, id))
    .map(([id, { unitBags, appBags }]) => [id, [unitBags[unit], appBags[app]]]);
  const secrets = Object.entries(view.secrets).filter(([, { owner }]) => owner === unit || owner === app);
  return { state, ports, bags: Object.fromEntries(bags), secrets: Object.fromEntries(secrets) };
}

function serialOf(state: Readonly<Record<string, string>>): number {
  return JSON.parse(state[`charmlet.stored.${LEDGER}`] ?? '{"value":0}').value;
}

/** Application databags are the leader's, all of those that it is in, after each of its hooks. */
function twoLeaders(moment: Moment): string[] {
  const { entry, after } = moment;
  const app = after.units[entry.unit]?.app;
  const leads = app !== undefined && after.apps[app]?.leader === entry.unit;
  const lostLater = entry.faults.includes("lose-leadership after-commit");
  const foreign = entry.bags.filter(({ bag }) => bag === "app" && !leads && !lostLater)
    .map(({ relationId }) => `wrote its application's databag of relation ${relationId} without leading`);
  const isCommitted = entry.outcome === "done" || entry.faults.includes("kill after-commit");
  const signed = Object.values(after.relations).filter(({ alive, members, appBags }) =>
    alive && members.includes(entry.unit) && appBags[app ?? ""] !== undefined
  );
  const mixed = leads && isCommitted && !entry.name.endsWith("-broken") && entry.outcome !== "skipped"
    ? signed.filter(({ appBags }) => appBags[app]?.[LED_BY] !== entry.unit)
      .map(({ sides, appBags }) => `leads, and ${sides.join(" ")} is signed by ${appBags[app]?.[LED_BY] ?? "nobody"}`)
    : [];
  return [...foreign, ...mixed].map((place) => `${inWords(moment)}: ${place}`);
}

/** The rolling lock is one unit's. */
function twoHolders(moment: Moment): string[] {
  return Object.values(moment.after.relations).flatMap(({ interface: name, members, unitBags, appBags }) => {
    if (name !== "rolling_op") return [];
    const granted = Object.assign({}, ...Object.values(appBags)) as Record<string, string>;
    const holders = members.filter((unit) => granted[unit] === "granted" && unitBags[unit]?.state === "acquire");
    return holders.length > 1 ? [`${inWords(moment)}: ${holders.join(" and ")} hold the lock`] : [];
  });
}

/** Of clusters that replicate, one takes writes: its units say so in their databags. */
function twoPrimaries({ relations }: View): string[] {
  const open = Object.values(relations).flatMap(({ members, unitBags }) =>
    members.filter((unit) => unitBags[unit]?.[MODE] === "open")
  );
  const apps = new Set(open.map((unit) => unit.split("/")[0]));
  return apps.size > 1 ? [`${open.join(", ")} say that their cluster takes writes`] : [];
}

function doubled(moment: Moment): string[] {
  const { state } = moment.after.units[moment.entry.unit] ?? {};
  const keys = new UnitState(state ?? {}).deferred.map(({ handler, event }) => deferralKey(handler, event));
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index);
  return twice.map((key) => `${inWords(moment)}: ${key} is deferred twice`);
}

/** With all gates open every handler has run: what units keep says so. */
function lost(view: View): string[] {
  return Object.entries(view.relations).flatMap(([id, relation]) => {
    if (relation.interface !== "gate" || !relation.alive) return [];
    return relation.members.flatMap((unit) => {
      const { greeted, heard, open } = receiptsOf(view, unit, relation);
      const others = relation.members.filter((other) => other !== unit && isRemote(relation, unit, other));
      const unheard = others.filter((other) => heard[`${id} ${other}`] !== relation.unitBags[other]?.[WORD]);
      const living = Object.keys(view.relations).filter((each) => view.relations[each]?.alive);
      return [
        ...others.filter((other) => !greeted.includes(`${id} ${other}`)).map((other) => `did not greet ${other}`),
        ...unheard.map((other) => `heard ${heard[`${id} ${other}`]} of ${other}`),
        ...open.filter((each) => !living.includes(String(each))).map((each) => `did not end relation ${each}`),
      ].map((what) => `${unit} ${what}`);
    });
  });
}

function receiptsOf(view: View, unit: string, { sides }: RelationView): Receipts {
  const app = view.units[unit]?.app ?? "";
  const endpoint = sides.find((side) => side.startsWith(`${app}:`))?.slice(app.length + 1) ?? "";
  const stored = view.units[unit]?.state[`charmlet.stored.${endpoint}`];
  return stored === undefined ? { greeted: [], heard: {}, open: [] } : JSON.parse(stored).value;
}

function isRemote({ sides }: RelationView, unit: string, other: string): boolean {
  return sides.length === 1 || unit.split("/")[0] !== other.split("/")[0];
}

function inWords({ entry }: Moment): string {
  const { unit, name, remoteUnit, attempt } = entry;
  return `${unit} ${name}${remoteUnit === "" ? "" : ` of ${remoteUnit}`}${attempt > 1 ? `, attempt ${attempt}` : ""}`;
}
