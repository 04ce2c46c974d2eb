/** Deviations hold in every step that they are about, also where the traces do not tag it: cases beyond the recorded ones. */
import { assertEquals } from "@std/assert";
import { runTraces } from "./traces.ts";

type Bag = Record<string, string>;

/** A relation during a hook: the other side's application, who is there, and what every unit published. */
interface Side {
  readonly app: string;
  readonly members: readonly string[];
  readonly data: Record<string, Bag>;
}

interface Step {
  readonly hook: string;
  readonly about?: string;
  readonly unit?: string;
  readonly relations: Record<string, Side>;
  readonly calls?: readonly unknown[];
  readonly oddities?: readonly string[];
  readonly raises?: boolean;
  readonly expect: Record<string, unknown>;
}

const OWN: Bag = { "ingress-address": "10.0.0.1", "private-address": "10.0.0.1" };
const PEER: Bag = { "ingress-address": "10.0.0.2", "private-address": "10.0.0.2" };

/** Runs one case of a charm with one endpoint; gives what came of its steps. */
async function verdicts(interfaceName: string, role: string, endpoint: string, unit: string, steps: readonly Step[]) {
  const path = await Deno.makeTempFile({ suffix: ".json" });
  const [app = ""] = unit.split("/");
  const cases = [{
    id: "own",
    charm: { name: app, relations: { [role]: { [endpoint]: { interface: interfaceName } } } },
    unit,
    leader: false,
    config: {},
    network: { [endpoint]: OWN["private-address"] },
    private_address: OWN["private-address"],
    host_interfaces: {},
    steps: steps.map(({ hook, about, unit: remote, relations, calls = [], oddities = [], raises, expect }) => ({
      hook: about === undefined ? hook : `${endpoint}-relation-${hook}`,
      ...(about === undefined ? {} : {
        env: {
          JUJU_RELATION_ID: about,
          JUJU_REMOTE_UNIT: remote ?? "",
          JUJU_REMOTE_APP: relations[about]?.app ?? "",
          ...(hook === "departed" ? { JUJU_DEPARTING_UNIT: remote ?? "" } : {}),
        },
      }),
      model: {
        relations: mapValues(relations, (side) => ({ endpoint, ...side, data: { [unit]: OWN, ...side.data } })),
      },
      calls,
      oddities,
      ...(raises ? { charm_raises: true } : {}),
      expect: { exit: 0, databag: mapValues(relations, () => OWN), ...expect },
    })),
  }];
  try {
    const file = { format: "juju-golden-trace/1", kind: "hook-sequences", interface: interfaceName, cases };
    await Deno.writeTextFile(path, JSON.stringify(file));
    const { passed, deviating, failed } = await runTraces(path);
    assertEquals(failed, []);
    return { passed, deviating };
  } finally {
    await Deno.remove(path);
  }
}

function mapValues<T, U>(record: Readonly<Record<string, T>>, change: (value: T) => U): Record<string, U> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

const via = (flag: string, method: string, ...args: unknown[]) => ({ via: { flag }, method, args });
const side = (app: string, members: readonly string[], data: Record<string, Bag>): Side => ({ app, members, data });

Deno.test("etcd peers: what is published through a departing flag that ours dismissed long ago", async () => {
  const data = { "etcd/1": PEER, "etcd/2": PEER };
  const stale = { "cluster.departing": ["cluster:0.etcd/1"] };
  const one = { "cluster:0": side("etcd", ["etcd/2"], data) };
  const address = { "db-ingress-address": "10.5.0.9" };
  const steps: Step[] = [
    {
      hook: "departed",
      about: "cluster:0",
      unit: "etcd/1",
      relations: one,
      expect: { flags: ["cluster.departing"], flag_members: stale },
    },
    {
      hook: "changed",
      about: "cluster:0",
      unit: "etcd/2",
      relations: one,
      calls: [via("cluster.departing", "dismiss")],
      oddities: ["ETCD-1"],
      expect: { flags: ["cluster.departing"], flag_members: stale, calls: [{ result: null }] },
    },
    {
      hook: "changed",
      about: "cluster:0",
      unit: "etcd/2",
      relations: one,
      calls: [via("cluster.departing", "set_db_ingress_address", "10.5.0.9")],
      oddities: ["ETCD-1"],
      expect: {
        flags: ["cluster.departing"],
        flag_members: stale,
        calls: [{ result: null }],
        databag: { "cluster:0": { ...OWN, ...address } },
      },
    },
  ];
  assertEquals(await verdicts("etcd", "peers", "cluster", "etcd/0", steps), { passed: 1, deviating: 2 });
});

Deno.test("etcd provides: a unit that is there twice leaves one of its relations", async () => {
  const data = { "client/0": PEER };
  const there = { "db:3": side("client", ["client/0"], data), "db:4": side("client", ["client/0"], data) };
  const gone = { ...there, "db:3": side("client", [], data) };
  const steps: Step[] = [
    { hook: "joined", about: "db:3", unit: "client/0", relations: there, expect: { flags: ["db.connected"] } },
    { hook: "departed", about: "db:3", unit: "client/0", relations: gone, expect: { flags: [] } },
  ];
  assertEquals(await verdicts("etcd", "provides", "db", "etcd/0", steps), { passed: 1, deviating: 1 });
});

Deno.test("etcd requires: Juju lists etcd:12 before etcd:9", async () => {
  const offer = (host: string): Bag => ({
    ...PEER,
    connection_string: `http://${host}:2379`,
    version: "3.4",
    client_key: "K",
    client_cert: "C",
    client_ca: "A",
  });
  const relations = {
    "etcd:9": side("etcd", ["etcd/0"], { "etcd/0": offer("a") }),
    "etcd:12": side("other", ["other/0"], { "other/0": offer("b") }),
  };
  const flags = ["etcd.available", "etcd.connected", "etcd.tls.available"];
  const steps: Step[] = [{
    hook: "joined",
    about: "etcd:12",
    unit: "other/0",
    relations,
    calls: [via("etcd.connected", "get_connection_string")],
    expect: { flags, calls: [{ result: "http://b:2379" }] },
  }];
  assertEquals(await verdicts("etcd", "requires", "etcd", "app/0", steps), { passed: 0, deviating: 1 });
});

Deno.test("etcd: what is no address is not published, what looks like PEM only is not saved", async () => {
  const peers = { "cluster:0": side("etcd", ["etcd/1"], { "etcd/1": PEER }) };
  const publish: Step = {
    hook: "joined",
    about: "cluster:0",
    unit: "etcd/1",
    relations: peers,
    calls: [via("cluster.joined", "set_db_ingress_address", "not an address")],
    expect: {
      flags: ["cluster.joined"],
      calls: [{ result: null }],
      databag: { "cluster:0": { ...OWN, "db-ingress-address": "not an address" } },
    },
  };
  assertEquals(await verdicts("etcd", "peers", "cluster", "etcd/0", [publish]), { passed: 0, deviating: 1 });
  const pem = (what: string) => `-----BEGIN ${what}-----\nx\n-----END ${what}-----`;
  const [key, cert] = [pem("RSA PRIVATE KEY"), pem("CERTIFICATE")];
  const bag = { ...PEER, connection_string: "http://a:2379", client_key: key, client_cert: cert, client_ca: cert };
  const save: Step = {
    hook: "joined",
    about: "etcd:0",
    unit: "etcd/1",
    relations: { "etcd:0": side("etcd", ["etcd/1"], { "etcd/1": bag }) },
    calls: [via("etcd.connected", "save_client_credentials", "@/k", "@/c", "@/a")],
    expect: {
      flags: ["etcd.available", "etcd.connected", "etcd.tls.available"],
      calls: [{ result: null, files_after: { k: key, c: cert, a: cert } }],
    },
  };
  assertEquals(await verdicts("etcd", "requires", "etcd", "app/0", [save]), { passed: 0, deviating: 1 });
});

Deno.test("magpie: peers that publish what are no addresses", async () => {
  const flags = ["magpie.joined"];
  const joined = (bag: Bag, calls: readonly unknown[], results: readonly unknown[], databag = {}): Step => ({
    hook: "joined",
    about: "magpie:0",
    unit: "magpie/1",
    relations: { "magpie:0": side("magpie", ["magpie/1"], { "magpie/1": bag }) },
    calls,
    expect: { flags, calls: results, ...databag },
  });
  const named = { ...PEER, "private-address": "host.example" };
  const nodes = via("magpie.joined", "get_nodes");
  const inNetwork = via("magpie.joined", "get_nodes", "10.0.0.0/8");
  const steps = [
    joined(named, [nodes], [{ result: [["magpie/1", "host.example"]] }]),
    joined({ ...PEER, iperf_addresses: "no list" }, [inNetwork], [{ error: "JSONDecodeError" }]),
    joined({ ...PEER, iperf_addresses: '["10.0.0.7/24"]' }, [inNetwork], [{ result: [["magpie/1", "10.0.0.7/24"]] }]),
    joined({ ...PEER, iperf_addresses: '["10.0.0.7"]' }, [inNetwork], [{ result: [["magpie/1", "10.0.0.7"]] }]),
  ];
  assertEquals(await verdicts("magpie", "peers", "magpie", "magpie/0", steps), { passed: 1, deviating: 3 });
});

Deno.test("mysql-innodb-cluster: the charm fails while a unit departs and others remain", async () => {
  const data = { "db/1": PEER, "db/2": PEER };
  const steps: Step[] = [
    {
      hook: "joined",
      about: "cluster:0",
      unit: "db/2",
      relations: { "cluster:0": side("db", ["db/1", "db/2"], data) },
      expect: { flags: ["cluster.connected"] },
    },
    {
      hook: "departed",
      about: "cluster:0",
      unit: "db/2",
      relations: { "cluster:0": side("db", ["db/1"], data) },
      calls: [via("cluster.connected", "set_unit_clustered")],
      raises: true,
      expect: { exit: 1, flags: ["cluster.connected"], calls: [{ no_endpoint: true }] },
    },
  ];
  assertEquals(await verdicts("mysql-innodb-cluster", "peers", "cluster", "db/0", steps), { passed: 1, deviating: 1 });
});
