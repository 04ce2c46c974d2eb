/**
 * Does the steps of a plan, one statement at a time; each looks first.
 *
 * @module
 */
import { ClientError } from "../../errors.ts";
import { leaveTogether } from "../group.ts";
import type { OpenCluster } from "./access.ts";
import { openForAll, readMode, setOpening, setSuperReadOnly } from "./modes.ts";
import {
  addSources,
  awaitReplicated,
  type ChannelSource,
  dropChannel,
  endFailover,
  ensureChannel,
  forgetSources,
  startChannel,
  stopChannel,
} from "./channel.ts";
import { type Act, type Side, type Step, violations } from "./steps.ts";

/** What the steps of one plan are done with. */
export interface Actors {
  readonly clusters: Readonly<Partial<Record<Side, OpenCluster>>>;
  /** Whom the clusters that get a channel follow. */
  readonly source?: ChannelSource;
  /** The transactions that a replica has to have; read when the step is reached. */
  readonly target?: () => Promise<string>;
  /** Writes the metadata. */
  readonly record?: (cluster: OpenCluster) => Promise<void>;
  /** Whether what has arrived at a replica is executed before its channel stops. */
  readonly drain?: boolean;
  /** Milliseconds for each wait. */
  readonly patienceMs: number;
}

/**
 * Does the steps in order.
 *
 * @throws {Error} before the first of them when the order breaks a rule: a defect of the plan
 */
export async function perform(steps: readonly Step[], actors: Actors): Promise<void> {
  const broken = violations(steps);
  if (broken.length > 0) throw new Error(`the plan breaks the rule: ${broken.join("; ")}`);
  for (const { on, act } of steps) {
    const cluster = actors.clusters[on];
    if (!cluster) throw new Error(`the plan has no ${on} cluster`);
    await ACTS[act](cluster, actors);
  }
}

const ACTS: Readonly<Record<Act, (cluster: OpenCluster, actors: Actors) => Promise<void>>> = {
  "forbid opening": async ({ primary: { db } }) => {
    const { opening, superReadOnly } = await readMode(db);
    if (!opening) return;
    // The action cannot be changed otherwise; clients' writes stay refused.
    if (superReadOnly) await setSuperReadOnly(db, false);
    await setOpening(db, false);
  },
  "close": async ({ primary: { db } }, { patienceMs }) => {
    await setSuperReadOnly(db, true, patienceMs);
  },
  "catch up": async ({ primary: { db } }, { target, patienceMs }) => {
    if (target) await awaitReplicated(db, await target(), patienceMs);
  },
  "stop channel": async ({ primary: { db } }, { patienceMs, drain = false }) => {
    await stopChannel(db, { drain, patienceMs });
  },
  "unlock": async ({ primary: { db } }) => {
    const { superReadOnly } = await readMode(db);
    if (superReadOnly) await setSuperReadOnly(db, false);
  },
  "record": async (cluster, { record }) => await record?.(cluster),
  "allow opening": async ({ primary: { db } }) => {
    if (!(await readMode(db)).opening) await setOpening(db, true);
  },
  "open": async ({ primary: { db } }) => await openForAll(db),
  "end failover": async ({ primary: { db } }) => await endFailover(db),
  "forget sources": async ({ primary: { db } }) => await forgetSources(db),
  "drop channel on secondaries": async ({ secondaries }) => {
    await Promise.all(secondaries.map(({ db }) => dropChannel(db)));
  },
  "drop channel on primary": async ({ primary: { db } }) => await dropChannel(db),
  "channel on secondaries": async (cluster, actors) => {
    if (cluster.unreachable.length > 0) {
      throw new ClientError("not all online members can be reached, and one without the channel would fail");
    }
    await Promise.all(
      cluster.secondaries.map(({ db }) => ensureChannel(db, sourceOf(actors), { failover: false })),
    );
  },
  "channel on primary": async ({ primary: { db } }, actors) => {
    await ensureChannel(db, sourceOf(actors), { failover: true });
  },
  "add sources": async ({ primary: { db } }, actors) => await addSources(db, sourceOf(actors)),
  "start channel": async ({ primary: { db } }) => void await startChannel(db),
  "leave group": async ({ primary, secondaries }) => {
    await leaveTogether(primary.db, secondaries.map(({ db }) => db));
  },
};

function sourceOf({ source }: Actors): ChannelSource {
  if (!source) throw new Error("the plan has no source for the channel");
  return source;
}
