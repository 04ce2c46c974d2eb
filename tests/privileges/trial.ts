/**
 * Takes one permission at a time away from hooks and actions of a lab, again and again, and counts what comes of it. A
 * hook that misses one fails and is run again: in the end it has them all, and the lab goes on.
 *
 * @module
 */
import { join } from "node:path";
import { ACTIONS } from "../../actions/registry.ts";
import { type Permission, PERMISSIONS } from "../../hooks/definition.ts";
import { executableOf } from "../model/built_charm.ts";
import { type Lab, openLab } from "../real/units.ts";
import { type Declared, declaredNeeds } from "./declared.ts";
import { DENIED, nameOf, readTried } from "./tried.ts";

/** How often each hook runs without each permission, at most once for one event, since events find units in different states. */
const TRIES = 4;

/** What a declared permission turned out to be. */
interface Count {
  /** The handler failed, or said that it lacks the permission; the action did not end as it does with all. */
  missed: number;
  /** The handler waits for something, maybe for what it could not do. */
  held: number;
  /** It ended as ever. */
  passed: number;
}

const NONE: Count = { missed: 0, held: 0, passed: 0 };

/** Runs of a lab's hooks and actions without one permission or another. */
export class Trial implements AsyncDisposable {
  readonly #tries = new Map<string, number>();
  /** By unit: what the hook that is running is still to be tried without. */
  readonly #left = new Map<string, Permission[]>();
  /** By the name of a handler or action, and a permission. */
  readonly #counts = new Map<string, Count>();
  #action = { name: "", without: "" };

  constructor(readonly lab: Lab, readonly declared: readonly Declared[]) {
    lab.intercept = (unit, command, name) => ["env", `CHARMLET_TEST_WITHOUT=${this.#choose(unit, name)}`, ...command];
  }

  /** Lets every unit of a charm without code that is deployed from now on run the narrowed executable. */
  async narrow(charm: string): Promise<void> {
    const name = "unused";
    await this.lab.deploy({ charm, name, units: 0, keepsNothing: true });
    this.lab.model.removeApplication(name);
    const kept = join(this.lab.directory, "charms", `${charm}.executable`);
    await Deno.copyFile(await executableOf("tests/privileges/narrowed.ts", "narrowed"), kept);
  }

  /** Runs an action without each permission that it declares, then with all. @returns its results */
  async act(
    unit: string,
    name: string,
    params: Readonly<Record<string, unknown>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    const action = this.declared.find((each) => each.kind === "action" && each.name === name);
    if (!action) throw new Error(`there is no action ${name}`);
    const run = async (without: string) => {
      this.#action = { name, without };
      const { status, message, results } = await this.lab.model.run(unit, name, params);
      console.log(`${nameOf(action)} without ${without || "nothing"}: ${status} ${message}`);
      return { said: `${status} ${message}`, results };
    };
    const ends = new Map<string, Awaited<ReturnType<typeof run>>>();
    for (const need of action.needs) ends.set(need, await run(need));
    const { said, results } = await run("");
    for (const [need, end] of ends) this.#count(nameOf(action), need, end.said === said ? "passed" : "missed");
    return results;
  }

  /** Lines of a table: each handler with its permissions, and how often it missed them, waited, and ended as ever. */
  report(): string[] {
    this.#readLogs();
    return this.declared.filter(({ needs }) => needs.length > 0).map((each) => {
      const counts = each.needs.map((need) => {
        const { missed, held, passed } = this.#counts.get(keyOf(nameOf(each), need)) ?? NONE;
        if (missed + held + passed === 0) return `${need} not tried`;
        return `${need} ${missed > 0 ? "missed" : held > 0 ? "MISSED?" : "NOT MISSED"} (${missed}, ${held}, ${passed})`;
      });
      return `${nameOf(each)}: ${counts.join("; ")}`;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lab[Symbol.asyncDispose]();
  }

  #choose(unit: string, name: string): string {
    if (ACTIONS.some((action) => action.name === name)) return name === this.#action.name ? this.#action.without : "";
    const last = this.lab.model.timeline.findLast((run) => run.unit === unit && run.kind === "hook");
    const triesOf = (need: Permission) => this.#tries.get(keyOf(name, need)) ?? 0;
    if (last?.name !== name || last.outcome !== "failed") {
      this.#left.set(unit, PERMISSIONS.filter((need) => triesOf(need) < TRIES && this.#isDeclared(need)));
    }
    const left = this.#left.get(unit)?.sort((a, b) => triesOf(a) - triesOf(b)) ?? [];
    const without = left.shift();
    if (without === undefined) return "";
    this.#tries.set(keyOf(name, without), triesOf(without) + 1);
    return without;
  }

  #isDeclared(need: Permission): boolean {
    return this.declared.some(({ needs }) => needs.includes(need));
  }

  #readLogs(): void {
    const { model } = this.lab;
    const statuses = new Map(model.timeline.map(({ contextId, status }) => [contextId, status.message]));
    for (const unit of new Set(model.timeline.map((run) => run.unit))) {
      for (const { message } of model.log(unit)) {
        const tried = readTried(message);
        if (!tried || tried.end === "failed" || tried.without === "") continue;
        const isTold = DENIED.test(statuses.get(tried.context) ?? "");
        this.#count(tried.handler, tried.without, isTold ? "missed" : tried.end);
      }
    }
  }

  #count(name: string, need: string, end: keyof Count): void {
    const key = keyOf(name, need);
    const count = this.#counts.get(key) ?? { ...NONE };
    count[end]++;
    this.#counts.set(key, count);
  }
}

/** Opens a lab in which the permissions are tried that some sides of interfaces declare. */
export async function openTrial(server: string, sides: readonly string[]): Promise<Trial> {
  const declared = (await declaredNeeds()).filter(({ side }) => sides.includes(side));
  return new Trial(await openLab({ server, retries: PERMISSIONS.length * 2 }), declared);
}

function keyOf(name: string, need: string): string {
  return `${name} without ${need}`;
}
