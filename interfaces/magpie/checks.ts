/**
 * The charm on the peers' side of `magpie`: checks the network between the units and says the result in the status.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { defineInterface, handlerFunction, type RelationHandler } from "../../hooks/definition.ts";
import { ValueError } from "../../hooks/errors.ts";
import { done, type Outcome } from "../../hooks/outcome.ts";
import { endpointOf } from "../endpoints.ts";
import { CLUSTER, MACHINE } from "../needs.ts";
import { readMemory, remember } from "./memory.ts";
import { type CheckOptions, readOptions } from "./options.ts";
import { magpie, MagpiePeers } from "./peers.ts";
import { TEXT } from "./texts.ts";

/** Runs the relation's own handler before the checks. */
function andCheck(handler: NonNullable<typeof magpie.on>["joined"]) {
  const first: RelationHandler = handler === undefined ? () => done : handlerFunction(handler);
  const run: RelationHandler = async (ctx, relation) => {
    await first(ctx, relation);
    // A unit that goes sees its peers go: that is no failure of theirs.
    return ctx.event.departingUnit === ctx.unit ? done : await check(ctx);
  };
  return { needs: CLUSTER, run };
}

/** The relation `magpie`, and the checks between its units. */
export const magpieChecks = defineInterface({
  ...magpie,
  on: {
    ...magpie.on,
    joined: andCheck(magpie.on?.joined),
    changed: andCheck(magpie.on?.changed),
    departed: andCheck(magpie.on?.departed),
  },
  lifecycle: {
    ...magpie.lifecycle,
    install: { needs: MACHINE, run: prepare },
    configChanged: {
      needs: CLUSTER,
      run: async (ctx) => {
        await prepare(ctx);
        return await check(ctx);
      },
    },
    updateStatus: {
      needs: CLUSTER,
      run: async (ctx) => {
        if (readMemory(ctx).packagesMissing) await prepare(ctx);
        return await check(ctx);
      },
    },
    stop: { needs: MACHINE, run: stop },
  },
});

/** Installs the programs of the checks that are switched on. Without them, the checks say what is missing. */
async function prepare(ctx: Context): Promise<Outcome> {
  const options = await optionsOr(ctx);
  const names = [
    ...(options?.icmp || options?.requiredMtu !== undefined ? ["iputils-ping"] : []),
    ...(options?.iperf ? ["iperf3"] : []),
  ];
  if (names.length === 0) return done;
  const [{ ensurePackages }, { PackageError }] = await Promise.all([
    import("../clients/packages.ts"),
    import("../clients/errors.ts"),
  ]);
  const missedBefore = readMemory(ctx).packagesMissing;
  try {
    await ensurePackages(names, { log: (line) => ctx.log.info(line) });
    if (missedBefore) remember(ctx, { packagesMissing: false });
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    if (!missedBefore) ctx.log.warning(error.message);
    ctx.status.set("blocked", error.message);
    remember(ctx, { packagesMissing: true });
  }
  return done;
}

/** Checks what the configuration switches on, and says the result. */
async function check(ctx: Context): Promise<Outcome> {
  const options = await optionsOr(ctx);
  if (options === undefined) return done;
  if (!checksAnything(options) && readMemory(ctx).server === "") {
    ctx.status.set("active", TEXT.noChecks);
    return done;
  }
  const endpoint = ctx.endpoint ?? endpointOf(ctx, ["magpie", "magpie2"], "peers");
  const notes: string[] = [];
  const peers = new MagpiePeers(ctx, endpoint, (note) => notes.push(note));
  const nodes = await peers.getNodes();
  if (nodes.length === 0) {
    if (!readMemory(ctx).packagesMissing) ctx.status.set("waiting", TEXT.noPeers);
    return done;
  }
  const [{ runChecks }, { detailsOf, digestOf, judge }] = await Promise.all([
    import("./run_checks.ts"),
    import("./verdict.ts"),
  ]);
  const findings = { ...await runChecks(ctx, endpoint, peers, nodes, options), notes };
  const { level, line } = judge(findings);
  ctx.status.set(level, line);
  const digest = await digestOf(findings);
  if (digest === readMemory(ctx).logged) return done;
  for (const detail of detailsOf(findings)) ctx.log.warning(detail);
  if (digest === "") ctx.log.info(`all checks pass again: ${line}`);
  remember(ctx, { logged: digest });
  return done;
}

function checksAnything({ icmp, requiredMtu, dns, hostname, bonds, iperf }: CheckOptions): boolean {
  return hostname || [icmp, requiredMtu, dns, bonds, iperf].some((part) => part !== undefined);
}

/** The configuration; undefined, and a blocked unit, when an option cannot be read. */
async function optionsOr(ctx: Context): Promise<CheckOptions | undefined> {
  try {
    return await readOptions(ctx);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    ctx.status.set("blocked", error.message);
    return undefined;
  }
}

/** Leaves nothing behind on the machine. */
async function stop(ctx: Context): Promise<Outcome> {
  if (readMemory(ctx).server === "") return done;
  const endpoint = ctx.endpoint ?? endpointOf(ctx, ["magpie", "magpie2"], "peers");
  const { stopServer } = await import("./run_checks.ts");
  await stopServer(ctx, new MagpiePeers(ctx, endpoint));
  return done;
}
