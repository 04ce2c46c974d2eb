/**
 * The executable of the charms `website` and `proxy`, which the demo deploys.
 *
 * @module
 */
import { dispatch, type Program } from "../../mod.ts";
import { proxy, proxyRing } from "./proxy/proxy.ts";
import { newPassword, publish, ring, showRing, site } from "./website/website.ts";

const program: Program = { interfaces: [site, ring, proxy, proxyRing], actions: [publish, newPassword, showRing] };

if (import.meta.main) Deno.exit(await dispatch(program));
