/**
 * What hook commands print.
 *
 * @module
 */
import fc from "fast-check";
import { type HookCommands, hookCommands } from "../../hooks/juju/commands.ts";
import type { CommandReply } from "../../hooks/juju/transport.ts";
import { Secrets } from "../../hooks/secrets.ts";
import { contextOver, printed, replying, sessionOver } from "./replies.ts";
import { attempt, Breach, CANARY, checkSecret, type Surface, surface, type Verdict, worst } from "./surface.ts";
import { damagedJson, jsonValues, secretTexts, texts } from "./values.ts";

/** What each hook command prints when all is well. */
const GOOD: Readonly<Record<string, unknown>> = {
  "action-get": { path: "/tmp/x", size: 3 },
  "config-get": { title: "x", port: 80 },
  "credential-get": { cloud: "x" },
  "goal-state": { units: { "app/0": { status: "active" } }, relations: { db: { "db/0": { status: "joined" } } } },
  "is-leader": true,
  "leader-get": { a: "b" },
  "network-get": {
    "bind-addresses": [{
      "interface-name": "eth0",
      addresses: [{ hostname: "", value: "10.0.0.1", cidr: "10.0.0.0/24" }],
    }],
    "egress-subnets": ["10.0.0.1/32"],
    "ingress-addresses": ["10.0.0.1"],
  },
  "opened-ports": ["80/tcp"],
  "relation-get": { "ingress-address": "10.0.0.2", password: CANARY },
  "relation-ids": ["db:7", "db:8"],
  "relation-list --app": "db",
  "relation-list": ["db/0", "db/10", "db/2"],
  "relation-model-get": { uuid: "f47ac10b-58cc-4372-a567-0e02b2c3d479" },
  "secret-get": { password: CANARY },
  "secret-ids": ["9m4e2mr0ui3e8a215n4g"],
  "secret-info-get": { "9m4e2mr0ui3e8a215n4g": { revision: 1, label: "x", owner: "application" } },
  "state-get": { charmlet: "1", "charmlet.flags": '["db.connected"]' },
  "status-get": { status: "active", message: "ok", "application-status": { status: "active", message: "ok" } },
  "storage-get": { kind: "filesystem", location: "/srv" },
  "storage-list": ["data/0"],
  "unit-get": "10.0.0.1",
};

const COMPLAINTS = [
  "ERROR permission denied\n",
  "ERROR cannot write relation settings\n",
  'ERROR "app/0" is not the leader\n',
  'ERROR relation "db:7" not found\n',
  "ERROR bad request: bad request: unknown command\n",
];

/** Commands whose output may hold secrets. */
const SECRET = ["action-get", "config-get", "credential-get", "leader-get", "relation-get", "secret-get", "state-get"];

interface Output {
  readonly code: number;
  readonly stdout: string;
  /** One byte for each code unit of the output, instead of UTF-8. */
  readonly raw: boolean;
  readonly stderr: string;
}

function outputs(): fc.Arbitrary<Readonly<Record<string, Output>>> {
  const one = (command: string): fc.Arbitrary<Output> => {
    const odd = SECRET.includes(command) ? fc.oneof(jsonValues(), secretTexts()) : jsonValues();
    const json = damagedJson(fc.constant(GOOD[command]), odd).map((value) => JSON.stringify(value));
    return fc.record({
      code: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer() }),
      stdout: fc.oneof({ weight: 9, arbitrary: json }, { weight: 1, arbitrary: texts() }),
      raw: fc.nat(20).map((number) => number === 20),
      stderr: fc.oneof(fc.constantFrom(...COMPLAINTS), texts()),
    });
  };
  const odd = fc.constantFrom(...Object.keys(GOOD)).chain((command) => fc.tuple(fc.constant(command), one(command)));
  return fc.array(odd, { maxLength: 6 }).map(Object.fromEntries);
}

function replyOf({ code, stdout, raw, stderr }: Output): CommandReply {
  const encode = (text: string) => new TextEncoder().encode(text);
  const bytes = raw ? Uint8Array.from(stdout, (unit) => unit.charCodeAt(0)) : encode(stdout);
  return { code, stdout: bytes, stderr: encode(stderr) };
}

const ENDPOINT = { name: "db", role: "requires", interface: "etcd", scope: "global" } as const;
const OPTION = { type: "string", description: "" } as const;
const CHARM = {
  name: "app",
  summary: "",
  subordinate: false,
  endpoints: [ENDPOINT],
  storages: ["data"],
  containers: [],
  config: { title: { name: "title", ...OPTION }, port: { name: "port", ...OPTION, type: "int" } },
  actions: {},
} as const;

const READS: readonly ((commands: HookCommands) => Promise<unknown>)[] = [
  ({ relation }) => relation.ids("db"),
  ({ relation }) => relation.list(7),
  ({ relation }) => relation.listApp(7),
  ({ relation }) => relation.get(7, "unit", "db/0"),
  ({ relation }) => relation.modelUuid(7),
  ({ leadership }) => leadership.isLeader(),
  ({ leadership }) => leadership.settings(),
  ({ state }) => state.get(),
  ({ status }) => status.get(),
  ({ status }) => status.getApplication(),
  ({ model }) => model.config(),
  ({ model }) => model.goalState(),
  ({ model }) => model.network("db"),
  ({ model }) => model.address("private"),
  ({ model }) => model.openedPorts(),
  ({ model }) => model.storageList("data"),
  ({ model }) => model.storageGet("data/0"),
  ({ model }) => model.resource("file"),
  ({ model }) => model.credential(),
  ({ action }) => action.params(),
  ({ secret }) => secret.get("secret:x", "peek"),
  ({ secret }) => secret.info("secret:x"),
  ({ secret }) => secret.ids(),
];

async function readEverything(given: Readonly<Record<string, Output>>): Promise<Verdict> {
  const transport = replying({
    ...Object.fromEntries(Object.entries(GOOD).map(([command, value]) => [command, printed(JSON.stringify(value))])),
    ...Object.fromEntries(Object.entries(given).map(([command, output]) => [command, replyOf(output)])),
  });
  const commands = hookCommands(transport);
  const attempts = await Promise.all(READS.map((read) => attempt(() => read(commands))));
  const note = (line: string) => checkSecret("a line of the log", line);
  const ctx = contextOver(transport, { charm: CHARM, endpoint: ENDPOINT, note });
  attempts.push(
    await attempt(async () => {
      for (const relation of await ctx.relations()) {
        await relation.units();
        await relation.app();
        await relation.local.get();
      }
    }),
    await attempt(() => ctx.network("db")),
    await attempt(() => ctx.plannedUnits()),
    await attempt(() => ctx.storage("data")),
    await attempt(async () => {
      const config = await ctx.config();
      return [config.string("title"), config.number("port")];
    }),
    await attempt(async () => {
      const session = sessionOver(transport, { charm: CHARM });
      const content = await new Secrets(session).get("secret:x");
      for (const value of Object.values(content).filter((each) => each.length > 2)) {
        if (session.redactor.apply(`it is ${value}`).includes(value) && !"[secret]".includes(value)) {
          throw new Breach("a secret that was read is not masked");
        }
      }
    }),
  );
  return worst(attempts);
}

/** The surfaces. */
export const HOOK_COMMAND_SURFACES: readonly Surface[] = [
  surface("agent: output of hook commands", outputs, readEverything),
];
