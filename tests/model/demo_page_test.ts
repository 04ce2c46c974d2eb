/**
 * The demo's page, made of a small real life of the demo's charms, in real headless Chromium.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { projectDir } from "../../build/project.ts";
import { BrowserPage, findChromium } from "../demo/browser.ts";
import { renderPage } from "../demo/page.ts";
import { Stage } from "../demo/stage.ts";
import { executableOf } from "./built_charm.ts";
import { copyCharm } from "./charm_files.ts";
import { Model } from "./mod.ts";

/** What a unit that was taken over could write into a databag. */
const HOSTILE = '</script><img src="x" onerror="document.title=1"><b>&amp;</b>';

const chromium = await findChromium();

/** The charm with the executable, linked. */
async function linkedCharm(directory: string): Promise<string> {
  const executable = await executableOf("tests/charms/web.ts", "web");
  await copyCharm(join(projectDir, "tests/charms/website"), directory);
  await Deno.mkdir(join(directory, "hooks"));
  await Deno.copyFile(executable, join(directory, "hooks/charmlet"));
  const { success } = await new Deno.Command(join(directory, "hooks/charmlet"), { args: ["link", directory] }).output();
  assert(success);
  return directory;
}

/** A small life: two units, a killed hook, a hostile databag, an action, a removal. */
async function live(model: Model, charm: string): Promise<Stage> {
  const stage = new Stage(model);
  model.addFault({ unit: "website/1", hook: "start", occurrence: 1, at: "before-commit", do: "kill" });
  await model.deploy({ name: "website", charm, units: 2 });
  await model.settle();
  stage.remember();
  stage.status = model.formatStatus();
  const script = `relation-set --file - <<'END'\nnote: '${HOSTILE}'\nEND`;
  const end = await model.exec("website/0", script, { relation: "ring:0" });
  assertEquals([end.code, end.stderr], [0, ""]);
  await model.run("website/0", "publish", { page: "tides" });
  model.removeUnit("website/1");
  await model.settle();
  return stage;
}

/** Runs a test with the page of that life, opened in a browser. */
async function withPage(test: (page: BrowserPage, model: Model) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "charmlet-page-" });
  const model = await Model.create({ toolPath: await executableOf("tests/model/hook_tool.ts", "jujuc") });
  try {
    const stage = await live(model, await linkedCharm(join(root, "website")));
    const { timeline } = model;
    const chapters = [{ title: "live", result: "all well", firstRun: 0, endRun: timeline.length }];
    const file = join(root, "demo.html");
    const { relations, status } = stage;
    await Deno.writeTextFile(file, await renderPage({ timeline, chapters, relations, status }));
    await using page = await BrowserPage.open(chromium ?? "");
    await page.navigate(pathToFileURL(file).href);
    await test(page, model);
  } finally {
    await model.close();
    await Deno.remove(root, { recursive: true });
  }
}

const details = "document.getElementById('details').innerText";

Deno.test({
  name: "the demo's page shows every run, by mouse and by keyboard, and asks the network for nothing",
  ignore: chromium === undefined,
  async fn() {
    await withPage(async (page, model) => {
      const { timeline } = model;
      assertEquals(await page.evaluate("document.querySelectorAll('.lane .bar').length"), timeline.length);
      assertEquals(await page.evaluate("document.querySelectorAll('.lane').length"), 2);
      assertEquals(await page.evaluate("document.querySelectorAll('.lane .bar.bad').length"), 1);
      assertEquals(await page.evaluate("document.querySelectorAll('.lane .bar.retry').length"), 1);
      const wrote = timeline.filter(({ bags }) => bags.length > 0).length;
      assertEquals(await page.evaluate("document.querySelectorAll('.lane .bar.wrote').length"), wrote);
      assertStringIncludes(String(await page.evaluate("document.querySelector('.status').innerText")), "website/0*");

      const published = timeline.findIndex(({ name }) => name === "publish");
      await page.hover(`[data-run="${published}"]`);
      const shown = String(await page.evaluate(details));
      assertStringIncludes(shown, "website/0 publish: done");
      assertStringIncludes(shown, "application databag of website in website:ring");
      assertStringIncludes(shown, "pages\tnone\ttides");

      const killed = timeline.findIndex(({ outcome }) => outcome === "killed");
      await page.evaluate(`document.querySelector('[data-run="${killed}"]').focus()`);
      assertStringIncludes(String(await page.evaluate(details)), "website/1 start: killed");
      await page.press("ArrowRight", 39);
      assertStringIncludes(String(await page.evaluate(details)), "website/1 start: done");
      assertStringIncludes(String(await page.evaluate(details)), "attempt 2");
      await page.press("ArrowUp", 38);
      assertStringIncludes(String(await page.evaluate(details)), "website/0 ");

      const width = Number(await page.evaluate("document.querySelector('.track').offsetWidth"));
      await page.evaluate("document.querySelector('[data-zoom=in]').click()");
      assert(Number(await page.evaluate("document.querySelector('.track').offsetWidth")) > width);

      const of = (method: string) => page.events.filter((event) => event.method === method);
      assertEquals(of("Runtime.exceptionThrown"), []);
      assertEquals(of("Runtime.consoleAPICalled"), []);
      assertEquals(of("Log.entryAdded"), []);
      assertEquals(of("Network.requestWillBeSent").length, 1, "the page itself, and nothing else");
    });
  },
});

Deno.test({
  name: "the demo's page shows hostile databags as text",
  ignore: chromium === undefined,
  async fn() {
    await withPage(async (page, model) => {
      const written = model.timeline.findIndex(({ kind }) => kind === "exec");
      assertEquals(model.timeline[written]?.bags[0]?.after.note, HOSTILE);
      await page.hover(`[data-run="${written}"]`);
      assertStringIncludes(String(await page.evaluate(details)), `note\tnone\t${HOSTILE}`);
      assertEquals(await page.evaluate("document.querySelectorAll('img, #details b').length"), 0);
      assertEquals(await page.evaluate("document.title"), "Charmlet: the life of two applications");
    });
  },
});
