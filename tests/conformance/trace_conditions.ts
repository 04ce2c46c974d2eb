/**
 * Conditions under which a deviation of our interfaces holds in a step that the traces do not tag: on what the step is
 * given, never on what it does.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Role } from "../../hooks/charm/metadata.ts";
import { compareUnits } from "../../hooks/session.ts";
import { isHost, isIpAddress, json } from "../../interfaces/databag.ts";
import { chooseOffer, readOffer } from "../../interfaces/etcd/offer.ts";
import { relationNumber, type TraceCase, type TraceRelation, type TraceStep } from "./trace_format.ts";

/** Where a step stands in its case. */
export interface Place {
  readonly trace: TraceCase;
  readonly step: TraceStep;
  /** The state was lost before this step or an earlier one. */
  readonly wasReset: boolean;
  /** Deviations because of which earlier steps of the case differed: what follows from those may differ, too. */
  readonly diverged: ReadonlySet<string>;
}

type Bag = Readonly<Record<string, string>>;

const OFFER_KEYS = ["connectionString", "version", "clientCert", "clientKey", "clientCa"] as const;

const relationsOf = ({ model }: TraceStep): readonly TraceRelation[] => Object.values(model.relations);
const byText = (a: string, b: string): number => a < b ? -1 : Number(a > b);

/** Databags of all units, also of those that have left. */
const allBags = (step: TraceStep): readonly Bag[] => relationsOf(step).flatMap(({ data }) => Object.values(data));

/** Databags of the units that are there. */
const memberBags = (step: TraceStep): readonly Bag[] =>
  relationsOf(step).flatMap(({ members, data }) => members.map((unit) => data[unit] ?? {}));

/** A unit leaves an endpoint that has units still. */
function departsFromOthers({ trace, step }: Place, role: Role, name: string): boolean {
  const isOf = Object.values(trace.charm.relations[role] ?? {}).some((each) => each.interface === name);
  return isOf && step.hook.endsWith("-relation-departed") && memberBags(step).length > 0;
}

/** Conditions by the names that deviations.json gives them. */
export const CONDITIONS: Readonly<Record<string, (place: Place) => boolean>> = {
  "a departed unit of an earlier hook is not dismissed": ({ step }) => {
    const remote = step.env?.JUJU_REMOTE_UNIT ?? "";
    const isDeparted = step.hook.endsWith("-relation-departed");
    const members = Object.entries(step.expect.flag_members ?? {})
      .filter(([flag]) => /\.(departed|departing)$/.test(flag)).flatMap(([, units]) => units);
    return members.some((member) => !isDeparted || !member.endsWith(`.${remote}`));
  },
  "a unit has an iperf.server other than True": ({ step }) =>
    allBags(step).some((bag) => bag["iperf.server"] !== undefined && !/^true$/i.test(bag["iperf.server"])),
  "a peer publishes what is no address": ({ step }) =>
    allBags(step).some((bag) =>
      ["private-address", "ingress-address"].some((key) => bag[key] !== undefined && !isIpAddress(bag[key])) ||
      (bag.iperf_addresses !== undefined && !isAddressList(bag))
    ),
  "a peer of a cluster departs and others remain": (place) => departsFromOthers(place, "peers", "mysql-innodb-cluster"),
  "a client of etcd departs and others remain": (place) => departsFromOthers(place, "provides", "etcd"),
  "the values of etcd lie with several units": ({ step }) => {
    const bags = Object.entries(step.model.relations).flatMap(([relation, { members, data }]) =>
      members.map((unit) => ({ relation, unit, offer: readOffer(data[unit] ?? {}) }))
    );
    const byNumber = (a: string, b: string) => relationNumber(a) - relationNumber(b);
    // The original takes the first value of each key. Juju lists relations and units by text; that is no promise.
    const orders = [byNumber, byText].flatMap((ofRelations) =>
      [compareUnits, byText].map((ofUnits) =>
        bags.toSorted((a, b) => ofRelations(a.relation, b.relation) || ofUnits(a.unit, b.unit)).map(({ offer }) =>
          offer
        )
      )
    );
    const chosen = chooseOffer(orders[0] ?? []);
    return orders.some((offers) =>
      OFFER_KEYS.some((key) => offers.map((offer) => offer[key]).find((value) => value !== undefined) !== chosen?.[key])
    );
  },
  "credentials are saved that are no PEM": ({ step }) =>
    (step.calls ?? []).some(({ method }) => method === "save_client_credentials") && !memberBags(step).some(isIdentity),
  "an address of etcd is none": ({ step }) =>
    (step.calls ?? []).some(({ method, args }) => method === "set_db_ingress_address" && !isHost(String(args?.[0]))) ||
    allBags(step).some((bag) => bag["db-ingress-address"] !== undefined && !isHost(bag["db-ingress-address"])),
  "the state was lost, and flags do not follow from databags in every hook": ({ wasReset, trace }) =>
    wasReset && !JSON.stringify(trace.charm.relations).includes('"mysql-innodb-cluster"'),
};

function isAddressList(bag: Bag): boolean {
  const value = json(bag, "iperf_addresses");
  return Array.isArray(value) && value.every((each) => typeof each === "string" && isIpAddress(each));
}

/** A key with its certificate, and an authority. */
function isIdentity({ client_key = "", client_cert = "", client_ca = "" }: Bag): boolean {
  try {
    const [certificate] = [client_cert, client_ca].map((pem) => new X509Certificate(pem));
    return certificate?.checkPrivateKey(createPrivateKey(client_key)) ?? false;
  } catch {
    return false;
  }
}
