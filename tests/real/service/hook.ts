/**
 * Stands in for a hook: a process of its own that asks the supervisor for something, with the umask of a hook.
 *
 * Arguments: the method, and the spec as JSON.
 *
 * @module
 */
import { serviceManager, type ServiceSpec } from "../../../interfaces/clients/service/service.ts";

const [method, text = ""] = Deno.args;
const spec = JSON.parse(text) as ServiceSpec;
Deno.umask(0o077);
const services = await serviceManager({ kind: "supervisor" });
if (method === "start") await services.start(spec);
else if (method === "stop") await services.stop(spec);
else throw new Error(`unknown method ${method}`);
