/**
 * What the steps of the story work with.
 *
 * @module
 */
import type { Model, TimelineEntry, UnitState } from "../model/mod.ts";
import { expect, expectEqual } from "./expect.ts";
import { deferralsOf } from "./facts.ts";

/** A step of the story. */
export interface Step {
  readonly title: string;
  /** Changes the model, lets it settle and checks what came of it; returns that in one line. */
  readonly run: (stage: Stage) => Promise<string>;
}

/** A step that was taken: its part of the timeline. */
export interface Chapter {
  readonly title: string;
  readonly result: string;
  readonly firstRun: number;
  readonly endRun: number;
}

/** The model and what the story remembers of it. */
export class Stage {
  /** Status table at its fullest. */
  status = "";
  /** Relations by id, such as `website:site proxy:upstream`: also of relations that are gone. */
  readonly relations = new Map<number, string>();
  /** Every secret value that there ever was, as it is and as the agent keeps it. */
  readonly secrets = new Set<string>();
  /** Index in the timeline at which the step began. */
  mark = 0;

  constructor(readonly model: Model) {}

  /** Begins a step. */
  begin(): void {
    this.mark = this.model.timeline.length;
  }

  /** Remembers what a later step may take away. */
  remember(): void {
    for (const { id, sides } of Object.values(this.model.world.relations)) {
      this.relations.set(id, sides.map((side) => `${side.app}:${side.endpoint.name}`).join(" "));
    }
    for (const { revisions } of Object.values(this.model.world.secrets)) {
      for (const value of revisions.flatMap(({ content }) => Object.values(content))) {
        const text = atob(value);
        if (isConfidential(text)) this.secrets.add(value).add(text).add(JSON.stringify(text).slice(1, -1));
      }
    }
  }

  /** Runs of this step. */
  runs(): readonly TimelineEntry[] {
    return this.model.timeline.slice(this.mark);
  }

  /** Runs of this step of one hook or action. */
  runsOf(unit: string, name: string): TimelineEntry[] {
    return this.runs().filter((entry) => entry.unit === unit && entry.name === name);
  }

  /** Handlers that were deferred and resolved in this step. */
  deferrals(): { added: number; resolved: number } {
    const all = this.runs().map(deferralsOf);
    return {
      added: all.reduce((sum, { added }) => sum + added.length, 0),
      resolved: all.reduce((sum, { resolved }) => sum + resolved.length, 0),
    };
  }

  /** Units of an application, in order. */
  units(app: string): UnitState[] {
    return Object.values(this.model.world.units).filter((unit) => unit.app === app)
      .sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
  }

  /** The unit that leads. */
  leader(app: string): string {
    const leader = this.model.world.applications[app]?.leader;
    expect(typeof leader === "string", `${app} has a leader`);
    return leader;
  }

  /** A unit that does not lead. */
  follower(app: string): string {
    const unit = this.units(app).find(({ name }) => name !== this.leader(app));
    expect(unit !== undefined, `${app} has a unit that does not lead`);
    return unit.name;
  }

  /** The application databag of a relation, given as in {@linkcode Stage.relations}. */
  appBag(relation: string, app: string): Readonly<Record<string, string>> {
    return this.relation(relation).appBags[app] ?? {};
  }

  /** A relation, given as in {@linkcode Stage.relations}. */
  relation(name: string) {
    const found = Object.values(this.model.world.relations).find(({ id }) => this.relations.get(id) === name);
    expect(found !== undefined, `there is a relation ${name}`);
    return found;
  }

  /** Checks the status of every unit of an application. */
  expectStatus(app: string, status: string, message: string): void {
    for (const unit of this.units(app)) {
      expectEqual([unit.status.status, unit.status.message], [status, message], `status of ${unit.name}`);
    }
  }
}

/** Secrets also keep what anybody may know: certificates, and numbers of a few digits. */
function isConfidential(text: string): boolean {
  return text.includes("PRIVATE KEY") || (text.length >= 8 && !text.includes("-----BEGIN CERTIFICATE-----"));
}

/** The last step of stories with servers. */
export async function removeEverything({ model }: Stage): Promise<string> {
  for (const app of Object.keys(model.world.applications)) model.removeApplication(app);
  await model.settle();
  const { applications, units, relations, secrets } = model.world;
  expectEqual([applications, units, relations, secrets], [{}, {}, {}, {}], "what is left");
  return "no unit, relation, secret or server is left";
}
