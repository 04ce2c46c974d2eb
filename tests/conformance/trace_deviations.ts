/**
 * Where our interfaces deliberately do better than the original: which differences a deviation explains, and in which
 * steps. Whatever no deviation explains is a failure.
 *
 * @module
 */
import { compareUnits } from "../../hooks/session.ts";
import { chooseOffer, readOffer } from "../../interfaces/etcd/offer.ts";
import type { Difference } from "./trace_compare.ts";
import { EVENT_CONDITIONS } from "./trace_events_deviations.ts";
import { relationNumber, type TraceCase, type TraceStep } from "./trace_format.ts";

/** One entry of deviations.json. */
export interface Deviation {
  /** Why the original's behaviour is not kept. */
  readonly reason: string;
  /** What ours does. */
  readonly instead: string;
  /**
   * What may differ: `flags`, `databag`, `calls`, `getters`, or one method as in `calls.get_nodes`; in event cases the
   * names of {@link ./trace_events_compare.ts}.
   */
  readonly differs: readonly string[];
  /** Steps that it is about besides those that the traces tag: the name of a condition on the step's input. */
  readonly also?: string;
}

/** Deviations by their ids: those of the traces' oddities, and our own. */
export type Deviations = Readonly<Record<string, Deviation>>;

/** What came of a step. */
export type Verdict = "passed" | "deviating" | "failed";

/** What came of a step, and why. */
export interface Judgement {
  readonly verdict: Verdict;
  /** Differences that no deviation is about. */
  readonly unexplained: readonly Difference[];
  /** Deviations that explain a difference. */
  readonly because: readonly string[];
}

/** Where a step stands in its case. */
export interface Place {
  readonly trace: TraceCase;
  readonly step: TraceStep;
  /** The state was lost before this step or an earlier one. */
  readonly wasReset: boolean;
  /** Deviations because of which earlier steps of the case differed: what follows from those may differ, too. */
  readonly diverged: ReadonlySet<string>;
}

/**
 * Reads deviations.json.
 *
 * @throws {TypeError} an entry is not complete, or names a condition that there is not
 */
export async function readDeviations(path: string): Promise<Deviations> {
  const deviations = JSON.parse(await Deno.readTextFile(path)) as Deviations;
  for (const [id, { reason, instead, differs, also }] of Object.entries(deviations)) {
    const isText = typeof reason === "string" && typeof instead === "string" && reason !== "" && instead !== "";
    if (!isText || !Array.isArray(differs) || differs.length === 0) {
      throw new TypeError(`${id} in ${path} needs reason, instead and differs`);
    }
    const isCondition = (name: string) => Object.hasOwn(CONDITIONS, name) || Object.hasOwn(EVENT_CONDITIONS, name);
    if (also !== undefined && !isCondition(also)) throw new TypeError(`${id} in ${path}: no ${also}`);
  }
  return deviations;
}

/** Whether a deviation is about a difference of that name. */
export function explains({ differs }: Deviation, what: string): boolean {
  return differs.some((each) => each === what || what.startsWith(`${each}.`));
}

/** Judges the differences of a step. A step that a deviation is about is never counted as passed. */
export function judge(
  deviations: Deviations,
  place: Place,
  differences: readonly Difference[],
): Judgement {
  const about = Object.entries(deviations).filter(([id, deviation]) => isAbout(id, deviation, place));
  const unexplained = differences.filter(({ what }) => !about.some(([, deviation]) => explains(deviation, what)));
  const because = about.filter(([, deviation]) => differences.some(({ what }) => explains(deviation, what)))
    .map(([id]) => id);
  if (unexplained.length > 0) return { verdict: "failed", unexplained, because };
  const isTagged = (place.step.oddities ?? []).some((id) => Object.hasOwn(deviations, id));
  return { verdict: isTagged || differences.length > 0 ? "deviating" : "passed", unexplained, because };
}

function isAbout(id: string, { also }: Deviation, place: Place): boolean {
  if (place.step.oddities?.includes(id)) return true;
  if (place.diverged.has(id)) return true;
  return also !== undefined && (CONDITIONS[also]?.(place) ?? false);
}

const OFFER_KEYS = ["connectionString", "version", "clientCert", "clientKey", "clientCa"] as const;

/** Conditions on what a step is given, never on what it does. */
const CONDITIONS: Readonly<Record<string, (place: Place) => boolean>> = {
  "a departed unit of an earlier hook is not dismissed": ({ step }) => {
    const remote = step.env?.JUJU_REMOTE_UNIT ?? "";
    const isDeparted = step.hook.endsWith("-relation-departed");
    const members = Object.entries(step.expect.flag_members ?? {})
      .filter(([flag]) => /\.(departed|departing)$/.test(flag)).flatMap(([, units]) => units);
    return members.some((member) => !isDeparted || !member.endsWith(`.${remote}`));
  },
  "a unit has an iperf.server other than True": ({ step }) =>
    Object.values(step.model.relations).some(({ data }) =>
      Object.values(data).some((bag) => bag["iperf.server"] !== undefined && !/^true$/i.test(bag["iperf.server"]))
    ),
  "the values of etcd lie with several units": ({ step }) => {
    const bags = Object.entries(step.model.relations)
      .flatMap(([id, { members, data }]) =>
        members.map((unit) => [relationNumber(id), unit, data[unit] ?? {}] as const)
      );
    const byNumber = [...bags].sort(([a, unit], [b, other]) => a - b || compareUnits(unit, other));
    const byName = [...bags].sort(([a, unit], [b, other]) => a - b || (unit < other ? -1 : 1));
    const chosen = chooseOffer(byNumber.map(([, , data]) => readOffer(data)));
    // The original takes the first value of each key. Whether units come by name or by number it does not promise.
    return [byNumber, byName].some((order) =>
      OFFER_KEYS.some((key) => {
        const first = order.map(([, , data]) => readOffer(data)[key]).find((value) => value !== undefined);
        return first !== chosen?.[key];
      })
    );
  },
  "credentials are saved that are no PEM": ({ step }) =>
    (step.calls ?? []).some(({ method }) => method === "save_client_credentials") &&
    !Object.values(step.model.relations).some(({ members, data }) =>
      members.some((unit) =>
        ["client_key", "client_cert", "client_ca"].every((key) => data[unit]?.[key]?.startsWith("-----BEGIN "))
      )
    ),
  "the state was lost, and flags do not follow from databags in every hook": ({ wasReset, trace }) =>
    wasReset && !JSON.stringify(trace.charm.relations).includes('"mysql-innodb-cluster"'),
};
