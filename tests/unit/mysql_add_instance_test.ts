/** What the action refuses before it looks at the cluster. */
import { assertRejects } from "@std/assert";
import { mysqlAddInstance } from "../../actions/mysql_add_instance.ts";
import type { ActionContext } from "../../hooks/action_context.ts";
import { ActionParams } from "../../hooks/action_params.ts";
import { ActionFailed } from "../../hooks/errors.ts";

Deno.test("add-instance: a method that there is not is refused, also where actions.yaml lets it through", async () => {
  const params = { address: {}, method: { type: "string" } };
  const spec = { name: "add-instance", description: "", params, required: [], additionalProperties: false };
  const given = new ActionParams(spec, { address: "mysql/2", method: "copy" });
  const run = async () => await mysqlAddInstance.run({ params: given } as ActionContext);
  await assertRejects(run, ActionFailed, 'method is one of auto, incremental, clone, not "copy"');
});
