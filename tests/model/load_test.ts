/** Small models under load, and agents that are slow, break off or die; `build/deno task load` does more of it. */
import { assertEquals } from "@std/assert";
import { surviveDeadAgents } from "../load/dead_agent.ts";
import { surviveClosedConnections, surviveSlowAgents } from "../load/faults.ts";
import { growthFaults } from "../load/growth.ts";
import { settleShape } from "../load/settled.ts";
import { shapeOf } from "../load/shape.ts";

Deno.test("a model of twice as many units settles, and costs no more than linearly more", async () => {
  const figures = [await settleShape(shapeOf(10)), await settleShape(shapeOf(20))];
  assertEquals(growthFaults(figures), []);
});

Deno.test("agents that take 200 ms for each hook command are waited for", async () => {
  await surviveSlowAgents();
});

Deno.test("a connection that the agent closes fails the hook in one clear line, and its retry ends the same", async () => {
  await surviveClosedConnections();
});

Deno.test("a hook whose agent is killed ends by itself, and its next run ends the same", async () => {
  await surviveDeadAgents();
});
