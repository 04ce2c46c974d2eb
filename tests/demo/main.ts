/**
 * `build/deno task demo`: a whole deployment on the simulated Juju, from compiling a charm to the removal of its last
 * unit. Every step is checked. Ends with tables, and with dist/demo.html.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import { join } from "node:path";
import { BuildError, runScript } from "../../build/errors.ts";
import { projectDir } from "../../build/project.ts";
import { CharmletError } from "../../hooks/errors.ts";
import { type Model, ModelError } from "../model/mod.ts";
import { type Lab, openLab } from "../real/units.ts";
import { asyncReplicationStory } from "./async_replication.ts";
import { makeCharms } from "./charms.ts";
import { DemoError, expect } from "./expect.ts";
import { countRuns, describeCounts } from "./facts.ts";
import { mysqlStory } from "./mysql.ts";
import { renderPage } from "./page.ts";
import { postgresqlStory } from "./postgresql.ts";
import { createProgress, type Progress } from "./progress.ts";
import { type Chapter, Stage, type Step } from "./stage.ts";
import { story } from "./story.ts";
import { formatHooks } from "./table.ts";
import { workloads } from "./workloads.ts";

const PAGE = join(projectDir, "dist/demo.html");
/** End the demo in order: no process and no file of it stays. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** Stories of `--real`: units with real servers, from nothing to nothing. `server` is the program they run. */
const REAL: Readonly<Record<string, { readonly server: string; readonly story: (lab: Lab) => Step[] }>> = {
  "async-replication": { server: "mysqld", story: asyncReplicationStory },
  mysql: { server: "mysqld", story: mysqlStory },
  postgresql: { server: "postgres", story: postgresqlStory },
};
const USAGE = `usage: build/deno task demo [--real NAME] [--seed N] [--process]
  --real     only the story of one charm and its real servers: ${Object.keys(REAL).join(", ")}
  --seed     permutes what Juju leaves open, such as the order of units; units then take turns
  --process  hook commands as child processes instead of the agent's own protocol`;

interface DemoOptions {
  readonly real: string | undefined;
  readonly seed: number | undefined;
  readonly asProcesses: boolean;
}

function parseOptions(given: readonly string[]): DemoOptions | undefined {
  const args = parseArgs([...given], {
    string: ["seed", "real"],
    boolean: ["process", "help"],
    unknown: (arg) => {
      throw new BuildError(`unknown argument ${arg}: see build/deno task demo --help`);
    },
  });
  if (args.help) return undefined;
  if (args.seed !== undefined && !/^\d{1,9}$/.test(args.seed)) {
    throw new BuildError(`--seed needs a number from 0 to 999999999, got "${args.seed}"`);
  }
  if (args.real !== undefined && !Object.hasOwn(REAL, args.real)) {
    throw new BuildError(`--real needs one of ${Object.keys(REAL).join(", ")}, got "${args.real}"`);
  }
  const seed = args.seed === undefined ? undefined : Number(args.seed);
  return { real: args.real, seed, asProcesses: args.process };
}

async function main(): Promise<void> {
  const options = parseOptions(Deno.args);
  if (!options) return console.log(USAGE);
  const encoder = new TextEncoder();
  const write = (text: string) => void Deno.stdout.writeSync(encoder.encode(text));
  const progress = createProgress(write, Deno.stdout.isTerminal() ? Deno.consoleSize().columns : undefined);
  const root = await Deno.makeTempDir({ prefix: "charmlet-demo-" });
  const { promise: interrupted, reject } = Promise.withResolvers<never>();
  const interrupt = () => reject(new DemoError("interrupted"));
  for (const signal of SIGNALS) Deno.addSignalListener(signal, interrupt);
  try {
    await perform(root, options, {
      ...progress,
      step: (...step) => Promise.race([progress.step(...step), interrupted]),
    });
  } finally {
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, interrupt);
    await Deno.remove(root, { recursive: true });
  }
  console.log(`\nAll claims hold (${(progress.elapsed() / 1000).toFixed(1)} s). See ${PAGE}`);
}

async function perform(root: string, options: DemoOptions, progress: Progress): Promise<void> {
  const { real, seed, asProcesses } = options;
  const only = real === undefined ? undefined : REAL[real];
  const charms = only ? undefined : await makeCharms(root, asProcesses, progress);
  await using lab = await openLab({ server: only?.server ?? "etcd", ...(seed === undefined ? {} : { seed }) });
  const { model } = lab;
  const steps = [...charms ? story(charms) : [], ...only ? only.story(lab) : await workloads(lab)];
  const stage = new Stage(model);
  const chapters: Chapter[] = [];
  for (const { title, run } of steps) {
    stage.begin();
    const result = await progress.step(title, () => run(stage), () => liveLine(model));
    stage.remember();
    chapters.push({ title, result, firstRun: stage.mark, endRun: model.timeline.length });
  }
  const page = await renderPage({
    timeline: model.timeline,
    chapters,
    relations: stage.relations,
    status: stage.status,
  });
  keepSecrets(stage, page);
  await Deno.writeTextFile(PAGE, page);
  console.log(`\n${stage.status}`);
  console.log(formatHooks(model.timeline));
  console.log(describeCounts(countRuns(model.timeline)).map(([label, value]) => `${label} ${value}`).join(", "));
}

function liveLine({ timeline, world }: Model): string {
  const running = Object.values(world.units).filter(({ agentStatus }) => agentStatus.status === "executing")
    .map(({ name, agentStatus }) => `${name} ${agentStatus.message.replace(/^running /, "")}`);
  return `${timeline.length} hooks; ${running.join(", ")}`;
}

/** The password is in no log and not in the page, neither as it is nor as the agent keeps it. */
function keepSecrets({ model, secrets }: Stage, page: string): void {
  expect(secrets.size > 0, "there was a secret");
  expect(!PRIVATE_KEY.test(page), "no private key is in the page");
  const units = [...new Set(model.timeline.map(({ unit }) => unit))];
  const logs = units.flatMap((unit) => model.log(unit).map(({ message }) => message)).join("\n");
  for (const secret of secrets) {
    expect(!page.includes(secret), "no secret value is in the page");
    expect(!logs.includes(secret), "no secret value is in a log");
  }
}

if (import.meta.main) {
  await runScript(async () => {
    try {
      await main();
    } catch (error) {
      const isClear = [DemoError, ModelError, CharmletError].some((type) => error instanceof type);
      throw isClear && error instanceof Error ? new BuildError(error.message) : error;
    }
  });
}
