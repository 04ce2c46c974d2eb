/**
 * Patroni's part of the world: each member is asked once in a hook, unless its answer has to be new.
 *
 * @module
 */
import { ClientError } from "../clients/errors.ts";
import { dynamicConfig } from "../clients/patroni/config_file.ts";
import { openPatroni, type Patroni } from "../clients/patroni/client.ts";
import { isReady, leads } from "../clients/patroni/values.ts";
import type { ClusterView, InstanceStatus } from "../clients/patroni/values.ts";
import type { JsonObject } from "../clients/http/json.ts";
import type { Budget } from "./budget.ts";
import type { Passwords } from "./passwords.ts";
import type { Options } from "./options.ts";
import type { ReachablePeer } from "./juju_side.ts";
import { dynamicOf } from "./settings.ts";
import type { PatroniSide } from "./world.ts";

/** Milliseconds for a probe. */
const PROBE_MS = 2000;
/** Milliseconds that one who has to ask gets even at the end of a hook. */
const LEAST_MS = 500;
const POLL_MS = 200;
/** Members that are asked for the list before it counts as unreachable. */
const MAX_ASKED = 3;

/** Who can be asked, and how. */
export interface PatroniInput {
  readonly self: ReachablePeer;
  readonly others: readonly ReachablePeer[];
  /** The list of members. */
  readonly members: () => Promise<readonly string[]>;
  readonly options: Options;
  /** The authority of the members' certificates, if there is one. */
  readonly authority: string | undefined;
  readonly passwords: Passwords | undefined;
  readonly budget: Budget;
}

/** The real side, with what lifecycle handlers and actions need beyond the flowcharts. */
export interface RealPatroni extends PatroniSide {
  /** A client of one member; the caller closes it. */
  open(address: string, timeoutMs?: number): Patroni;
  /** Forgets what members have said: something was done to them. */
  forget(): void;
}

/** The real side. */
export function patroniSide(input: PatroniInput): RealPatroni {
  const { self, others, options, authority, passwords, budget } = input;
  const healths = new Map<string, Promise<InstanceStatus | undefined>>();
  let view: Promise<ClusterView | undefined> | undefined;

  const open = (address: string, timeoutMs = Math.max(budget.leftMs(PROBE_MS), LEAST_MS)): Patroni => {
    const peer = [self, ...others].find((each) => each.address === address);
    const schemes = peer?.tls ? ["https", "http"] as const : ["http", "https"] as const;
    return openPatroni({
      address,
      port: options.patroniPort,
      ...authority === undefined ? { schemes: ["http"] } : { schemes, tls: { ca: authority } },
      ...passwords ? { auth: { user: "patroni", password: passwords.patroni } } : {},
      timeoutMs,
      tries: 1,
    });
  };
  const forget = (): void => {
    healths.clear();
    view = undefined;
  };
  /** Members in the order in which they are asked: the own one first. */
  const askable = async (): Promise<string[]> => {
    const listed = await input.members();
    const own = self.address !== undefined && listed.includes(self.address) ? [self.address] : [];
    return [...own, ...listed.filter((address) => address !== self.address)].slice(0, MAX_ASKED);
  };
  /** A member's answer; undefined where it gives none that can be used, or this hook has no time left. */
  const answerOf = async <T>(address: string, ask: (patroni: Patroni) => Promise<T>): Promise<T | undefined> => {
    if (budget.leftMs(PROBE_MS) === 0) return undefined;
    try {
      using patroni = open(address);
      return await ask(patroni);
    } catch (error) {
      if (error instanceof ClientError) return undefined;
      throw error;
    }
  };
  const firstAnswer = async <T>(ask: (patroni: Patroni) => Promise<T>): Promise<T | undefined> => {
    for (const address of await askable()) {
      const answer = await answerOf(address, ask);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  const side: RealPatroni = {
    open,
    forget,
    cluster(fresh = false) {
      if (fresh) forget();
      return view ??= firstAnswer((patroni) => patroni.cluster());
    },
    health(address) {
      const known = healths.get(address) ?? answerOf(address, (patroni) => patroni.health());
      healths.set(address, known);
      return known;
    },
    async setSynchronous(planned) {
      const wanted = dynamicConfig(dynamicOf(options, planned));
      const taken = await firstAnswer(async (patroni) => {
        if (!contains(await patroni.config(), wanted)) await patroni.patchConfig(wanted);
        return true;
      });
      return taken === true;
    },
    async waitForPrimary(ms) {
      for (const deadline = Date.now() + budget.leftMs(ms); Date.now() < deadline;) {
        const found = await side.cluster(true);
        if (found?.members.some(({ role, state }) => leads(role) && isReady(state))) return true;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
      return false;
    },
  };
  return side;
}

/** Whether a configuration already says everything that is wanted. */
function contains(config: JsonObject, wanted: JsonObject): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    const now = config[key];
    const both = [now, value].every((each) => typeof each === "object" && each !== null && !Array.isArray(each));
    return both ? contains(now as JsonObject, value as JsonObject) : now === value;
  });
}
