/**
 * Interface `gate`: handlers of all phases of a relation that wait while a gate is closed, and keep what they have done.
 * What they keep tells which deferred handler never ran.
 *
 * @module
 */
import {
  type Context,
  deferred,
  defineInterface,
  done,
  type InterfaceDefinition,
  type Outcome,
  type Relation,
  type Role,
} from "../../mod.ts";

/** What a side keeps. Units are named by relation and unit, such as `3 taker/0`. */
export interface Receipts {
  /** Units that were greeted. */
  readonly greeted: readonly string[];
  /** What each unit was heard to say. */
  readonly heard: Readonly<Record<string, string>>;
  /** Relations that began and have not ended. */
  readonly open: readonly number[];
}

const NONE: Receipts = { greeted: [], heard: {}, open: [] };

/** Key in the unit's databag. */
export const WORD = "word";

async function isClosed(ctx: Context): Promise<boolean> {
  return (await ctx.config()).string("gate") !== "open";
}

function change(ctx: Context, how: (receipts: Receipts) => Receipts): void {
  const next = how(ctx.stored.get(NONE, (value) => value as Receipts));
  const isEmpty = next.greeted.length + next.open.length + Object.keys(next.heard).length === 0;
  ctx.stored.set(isEmpty ? undefined : next);
}

async function say(ctx: Context, relation: Relation): Promise<void> {
  relation.local.set({ [WORD]: (await ctx.config()).string("word") });
}

/** Runs what a phase has to do, later while the gate is closed. */
function behindGate(act: (ctx: Context, relation: Relation, member: string, unit: string) => Promise<void> | void) {
  return async (ctx: Context, relation: Relation): Promise<Outcome> => {
    const unit = ctx.event.kind === "relation" ? ctx.event.remoteUnit ?? "" : "";
    if (await isClosed(ctx)) return deferred("the gate is closed");
    await act(ctx, relation, `${relation.id} ${unit}`, unit);
    return done;
  };
}

/** One side of the interface. */
export function gate(role: Role): InterfaceDefinition {
  return defineInterface({
    name: "gate",
    role,
    on: {
      async created(ctx, relation) {
        await say(ctx, relation);
        change(
          ctx,
          (receipts) => ({ ...receipts, open: [...receipts.open.filter((id) => id !== relation.id), relation.id] }),
        );
        return done;
      },
      joined: behindGate((ctx, _relation, member) => {
        change(ctx, (receipts) => ({ ...receipts, greeted: [...new Set([...receipts.greeted, member])] }));
      }),
      changed: behindGate(async (ctx, relation, member, unit) => {
        if (unit === "") return;
        const { [WORD]: word = "" } = await relation.unit(unit);
        change(ctx, (receipts) => ({ ...receipts, heard: { ...receipts.heard, [member]: word } }));
      }),
      departed(ctx, relation) {
        const member = `${relation.id} ${ctx.event.remoteUnit}`;
        change(ctx, ({ open, greeted, heard: { [member]: _, ...heard } }) => {
          return { open, greeted: greeted.filter((each) => each !== member), heard };
        });
        return done;
      },
      broken: behindGate((ctx, { id }) => {
        change(ctx, (receipts) => ({ ...receipts, open: receipts.open.filter((each) => each !== id) }));
      }),
    },
    lifecycle: {
      async configChanged(ctx) {
        for (const relation of await ctx.relations()) await say(ctx, relation);
        return done;
      },
    },
  });
}
