/**
 * What the modules of the charms remember, as another revision of the charm may have left it.
 *
 * @module
 */
import fc from "fast-check";
import { parseCharm } from "../../hooks/charm/parse.ts";
import type { Context } from "../../hooks/context.ts";
import { readKept } from "../../interfaces/database_peers/kept.ts";
import { readMemory as readEtcd } from "../../interfaces/etcd/server/memory.ts";
import { readMemory as readMagpie } from "../../interfaces/magpie/memory.ts";
import { readMemory as readMysql } from "../../interfaces/mysql_innodb_cluster/server/memory.ts";
import { charmSources } from "./charm_files.ts";
import { contextOver, replying } from "./replies.ts";
import { attempt, Breach, type Surface, surface, type Verdict } from "./surface.ts";
import { damagedJson, jsonValues, secretTexts } from "./values.ts";

const ADDRESS = { host: "10.0.0.1", port: 3306 };

/** What each charm's module remembers, and who reads it, by the charm's name. */
const MEMORIES: Readonly<Record<string, { readonly good: object; readonly read: (ctx: Context) => object }>> = {
  etcd: {
    read: readEtcd,
    good: {
      dataDirectory: "/srv",
      started: true,
      memberId: "5",
      leaving: false,
      left: false,
      settled: "0123",
      leaves: { version: 1, names: "a", renewAt: 5 },
      loaded: { config: "a", trust: "b", address: "c" },
      others: ["https://10.0.0.1:2379"],
    },
  },
  magpie: {
    read: readMagpie,
    good: { logged: "", settings: "a", measured: { "magpie/1": "ok" }, failed: ["a"], unchecked: [], server: "" },
  },
  mysql: {
    read: readMysql,
    good: {
      dataDirectory: "/srv",
      wasMember: true,
      settled: "a",
      prepared: 1,
      addresses: { "mysql/1": ADDRESS },
      departed: [ADDRESS],
    },
  },
  postgresql: {
    read: (ctx) => readKept(ctx.stored),
    good: { dataDirectory: "/srv", address: "10.0.0.1", applied: "a", tlsSeen: "", tlsOn: true, restarting: "" },
  },
};
const CHARMS = charmSources().map((sources) => parseCharm("/charm", sources)).filter(({ name }) => name in MEMORIES);

interface Remembered {
  readonly charm: string;
  readonly stored: unknown;
}

function remembered(): fc.Arbitrary<Remembered> {
  return fc.constantFrom(...Object.keys(MEMORIES)).chain((charm) => {
    const good = { version: 1, value: MEMORIES[charm]?.good };
    const stored = damagedJson(fc.constant(good), fc.oneof(jsonValues(), secretTexts()));
    return fc.record({ charm: fc.constant(charm), stored });
  });
}

async function read({ charm: name, stored }: Remembered): Promise<Verdict> {
  const charm = CHARMS.find((each) => each.name === name);
  const endpoint = charm?.endpoints.find(({ role }) => role === "peers");
  const memory = MEMORIES[name];
  if (!charm || !endpoint || !memory) throw new Error(`the charm ${name} is gone`);
  const state = { charmlet: "1", [`charmlet.stored.${endpoint.name}`]: JSON.stringify(stored) };
  const result = await attempt(() => memory.read(contextOver(replying({}), { charm, endpoint, state })));
  if (result.verdict === "taken") checkForm(memory.good, result.value);
  return result.verdict;
}

/** Whatever was read has the form of what was written, as far as it is there. */
function checkForm(good: unknown, found: unknown): void {
  if (found === undefined) return;
  if (typeof good !== typeof found || Array.isArray(good) !== Array.isArray(found) || found === null) {
    throw new Breach(`${JSON.stringify(found)} was taken for ${JSON.stringify(good)}`);
  }
  if (typeof good !== "object" || good === null) return;
  const wanted = Object.entries(good);
  const [first] = wanted;
  for (const [key, value] of Object.entries(Object(found))) {
    const known = wanted.find(([name]) => name === key);
    // Lists, and maps by unit, have any number of entries of one form.
    if (known) checkForm(known[1], value);
    else if (first && (Array.isArray(good) || first[0].includes("/"))) checkForm(first[1], value);
  }
}

/** The surfaces. */
export const MEMORY_SURFACES: readonly Surface[] = [surface("state: what modules remember", remembered, read)];
