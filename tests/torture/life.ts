/**
 * Runs a schedule with the compiled executable, and writes down what is to be seen after every hook.
 *
 * @module
 */
import { Model, ModelError, type TimelineEntry, type UnitLogLine } from "../model/mod.ts";
import type { SecretState, WorldState } from "../model/state.ts";
import { endState } from "./end_state.ts";
import { isCalm, type Schedule, type Step } from "./schedule.ts";
import { look, type View } from "./view.ts";
import { writeCharms } from "./worlds.ts";

/** A hook, with the world before and after it. */
export interface Moment {
  readonly entry: TimelineEntry;
  readonly before: View;
  readonly after: View;
  /** No step of the schedule came between the hook before this one and this one. */
  readonly isNext: boolean;
}

/** What came of a schedule. */
export interface Life {
  readonly moments: readonly Moment[];
  /** Why it never came to rest; undefined when it did. */
  readonly unrest: string | undefined;
  /** Undefined when it never came to rest. */
  readonly last: View | undefined;
  readonly end: unknown;
  /** The end state after the same events have come again. */
  readonly again: unknown;
  /** Logs of all units, and what lies in their directories. */
  readonly texts: Readonly<Record<string, string>>;
}

/** How a schedule is run. */
export interface LifeOptions {
  /** The compiled executable and the program behind the hook commands. */
  readonly executable: string;
  readonly tool: string;
  /** Only what operators do, in one fixed order of the units. */
  readonly calm?: boolean;
  /** Breaks something in the world after a hook, for tests of what notices it. */
  readonly spoil?: (world: WorldState, entry: TimelineEntry) => void;
}

/** A hook that is killed or fails is run again so often: more than any schedule has faults. */
const RETRIES = 40;
const MAX_OPERATIONS = 5_000;
/** Rounds of update-status at the end, until nothing changes any more. */
const MAX_ROUNDS = 6;
/** Between two rounds, in milliseconds of the model: longer than any handler waits before it looks again. */
const ROUND_MS = 11_000;
const TOO_LARGE = 1 << 20;

/** Runs a schedule from the first deployment to the end. */
export async function live(schedule: Schedule, options: LifeOptions): Promise<Life> {
  const directory = await Deno.makeTempDir({ prefix: "torture-" });
  const servers = `${directory}/servers`;
  await Deno.mkdir(servers);
  const now = { of: () => 0 };
  const model = await Model.create({
    ...options.calm ? { concurrency: 1 } : { seed: schedule.seed },
    retries: RETRIES,
    toolPath: options.tool,
    wrap: (_unit, command) => {
      return ["/usr/bin/env", `TORTURE_CLOCK=${now.of()}`, `TORTURE_SERVERS=${servers}`, ...command];
    },
  });
  now.of = () => model.world.now;
  try {
    const charms = await writeCharms(schedule.world, directory, options.executable);
    return await new Run(model, schedule, options, charms).live();
  } finally {
    await model.close();
    await Deno.remove(directory, { recursive: true });
  }
}

class Run {
  readonly #moments: Moment[] = [];
  /** Grants that were taken away, by the secret's id. */
  readonly #withheld: [string, SecretState["grants"][number]][] = [];
  #before: View;
  #isNext = true;

  constructor(
    readonly model: Model,
    readonly schedule: Schedule,
    readonly options: LifeOptions,
    readonly charms: ReadonlyMap<string, string>,
  ) {
    this.#before = look(model.world);
  }

  async live(): Promise<Life> {
    const { world } = this.model;
    try {
      await this.#deploy();
      for (const step of this.schedule.steps) {
        if (this.options.calm && !isCalm(step)) continue;
        await this.#take(step);
        this.#before = look(world);
        this.#isNext = false;
      }
      await this.#finish();
      const [last, end] = [look(world), this.#end()];
      await this.#repeat();
      return await this.#life({ unrest: undefined, last, end, again: this.#end() });
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return await this.#life({ unrest: error.message, last: undefined, end: undefined, again: undefined });
    }
  }

  async #deploy(): Promise<void> {
    for (const { name, units, model = "default" } of this.schedule.world.apps) {
      await this.model.deploy({ name, charm: this.charms.get(name) ?? "", units, model });
    }
    for (const [a, b] of this.schedule.world.relations) this.model.relate(a, b);
  }

  async #take(step: Step): Promise<void> {
    const { model } = this;
    switch (step.do) {
      case "hooks":
        for (let count = 0; count < step.count; count++) if (!await this.#next()) return;
        return;
      case "add unit":
        return void await model.addUnit(step.app);
      case "remove unit":
        return this.#isAlive(step.unit) ? model.removeUnit(step.unit) : undefined;
      case "lead":
        return this.#isAlive(step.unit) ? model.setLeader(step.unit) : undefined;
      case "relate":
        return this.#isRelated(step.sides) ? undefined : void model.relate(...step.sides);
      case "unrelate":
        return this.#isRelated(step.sides) ? model.removeRelation(...step.sides) : undefined;
      case "configure":
        return model.setConfig(step.app, step.values);
      case "move":
        return this.#isAlive(step.unit) ? model.setAddress(step.unit, step.address) : undefined;
      case "update status":
        return model.updateStatus();
      case "withhold secrets":
        return this.#withhold();
      case "hand over secrets":
        return this.#handOver();
      case "fault":
        return model.addFault(step.fault);
    }
  }

  #withhold(): void {
    for (const secret of Object.values(this.model.world.secrets)) {
      for (const grant of secret.grants) this.#withheld.push([secret.id, grant]);
      secret.grants = [];
    }
  }

  /** What ended meanwhile, or was granted again, is left as it is. */
  #handOver(): void {
    const { secrets, relations } = this.model.world;
    for (const [id, grant] of this.#withheld.splice(0)) {
      const held = secrets[id]?.grants;
      const isHeld = held?.some(({ grantee, relationId }) =>
        grantee === grant.grantee && relationId === grant.relationId
      );
      if (relations[grant.relationId] && !isHeld) held?.push(grant);
    }
  }

  #isAlive(unit: string): boolean {
    return this.model.world.units[unit]?.life === "alive";
  }

  #isRelated(sides: readonly string[]): boolean {
    return Object.values(this.model.world.relations).some((relation) =>
      relation.life === "alive" &&
      relation.sides.every(({ app, endpoint }) => sides.includes(`${app}:${endpoint.name}`))
    );
  }

  /** One hook; false when none is due. */
  async #next(): Promise<boolean> {
    const { timeline, world } = this.model;
    const known = timeline.length;
    try {
      await this.model.settle({ until: () => timeline.length > known, maxHooks: MAX_OPERATIONS });
    } finally {
      for (const entry of timeline.slice(known)) this.#note(entry, world);
    }
    if (this.#moments.length > MAX_OPERATIONS) throw new ModelError(`no end after ${MAX_OPERATIONS} hooks`);
    return timeline.length > known;
  }

  #note(entry: TimelineEntry, world: WorldState): void {
    this.options.spoil?.(world, entry);
    const after = look(world);
    this.#moments.push({ entry, before: this.#before, after, isNext: this.#isNext });
    this.#before = after;
    this.#isNext = true;
  }

  async #settle(): Promise<void> {
    while (await this.#next()) continue;
  }

  /** All relations are there, the same units lead, gates are open, and update-status comes until nothing changes. */
  async #finish(): Promise<void> {
    const { model, schedule: { world } } = this;
    await this.#settle();
    model.clearFaults();
    this.#handOver();
    for (const sides of world.relations) await this.#take({ do: "relate", sides });
    for (const [app, values] of Object.entries(world.final)) model.setConfig(app, values);
    for (const { name } of world.apps) {
      const [first] = Object.values(model.world.units).filter(({ app, life }) => app === name && life === "alive");
      if (first) model.setLeader(first.name);
    }
    this.#isNext = false;
    await this.#settle();
    for (let round = 1, before = ""; round <= MAX_ROUNDS; round++) {
      const now = JSON.stringify(this.#end());
      if (now === before) return;
      before = now;
      model.tick(ROUND_MS);
      model.updateStatus();
      this.#isNext = false;
      await this.#settle();
    }
    throw new ModelError(`update-status has changed something in each of ${MAX_ROUNDS} rounds`);
  }

  #end(): unknown {
    return endState(look(this.model.world), this.schedule.world.history);
  }

  /** Everything that units can be told again although nothing has changed. */
  async #repeat(): Promise<void> {
    const { world } = this.model;
    for (const relation of Object.values(world.relations)) {
      for (const name of Object.keys(relation.versions)) relation.versions[name] = (relation.versions[name] ?? 0) + 1;
    }
    for (const unit of Object.values(world.units)) {
      unit.networks = { ...unit.networks, again: { "bind-addresses": [] } };
    }
    this.model.updateStatus();
    this.#isNext = false;
    await this.#settle();
  }

  async #life(rest: Pick<Life, "unrest" | "last" | "end" | "again">): Promise<Life> {
    return { moments: this.#moments, ...rest, texts: await this.#texts() };
  }

  async #texts(): Promise<Record<string, string>> {
    const units = new Set(this.#moments.map(({ entry }) => entry.unit));
    const spell = ({ level, module, message }: UnitLogLine) => `${level} ${module} ${message}`;
    const logs = [...units].map((unit) => [`log of ${unit}`, this.model.log(unit).map(spell).join("\n")]);
    return { ...Object.fromEntries(logs), ...await readFiles(`${this.model.root}/agents`) };
  }
}

/** Texts of the files below a directory, by path; links and large files are left out. */
async function readFiles(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory, isFile } of Deno.readDir(directory)) {
    const path = `${directory}/${name}`;
    if (isDirectory) Object.assign(found, await readFiles(path));
    else if (isFile && (await Deno.stat(path)).size < TOO_LARGE) found[path] = await Deno.readTextFile(path);
  }
  return found;
}
