/**
 * Asynchronous replication: what the other cluster's databag, its secret, the peers and the operator say. The server is
 * scripted by the recorded traces.
 *
 * @module
 */
import fc from "fast-check";
import type { TraceFile } from "../conformance/trace_format.ts";
import type { EventBag, EventStep } from "../conformance/trace_events_format.ts";
import { type EventOutcome, runEventStep } from "../conformance/trace_events_run.ts";
import { attempt, Breach, checkLine, checkSecret, type Surface, surface, type Verdict } from "./surface.ts";
import { recordedBags } from "./databags.ts";
import { bags, jsonValues, secretTexts, texts } from "./values.ts";

const NATIVE = /^(Error|TypeError|RangeError|SyntaxError|ReferenceError|URIError|InternalError|Breach): /;

interface Given {
  readonly step: EventStep;
  readonly remote: EventBag;
  readonly app: EventBag;
  readonly unit: EventBag;
  readonly secret: EventBag;
  readonly params: Readonly<Record<string, unknown>>;
}

function recordedSteps(endpoint: "async-primary" | "async-replica"): EventStep[] {
  const url = new URL("../conformance/data/traces/async-replication.json", import.meta.url);
  const file: TraceFile = JSON.parse(Deno.readTextFileSync(url));
  if (file.kind !== "event-cases") throw new Error("the traces of async replication have another kind");
  // Errors that a trace scripts and the original catches nowhere are no attack.
  return file.cases.flatMap(({ steps }) => steps).filter((step) =>
    step.state.relations.some((relation) => relation.endpoint === endpoint) &&
    !JSON.stringify(step.mysql).includes("$raise")
  );
}

function given(endpoint: "async-primary" | "async-replica"): fc.Arbitrary<Given> {
  const recorded = recordedBags("async-replication");
  const bag = bags(recorded);
  const passwords = fc.oneof(secretTexts(), texts());
  return fc.constantFrom(...recordedSteps(endpoint)).chain((step) =>
    fc.record({
      step: fc.constant(step),
      remote: bag,
      app: fc.oneof(bag, fc.constant({})),
      unit: fc.oneof(bag, fc.constant({})),
      secret: fc.dictionary(fc.constantFrom(...secretKeys(step)), passwords),
      params: fc.dictionary(fc.constantFrom("cluster-set-name", "force", "replication-offer-name"), jsonValues()),
    })
  );
}

function secretKeys({ state }: EventStep): string[] {
  return ["unknown-password", ...state.secrets.flatMap(({ content }) => Object.keys(content))];
}

function damaged({ step, remote, app, unit, secret, params }: Given): EventStep {
  const { state, event } = step;
  const peer = state.peer &&
    { ...state.peer, app: { ...state.peer.app, ...app }, unit: { ...state.peer.unit, ...unit } };
  return {
    ...step,
    event: event.params === undefined ? event : { ...event, params: { ...event.params, ...params } },
    state: {
      ...state,
      peer,
      relations: state.relations.map((relation) => ({
        ...relation,
        remote_app_data: { ...relation.remote_app_data, ...remote },
      })),
      secrets: state.secrets.map((each) =>
        each.owner === null ? { ...each, content: { ...each.content, ...secret } } : each
      ),
    },
  };
}

async function run(input: Given): Promise<Verdict> {
  const step = damaged(input);
  const result = await attempt(() => runEventStep(step));
  if (result.verdict === "refused") throw new Breach(`the properties cannot be read: ${result.error.message}`);
  const outcome = result.value;
  checkShown(outcome);
  if (outcome.error === undefined) return "taken";
  if (NATIVE.test(outcome.error)) throw new Breach(`an error that nobody foresaw: ${outcome.error}`);
  checkLine("the error", outcome.error);
  const { relations, peer } = step.state;
  const before = JSON.stringify(peer);
  if (JSON.stringify(outcome.peer) !== before) throw new Breach("an event that failed has changed the peers' databag");
  for (const { id, local_app_data } of relations) {
    const after = JSON.stringify(outcome.relations[String(id)] ?? local_app_data);
    if (after !== JSON.stringify(local_app_data)) throw new Breach("an event that failed has changed its databag");
  }
  return "refused";
}

/** Passwords go to the server and into secrets, and nowhere else. */
function checkShown({ error, unitStatus, appStatus, unitHistory, appHistory, relations, action }: EventOutcome): void {
  const shown = { error, unitStatus, appStatus, unitHistory, appHistory, relations, action };
  checkSecret("what is shown", JSON.stringify(shown));
}

/** The surfaces. */
export const ASYNC_REPLICATION_SURFACES: readonly Surface[] = [
  surface("databags: async_replication provides", () => given("async-primary"), run),
  surface("databags: async_replication requires", () => given("async-replica"), run),
];
