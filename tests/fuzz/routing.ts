/**
 * How the executable is started: its name, arguments and environment.
 *
 * @module
 */
import fc from "fast-check";
import { parseCharm } from "../../hooks/charm/parse.ts";
import { hookNames } from "../../hooks/charm/names.ts";
import { runCli } from "../../hooks/cli.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import { invocationOf, route, toEvent } from "../../hooks/route.ts";
import { charmSources, PROGRAM } from "./charm_files.ts";
import { attempt, checkLine, type Surface, surface, type Verdict, worst } from "./surface.ts";
import { damagedTexts, texts } from "./values.ts";

/** What Juju sets, for a hook of the charm of the tests. */
const GOOD: Readonly<Record<string, readonly string[]>> = {
  JUJU_DISPATCH_PATH: [
    "hooks/install",
    "hooks/db-relation-changed",
    "hooks/cluster-relation-departed",
    "actions/health",
  ],
  JUJU_HOOK_NAME: ["install", "db-relation-changed", "secret-changed", "secret-remove"],
  JUJU_ACTION_NAME: ["health"],
  JUJU_ACTION_UUID: ["3"],
  JUJU_ACTION_TAG: ["action-3"],
  JUJU_UNIT_NAME: ["etcd/0", "etcd/12"],
  JUJU_RELATION: ["db"],
  JUJU_RELATION_ID: ["db:7", "cluster:1"],
  JUJU_REMOTE_UNIT: ["client/0", "remote-1234567890abcdef/0"],
  JUJU_REMOTE_APP: ["client"],
  JUJU_DEPARTING_UNIT: ["client/0"],
  JUJU_SECRET_ID: ["secret:9m4e2mr0ui3e8a215n4g"],
  JUJU_SECRET_LABEL: ["x"],
  JUJU_SECRET_REVISION: ["3"],
  JUJU_STORAGE_ID: ["data/0"],
  JUJU_STORAGE_LOCATION: ["/srv"],
  JUJU_API_ADDRESSES: ["10.0.0.1:17070 10.0.0.2:17070"],
  JUJU_TARGET_BASE: ["ubuntu@24.04"],
};

interface Start {
  readonly argv0: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function starts(): fc.Arbitrary<Start> {
  const variable = (values: readonly string[]) => {
    const good = fc.constantFrom(...values);
    return fc.oneof({ weight: 4, arbitrary: good }, { weight: 2, arbitrary: damagedTexts(good) }, texts());
  };
  const env = fc.record(
    Object.fromEntries(Object.entries(GOOD).map(([name, values]) => [name, variable(values)])),
    { requiredKeys: [] },
  );
  const names = fc.constantFrom(
    "/c/hooks/install",
    "/c/hooks/db-relation-changed",
    "/c/actions/health",
    "/c/dispatch",
    "/c/hooks/charmlet",
    "hooks/x-pebble-ready",
  );
  return fc.record({
    argv0: fc.oneof(names, damagedTexts(names), texts()),
    args: fc.array(texts(), { maxLength: 1 }),
    env: env as fc.Arbitrary<Record<string, string>>,
  });
}

async function start({ argv0, args, env }: Start): Promise<Verdict> {
  const environment = readJujuEnvironment(env);
  const routed = await attempt(() => route(argv0, args, environment));
  const named = await attempt(() => invocationOf(environment));
  const charm = etcdCharm();
  const invocations = [routed, named].flatMap((each) => each.verdict === "taken" && each.value ? [each.value] : []);
  const events = await Promise.all(invocations.map((each) =>
    attempt(() => {
      const event = each.kind === "cli" ? undefined : toEvent(each, environment, charm);
      if (event?.kind === "relation" && !Number.isSafeInteger(event.relationId)) throw new TypeError("no number");
      return event;
    })
  ));
  return worst([routed, named, ...events]);
}

function etcdCharm() {
  const [etcd] = charmSources();
  if (!etcd) throw new Error("the charms of the tests are gone");
  return parseCharm("/charm", etcd);
}

const WORDS = [
  "link",
  "completions",
  "bash",
  "fish",
  "--list",
  "--explain",
  "--explain=install",
  "--dry-run",
  "--deferred",
  "--flags",
  "--help",
  "--version",
  "--check",
  "--no-check",
  "--force",
  "--handled",
  "--dispatch",
  "--",
  "-",
  "-x",
  "--__proto__.polluted=1",
  "--constructor.prototype.polluted=1",
  "--explain.a=b",
  "--list.x=1",
  ...hookNames(etcdCharm()).slice(0, 5),
];

interface CommandLine {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function commandLines(): fc.Arbitrary<CommandLine> {
  const words = fc.constantFrom(...WORDS);
  return fc.record({
    args: fc.array(fc.oneof({ weight: 4, arbitrary: words }, { weight: 1, arbitrary: damagedTexts(words) }, texts()), {
      maxLength: 5,
    }),
    env: fc.record({ CHARMLET_HOOK_COMMANDS: texts(), JUJU_DISPATCH_PATH: texts() }, {
      requiredKeys: [],
    }) as fc.Arbitrary<
      Record<string, string>
    >,
  });
}

/** Arguments that name no directory with a charm, so that no link is made anywhere. */
async function commandLine({ args, env }: CommandLine): Promise<Verdict> {
  const charmDir = new URL("../charms/etcd", import.meta.url).pathname;
  const environment = readJujuEnvironment({ ...env, JUJU_CHARM_DIR: charmDir });
  const printError = (line: string) => checkLine("a line of standard error", line);
  const result = await attempt(() => runCli(PROGRAM, { args, environment, env, print: () => {}, printError }));
  if ("polluted" in {}) throw new Error("an argument has changed every object");
  return result.verdict;
}

/** The surfaces. */
export const ROUTING_SURFACES: readonly Surface[] = [
  surface("start: name, arguments and environment", starts, start),
  surface("start: command line", commandLines, commandLine),
];
