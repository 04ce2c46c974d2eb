/**
 * The executable of all tortured charms: the relation sides of every interface, with simulated servers or none.
 *
 * @module
 */
import { etcdPeersInterface } from "../../interfaces/etcd/peers.ts";
import { etcdProvides } from "../../interfaces/etcd/provides.ts";
import { etcdRequires } from "../../interfaces/etcd/requires.ts";
import { magpie } from "../../interfaces/magpie/peers.ts";
import { mysqlInnodbClusterPeers } from "../../interfaces/mysql_innodb_cluster/peers.ts";
import { rollingOpPeers } from "../../interfaces/rolling_op/peers.ts";
import { dispatch, type Program } from "../../mod.ts";
import { proxy, proxyRing } from "../charms/proxy/proxy.ts";
import { ring, site } from "../charms/website/website.ts";
import { gate } from "./gate.ts";
import { keepLedger } from "./ledger.ts";
import { simulatedPatroni } from "./patroni.ts";
import { simulatedReplication } from "./replication.ts";
import { work } from "./workloads.ts";

const program: Program = {
  interfaces: [
    site,
    ring,
    proxy,
    proxyRing,
    gate("peers"),
    gate("provides"),
    gate("requires"),
    etcdPeersInterface,
    etcdProvides,
    etcdRequires,
    mysqlInnodbClusterPeers,
    magpie,
    rollingOpPeers,
    simulatedPatroni,
    ...simulatedReplication,
  ],
  actions: [],
  charm: { when: [{ name: "work", run: work }, { name: "keep the ledger", run: keepLedger }] },
};

/** Milliseconds since 1970 as the model has them: a schedule takes the same course whenever it runs. */
const clock = Deno.env.get("TORTURE_CLOCK");
if (clock !== undefined) Date.now = () => Number(clock);

if (import.meta.main) Deno.exit(await dispatch(program));
