/**
 * The demo's story of two sites: MySQL is real, on ports of this machine.
 *
 * @module
 */
import { mysqlForTests } from "../../build/install_mysql.ts";
import { deploySites, EAST, makeWriterTable, PATIENCE_MS, Sites, WEST } from "../real/async_replication/sites.ts";
import { rowsDuring } from "../real/async_replication/writes.ts";
import { costInWords } from "../real/row_writer.ts";
import type { Lab } from "../real/units.ts";
import { expect, expectEqual } from "./expect.ts";
import { removeEverything, type Stage, type Step } from "./stage.ts";

/**
 * The steps in their order.
 *
 * @param lab where the units keep their servers
 */
export function asyncReplicationStory(lab: Lab): Step[] {
  let sites: Sites | undefined;
  /** The sites that the first step has made. */
  const at = (): Sites => {
    expect(sites !== undefined, "the sites are deployed");
    return sites;
  };
  return [
    {
      title: "form a MySQL cluster at each of two sites",
      async run() {
        sites = await form(lab);
        return "east has 3 members and west 2, in models of their own";
      },
    },
    { title: "make west a replica of east", run: () => relate(at()) },
    { title: "switch over to west", run: () => switchOver(at(), WEST, EAST) },
    { title: "switch back to east", run: () => switchOver(at(), EAST, WEST) },
    { title: "lose east, promote west", run: () => failOver(at()) },
    { title: "take east back as a replica", run: () => takeBack(at()) },
    { title: "remove everything", run: (stage) => tearDown(stage, at()) },
  ];
}

async function form(lab: Lab): Promise<Sites> {
  const programs = await mysqlForTests();
  expect(programs !== undefined, "MySQL is installed");
  await deploySites(lab, programs);
  const sites = new Sites(lab, programs);
  await makeWriterTable(lab, await sites.writable(EAST) ?? "");
  return sites;
}

async function relate(sites: Sites): Promise<string> {
  sites.relate();
  await sites.untilReplicating();
  sites.sampler.begin();
  const cost = await rowsDuring(sites, () => Promise.resolve());
  return `west got a copy of east's data and follows it; ${costInWords(cost)}`;
}

async function switchOver(sites: Sites, to: string, from: string): Promise<string> {
  const cost = await rowsDuring(sites, async () => {
    await sites.run(to, "promote-standby-cluster", { "cluster-set-name": sites.setName(to) });
    await sites.untilReplicating(from);
  });
  return `${from} is a replica now; ${costInWords(cost)}`;
}

async function failOver(sites: Sites): Promise<string> {
  const set = { "cluster-set-name": sites.setName(WEST) };
  await sites.lose(EAST);
  await sites.refused(sites.leader(WEST), "promote-standby-cluster", set);
  await sites.run(WEST, "promote-standby-cluster", { ...set, force: true });
  expect(await sites.writable(WEST) !== undefined, "west takes writes");
  return "all servers of east were killed; west was asked to go on without it, and takes writes";
}

async function takeBack(sites: Sites): Promise<string> {
  const { lab } = sites;
  const cost = await rowsDuring(sites, async () => {
    await sites.revive();
    await lab.settleUntil(
      "the servers of east",
      () => sites.units(EAST).every((unit) => lab.statusOf(unit).includes("reboot-cluster-from-complete-outage")),
      PATIENCE_MS,
    );
    await sites.run(EAST, "reboot-cluster-from-complete-outage");
    expectEqual(await sites.writable(EAST), undefined, "unit of east that takes writes");
    await sites.run(WEST, "rejoin-cluster", { "cluster-name": sites.clusterName(EAST) });
    await sites.untilReplicating(EAST);
  });
  return `east came back, asked west before it started, and follows it; ${costInWords(cost)}`;
}

async function tearDown(stage: Stage, sites: Sites): Promise<string> {
  await sites[Symbol.asyncDispose]();
  return await removeEverything(stage);
}
