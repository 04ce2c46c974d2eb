/**
 * Where `@std/*` comes from: JSR, or adapters over npm packages on networks without JSR.
 *
 * @module
 */
import { BuildError } from "./errors.ts";
import { jsrSpecifiers, projectDir } from "./project.ts";

/** Source of the `@std/*` modules. */
export type Registry = "jsr" | "npm";

/** A registry and why it was chosen. */
export interface Choice {
  readonly registry: Registry;
  readonly reason: string;
}

/** Variable that forces a registry, and by which child processes learn of the choice. */
export const REGISTRY_VARIABLE = "CHARMLET_REGISTRY";

/** How long JSR has time to answer, in milliseconds. */
const PROBE_TIMEOUT_MS = 1500;

/**
 * Decides where `@std/*` comes from.
 *
 * @param override value of CHARMLET_REGISTRY
 * @param probe tells whether JSR can be used
 * @throws {BuildError} the override is neither `jsr` nor `npm`
 */
export async function chooseRegistry(
  override: string | undefined = Deno.env.get(REGISTRY_VARIABLE),
  probe: () => Promise<boolean> = probeJsr,
): Promise<Choice> {
  if (override === "jsr" || override === "npm") return { registry: override, reason: `${REGISTRY_VARIABLE} says so` };
  if (override) throw new BuildError(`${REGISTRY_VARIABLE} is "${override}": set it to jsr or npm, or unset it`);
  return await probe()
    ? { registry: "jsr", reason: "JSR can be used" }
    : { registry: "npm", reason: `JSR cannot be used (tried for at most ${PROBE_TIMEOUT_MS / 1000} s)` };
}

/** Arguments of `deno run|test|check|bundle` that choose the import map of a registry. */
export function denoFlags(registry: Registry): string[] {
  if (registry === "jsr") return [];
  return [
    `--import-map=${projectDir}/build/npm/import_map.json`,
    `--lock=${projectDir}/build/npm/deno.lock`,
    "--frozen",
  ];
}

/** Lets Deno itself fetch the modules, so that its cache, proxies and JSR_URL count. */
async function probeJsr(): Promise<boolean> {
  const signal = AbortSignal.timeout(PROBE_TIMEOUT_MS);
  const command = new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--no-config", "--no-lock", ...jsrSpecifiers],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    signal,
  });
  return (await command.output()).success;
}
