/**
 * The demo's story: the life of two applications from deployment to removal.
 *
 * @module
 */
import { expect, expectEqual } from "./expect.ts";
import type { DemoCharms } from "./charms.ts";
import type { Stage, Step } from "./stage.ts";
import { TROUBLES } from "./troubles.ts";

const SITE = "website:site proxy:upstream";

/**
 * All steps in their order.
 *
 * @param charms where the model deploys from
 */
export function story(charms: DemoCharms): Step[] {
  return [
    { title: "deploy 3 + 3 units", run: (stage) => deploy(stage, charms) },
    { title: "relate site and proxy", run: relate },
    { title: "change configuration", run: changeConfig },
    { title: "run actions", run: runActions },
    { title: "replace the password", run: replacePassword },
    { title: "wait for a fourth unit", run: waitForUnits },
    { title: "scale out", run: scaleOut },
    ...TROUBLES,
    { title: "update status", run: updateStatus },
    { title: "remove the relation", run: removeRelation },
    { title: "scale in", run: scaleIn },
    { title: "remove everything", run: tearDown },
  ];
}

async function deploy(stage: Stage, charms: DemoCharms): Promise<string> {
  const { model } = stage;
  await model.deploy({ name: "website", charm: charms.website, units: 3 });
  await model.deploy({ name: "proxy", charm: charms.proxy, units: 3 });
  await model.settle();
  for (const { name } of [...stage.units("website"), ...stage.units("proxy")]) {
    const hooks = stage.runs().filter(({ unit }) => unit === name).map((entry) => entry.name);
    expectEqual(hooks[0], "install", `first hook of ${name}`);
    const early = hooks.slice(0, hooks.indexOf("start")).filter((hook) => hook.endsWith("-joined"));
    expectEqual(early, [], `what ${name} joined before start`);
  }
  stage.expectStatus("website", "active", "ring of 3");
  stage.expectStatus("proxy", "waiting", "for a site");
  return `6 units started; ${stage.leader("website")} and ${stage.leader("proxy")} lead`;
}

async function relate(stage: Stage): Promise<string> {
  const { model } = stage;
  model.relate("website:site", "proxy:upstream");
  await model.settle();
  stage.remember();
  stage.expectStatus("proxy", "active", "forwards Charmlet to 3 units");
  const bag = stage.appBag(SITE, "website");
  const secrets = Object.values(model.world.secrets);
  expectEqual(secrets.length, 1, "number of secrets");
  expectEqual(secrets[0]?.owner, "website", "owner of the password");
  expectEqual(bag["password-secret"], `secret:${secrets[0]?.id}`, "what the databag says of the password");
  expectEqual(secrets[0]?.grants.map(({ grantee }) => grantee), ["proxy"], "who may read the password");
  expectEqual(Object.keys(secrets[0]?.consumers ?? {}).length, 3, "number of units that have read it");
  for (const { name } of stage.units("proxy")) {
    expectEqual(
      model.world.units[name]?.state["charmlet.flags"],
      '["peers.told","upstream.ready"]',
      `flags of ${name}`,
    );
  }
  const { added, resolved } = stage.deferrals();
  expectEqual(added, resolved, "handlers resumed after they were deferred");
  return `3 proxies read the granted password and forward to 3 units; ${added} deferred, ${resolved} resumed`;
}

async function changeConfig(stage: Stage): Promise<string> {
  const { model } = stage;
  model.setConfig("website", { title: "Harbour", port: 8081 });
  await model.settle();
  stage.expectStatus("proxy", "active", "forwards Harbour to 3 units");
  const ports = stage.units("website").map(({ name }) => stage.relation(SITE).unitBags[name]?.port);
  expectEqual(ports, ["8081", "8081", "8081"], "ports in the databags of the site");
  for (const { name, ports } of stage.units("website")) expectEqual(ports, [["", "8081/tcp"]], `open ports of ${name}`);
  return "title and port reached every proxy, and Juju opened the port";
}

async function runActions(stage: Stage): Promise<string> {
  const { model } = stage;
  const [leader, follower] = [stage.leader("website"), stage.follower("website")];
  const published = await model.run(leader, "publish", { page: "tides" });
  expectEqual([published.status, published.message], ["completed", ""], "end of publish on the leader");
  expectEqual([published.results.page, published.results.pages], ["tides", "1"], "results of publish");
  expect(published.log.some((line) => line.includes("publishing tides")), "publish reported its progress");
  const refused = await model.run(follower, "publish", { page: "winds" });
  expectEqual(refused.status, "failed", "end of publish on another unit");
  expect(refused.message.includes("website/leader"), `the failure names the leader: "${refused.message}"`);
  expectEqual(stage.appBag("website:ring", "website").pages, "tides", "pages that are published");
  const ring = await model.run(follower, "ring");
  expectEqual(ring.results.units, stage.units("website").map(({ name }) => name).join(","), "units in the ring");
  await model.settle();
  stage.expectStatus("website", "active", "ring of 3, pages: tides");
  return `publish done on ${leader}; on ${follower} refused: "${refused.message}"`;
}

async function replacePassword(stage: Stage): Promise<string> {
  const { model } = stage;
  const task = await model.run(stage.leader("website"), "new-password");
  expectEqual([task.status, task.results], ["completed", { "return-code": 0 }], "end of new-password");
  stage.remember();
  await model.settle();
  const changed = stage.runs().filter(({ name }) => name === "secret-changed");
  expectEqual(changed.map(({ unit }) => unit).sort(), stage.units("proxy").map(({ name }) => name), "who was told");
  const [secret] = Object.values(model.world.secrets);
  expectEqual(secret?.revisions.map(({ revision }) => revision), [2], "revisions that are left");
  return "3 proxies took the new revision, the leader removed the old one; no log shows either";
}

async function waitForUnits(stage: Stage): Promise<string> {
  const { model } = stage;
  model.setConfig("proxy", { backends: 4 });
  await model.settle();
  stage.expectStatus("proxy", "waiting", "for the site: 3 of 4 units are there");
  const { added, resolved } = stage.deferrals();
  expectEqual([added, resolved], [3, 0], "handlers deferred and resumed");
  return "config-changed of all 3 proxies is deferred: 3 of 4 units are there";
}

async function scaleOut(stage: Stage): Promise<string> {
  const { model } = stage;
  const [unit = ""] = await model.addUnit("website");
  await model.settle();
  stage.expectStatus("website", "active", "ring of 4, pages: tides");
  stage.expectStatus("proxy", "active", "forwards Harbour to 4 units");
  const waiting = stage.units("proxy").flatMap(({ state }) => Object.keys(state))
    .filter((key) => key.startsWith("charmlet.deferred."));
  expectEqual(waiting, [], "what is still deferred");
  return `${unit} joined; ${stage.deferrals().resolved} deferred handlers resumed, proxies forward to 4 units`;
}

async function updateStatus(stage: Stage): Promise<string> {
  stage.model.updateStatus();
  await stage.model.settle();
  stage.status = stage.model.formatStatus();
  expectEqual(stage.runs().map(({ name }) => name), Array(7).fill("update-status"), "hooks of this step");
  expectEqual(stage.runs().flatMap(({ bags }) => bags).length, 0, "databags changed by it");
  return "7 units have nothing to do and write nothing";
}

async function removeRelation(stage: Stage): Promise<string> {
  const { model } = stage;
  model.removeRelation("website:site", "proxy:upstream");
  await model.settle();
  stage.expectStatus("proxy", "blocked", "no site to forward to: juju integrate proxy:upstream website:site");
  expectEqual(Object.values(model.world.secrets).flatMap(({ grants }) => grants), [], "who may read the password");
  expectEqual(Object.keys(model.world.relations).length, 2, "number of relations, those of peers");
  return "proxies are blocked and say what to do; nobody may read the password";
}

async function scaleIn(stage: Stage): Promise<string> {
  const { model } = stage;
  const [site, proxy] = [stage.follower("website"), stage.follower("proxy")];
  model.removeUnit(site);
  model.removeUnit(proxy);
  await model.settle();
  for (const unit of [site, proxy]) {
    expectEqual(stage.runs().filter((entry) => entry.unit === unit).at(-1)?.name, "remove", `last hook of ${unit}`);
  }
  stage.expectStatus("website", "active", "ring of 3, pages: tides");
  return `${site} and ${proxy} left in order`;
}

async function tearDown(stage: Stage): Promise<string> {
  const { model } = stage;
  model.removeApplication("website");
  model.removeApplication("proxy");
  await model.settle();
  const { applications, units, relations, secrets } = model.world;
  expectEqual([applications, units, relations, secrets], [{}, {}, {}, {}], "what is left");
  expectEqual(stage.runs().filter(({ name }) => name === "remove").length, 5, "units that were removed");
  return "no unit, relation or secret is left";
}
