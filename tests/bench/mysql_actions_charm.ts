/**
 * The standard executable with a clock in MySQL's driver: an action leaves behind when each of its statements was under
 * way.
 *
 * @module
 */
import mysql, { type Connection } from "mysql2";
import { ACTIONS } from "../../actions/registry.ts";
import { INTERFACES } from "../../interfaces/registry.ts";
import { dispatch } from "../../mod.ts";

/** From when a statement was handed to the driver until its answer was there, in milliseconds since 1970. */
export interface UnderWay {
  readonly start: number;
  readonly end: number;
}

/** Follows the name of the executable in that of the file that the last action has left. */
export const LEFT_BEHIND = ".statements";

type Query = (options: { sql: string }, done: (error: unknown, rows: unknown) => void) => unknown;

/** Replaces what our client calls. */
function clockQueries(spans: UnderWay[]): void {
  const now = () => performance.timeOrigin + performance.now();
  const { prototype }: { prototype: { query: Query } } = mysql.Connection as unknown as { prototype: Connection };
  const original = prototype.query;
  prototype.query = function (options, done) {
    const start = now();
    return Reflect.apply(original, this, [options, (error: unknown, rows: unknown) => {
      spans.push({ start, end: now() });
      done(error, rows);
    }]);
  };
}

async function main(): Promise<number> {
  const isAction = Deno.env.has("JUJU_ACTION_NAME");
  const file = `${Deno.execPath()}${LEFT_BEHIND}`;
  const spans: UnderWay[] = [];
  clockQueries(spans);
  const status = await dispatch({ interfaces: INTERFACES, actions: ACTIONS });
  if (isAction) Deno.writeTextFileSync(file, JSON.stringify(spans));
  return status;
}

if (import.meta.main) Deno.exit(await main());
