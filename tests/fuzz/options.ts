/**
 * The charm's configuration, and the options that the charms read from it.
 *
 * @module
 */
import fc from "fast-check";
import type { CharmMetadata } from "../../hooks/charm/metadata.ts";
import { parseCharm } from "../../hooks/charm/parse.ts";
import type { Context } from "../../hooks/context.ts";
import { readOptions as readPostgresql } from "../../interfaces/database_peers/options.ts";
import { chosenDirectory } from "../../interfaces/data_directory.ts";
import { findPlace as findEtcdPlace } from "../../interfaces/etcd/server/place.ts";
import { readOptions as readMagpie } from "../../interfaces/magpie/options.ts";
import {
  clusterName,
  expectedUnits,
  findPlace as findMysqlPlace,
} from "../../interfaces/mysql_innodb_cluster/server/place.ts";
import { charmSources } from "./charm_files.ts";
import { contextOver, printed, replying } from "./replies.ts";
import { attempt, Breach, type Surface, surface, type Verdict, worst } from "./surface.ts";
import { damagedJson, damagedTexts, jsonValues, texts } from "./values.ts";

/** What each charm reads of its options, by the charm's name. */
const READERS: Readonly<Record<string, readonly ((ctx: Context) => Promise<unknown>)[]>> = {
  etcd: [(ctx) => chosenDirectory(ctx, undefined), (ctx) => findEtcdPlace(ctx, "/srv")],
  magpie: [readMagpie],
  mysql: [
    (ctx) => chosenDirectory(ctx, undefined),
    (ctx) => findMysqlPlace(ctx, "/srv"),
    clusterName,
    expectedUnits,
  ],
  postgresql: [readPostgresql],
};

/** Values of options that are near the ones that can be used. */
const NEAR: readonly unknown[] = [
  "/var/lib/charmlet",
  "/var/lib/../../etc",
  "/srv/..",
  "//",
  "/",
  "/srv\n",
  "10.0.0.0/8,::/0",
  "all",
  "AUTO",
  "bond0,../../etc/passwd",
  "128MB",
  1,
  2,
  3,
  5,
  65_535,
  65_536,
  0.5,
];

interface Given {
  /** Its name. */
  readonly charm: string;
  readonly values: unknown;
  readonly network: unknown;
}

const CHARMS: readonly CharmMetadata[] = charmSources().map((sources) => parseCharm("/charm", sources))
  .filter(({ name }) => name in READERS);

function given(): fc.Arbitrary<Given> {
  const odd = fc.oneof(
    fc.constantFrom(...NEAR),
    jsonValues(),
    damagedTexts(fc.constantFrom("/var/lib/charmlet", "AUTO")),
  );
  const address = fc.oneof(fc.constantFrom("10.0.0.1", "::1"), texts());
  return fc.constantFrom(...CHARMS).chain((charm) => {
    const defaults = Object.fromEntries(
      Object.entries(charm.config).map(([name, each]) => [name, each.default ?? null]),
    );
    return fc.record({
      charm: fc.constant(charm.name),
      values: damagedJson(fc.constant(defaults), odd),
      network: address.map((value) => ({
        "bind-addresses": [{ addresses: [{ value }] }],
        "ingress-addresses": [value],
      })),
    });
  });
}

async function read({ charm: name, values, network }: Given): Promise<Verdict> {
  const charm = CHARMS.find((each) => each.name === name);
  if (!charm) throw new Error(`the charm ${name} is gone`);
  const [endpoint] = charm.endpoints.filter(({ role }) => role === "peers");
  const transport = replying({
    "config-get": printed(JSON.stringify(values)),
    "network-get": printed(JSON.stringify(network)),
    "unit-get": printed('"10.0.0.1"'),
  });
  const ctx = contextOver(transport, endpoint ? { charm, endpoint } : { charm });
  const attempts = await Promise.all((READERS[charm.name] ?? []).map((reader) => attempt(() => reader(ctx))));
  for (const each of attempts) if (each.verdict === "taken") checkPaths(each.value);
  return worst(attempts);
}

/** What is used as a path leads nowhere else. */
function checkPaths(value: unknown, name = "directory"): void {
  if (typeof value === "string" && /directory|base|socket|file/i.test(name) && /[\0\n]|\/\.\.(\/|$)/.test(value)) {
    throw new Breach(`the path ${JSON.stringify(value)} was taken`);
  }
  if (typeof value !== "object" || value === null) return;
  for (const [key, each] of Object.entries(value)) checkPaths(each, key);
}

/** The surfaces. */
export const OPTION_SURFACES: readonly Surface[] = [surface("config options", given, read)];
