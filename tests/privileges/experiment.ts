/**
 * `build/deno task privileges -- etcd|magpie|mysql|postgresql|async-replication`: runs units with real servers through their
 * whole life, takes one declared permission at a time away from their handlers and actions, and prints which are missed.
 * What nobody misses may have been declared without need: read the code before it goes.
 *
 * @module
 */
import { LIVES } from "./lives.ts";
import { openTrial } from "./trial.ts";

const life = LIVES[Deno.args[0] ?? ""];
if (!life) {
  console.error(`name one: ${Object.keys(LIVES).join(", ")}`);
  Deno.exit(2);
}
await using trial = await openTrial(life.server, life.sides);
try {
  await life.run(trial);
} catch (error) {
  console.log(await trial.lab.describe());
  throw error;
} finally {
  console.log(trial.report().join("\n"));
}
