/** When the cache of a charm's files counts. */
import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { loadCharm, readCharm } from "../../hooks/charm/load.ts";
import { METADATA, withFiles } from "./charm_directory.ts";

/** A cached charm says so: its name in the cache is changed, and told apart by that. */
async function falsify(dir: string, change: (cache: Record<string, unknown>) => void = () => {}): Promise<void> {
  const path = `${dir}/.charmlet/charm.json`;
  const cache = JSON.parse(await Deno.readTextFile(path));
  cache.charm.name = "from-cache";
  change(cache);
  await Deno.writeTextFile(path, JSON.stringify(cache));
}

Deno.test("the cache is written once, for the owner only, and used while the texts are the same", async () => {
  await withFiles({ "metadata.yaml": METADATA }, async (dir) => {
    const first = await readCharm(dir);
    assertEquals(first.cacheIsStale, true);
    await assertRejects(() => Deno.stat(`${dir}/.charmlet`), Deno.errors.NotFound);
    await first.writeCache();
    assertEquals(((await Deno.stat(`${dir}/.charmlet`)).mode ?? 0) & 0o777, 0o700);
    assertEquals(((await Deno.stat(`${dir}/.charmlet/charm.json`)).mode ?? 0) & 0o777, 0o600);
    assertEquals(Array.from(Deno.readDirSync(`${dir}/.charmlet`), ({ name }) => name), ["charm.json"]);

    const second = await readCharm(dir);
    assertEquals(second.cacheIsStale, false);
    assertEquals(second.charm, first.charm);
    await falsify(dir);
    assertEquals((await readCharm(dir)).charm.name, "from-cache");
    assertEquals((await loadCharm(dir, { cache: true })).name, "from-cache");
    assertEquals((await loadCharm(dir)).name, "pg", "without the option, no cache");
  });
});

Deno.test("a changed, added or removed file makes the cache stale, whatever its time", async () => {
  await withFiles({ "metadata.yaml": METADATA }, async (dir) => {
    const { mtime, atime } = await Deno.stat(`${dir}/metadata.yaml`);
    await loadCharm(dir, { cache: true });
    await falsify(dir);
    await Deno.writeTextFile(`${dir}/metadata.yaml`, METADATA.replace("name: pg", "name: pq"));
    await Deno.utime(`${dir}/metadata.yaml`, atime ?? 0, mtime ?? 0);
    assertEquals((await loadCharm(dir, { cache: true })).name, "pq");
    await falsify(dir);
    await Deno.writeTextFile(`${dir}/config.yaml`, "options: {a: {}}");
    assertEquals(Object.keys((await loadCharm(dir, { cache: true })).config), ["a"]);
    await falsify(dir);
    await Deno.remove(`${dir}/config.yaml`);
    assertEquals((await loadCharm(dir, { cache: true })).name, "pq");
  });
});

Deno.test("damaged, foreign-format and unsafe caches are ignored", async () => {
  await withFiles({ "metadata.yaml": METADATA }, async (dir) => {
    const path = `${dir}/.charmlet/charm.json`;
    const renew = async () => {
      await Deno.remove(`${dir}/.charmlet`, { recursive: true }).catch(() => {});
      await loadCharm(dir, { cache: true });
      await falsify(dir);
      assertEquals((await readCharm(dir)).charm.name, "from-cache");
    };
    const assertIgnored = async () => {
      const { charm, cacheIsStale } = await readCharm(dir);
      assertEquals([charm.name, cacheIsStale], ["pg", true]);
    };
    for (const text of ["", "{", "null", "[]", "7", '{"format":1}', '{"format":1,"sources":null,"charm":{}}']) {
      await renew();
      await Deno.writeTextFile(path, text);
      await assertIgnored();
    }
    await renew();
    await falsify(dir, (cache) => cache.format = 2);
    await assertIgnored();
    await renew();
    await falsify(dir, (cache) => cache.charm = { name: "from-cache" });
    await assertIgnored();
    for (const mode of [0o602, 0o620, 0o666]) {
      await renew();
      await Deno.chmod(path, mode);
      await assertIgnored();
    }
    await renew();
    await Deno.rename(path, `${dir}/elsewhere.json`);
    await Deno.symlink(`${dir}/elsewhere.json`, path);
    await assertIgnored();
    await Deno.remove(path);
    await Deno.mkdir(path);
    await assertIgnored();
  });
});

Deno.test({
  name: "a cache of another user is ignored",
  ignore: Deno.uid() !== 0,
  async fn() {
    await withFiles({ "metadata.yaml": METADATA }, async (dir) => {
      await loadCharm(dir, { cache: true });
      await falsify(dir);
      await Deno.chown(`${dir}/.charmlet/charm.json`, 12345, null);
      assertEquals((await readCharm(dir)).charm.name, "pg");
    });
  },
});

Deno.test("a charm directory in which no cache can be written is no error", async () => {
  await withFiles({ "metadata.yaml": METADATA, ".charmlet": "in the way" }, async (dir) => {
    const reading = await readCharm(dir);
    await reading.writeCache();
    assertEquals(await Deno.readTextFile(`${dir}/.charmlet`), "in the way");
    assertEquals((await loadCharm(dir, { cache: true })).name, "pg");
    await Deno.remove(`${dir}/.charmlet`);
    await Deno.mkdir(`${dir}/.charmlet/charm.json`, { recursive: true });
    await reading.writeCache();
    assertEquals(Array.from(Deno.readDirSync(`${dir}/.charmlet`), ({ name }) => name), ["charm.json"], "no remains");
  });
});

Deno.test("a hook with a valid cache loads no YAML parser", async () => {
  await withFiles({ "metadata.yaml": METADATA }, async (dir) => {
    await loadCharm(dir, { cache: true });
    const loadModule = new URL("../../hooks/charm/load.ts", import.meta.url).pathname;
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", "--no-config", "--no-remote", "--no-npm", loadModule],
      stderr: "null",
    }).output();
    assertEquals(code, 0);
    const graph: {
      modules: {
        specifier: string;
        dependencies?: { specifier: string; isDynamic?: boolean; code?: { specifier: string } }[];
      }[];
    } = JSON.parse(new TextDecoder().decode(stdout));
    const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
    const reached = new Set<string>();
    const visit = (specifier: string) => {
      if (reached.has(specifier)) return;
      reached.add(specifier);
      for (const dependency of modules.get(specifier)?.dependencies ?? []) {
        if (!dependency.isDynamic) visit(dependency.code?.specifier ?? dependency.specifier);
      }
    };
    visit(`file://${loadModule}`);
    assert(reached.size >= 4, [...reached].join());
    assertEquals([...reached].filter((specifier) => /yaml|parse/.test(specifier)), []);
    assertInstanceOf(graph.modules.find(({ specifier }) => specifier.endsWith("/charm/parse.ts")), Object);
  });
});
