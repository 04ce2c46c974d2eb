/** A cache of the charm's files that is damaged is read as none. */
import { assertEquals } from "@std/assert";
import { readCharm } from "../../hooks/charm/load.ts";

const METADATA = "name: pg\nprovides: {db: {interface: x}}\nstorage: {data: {type: filesystem}}\n";
const CONFIG = "options: {title: {type: string, default: x}}\n";
const ACTIONS = "backup: {params: {path: {type: string}}, required: [path]}\n";

/** Where the damage is, and what stands there. */
const DAMAGE: readonly (readonly [path: readonly string[], value: unknown])[] = [
  [["name"], "../x"],
  [["summary"], 1],
  [["subordinate"], "no"],
  [["endpoints"], {}],
  [["endpoints", "0"], null],
  [["endpoints", "0", "name"], "../../db"],
  [["endpoints", "0", "interface"], 5],
  [["endpoints", "0", "role"], "toString"],
  [["endpoints", "0", "scope"], []],
  [["storages", "0"], 5],
  [["containers"], null],
  [["config", "title"], null],
  [["config", "title", "type"], "constructor"],
  [["config", "title", "name"], "other"],
  [["actions", "backup"], "x"],
  [["actions", "backup", "name"], "other"],
  [["actions", "backup", "params"], []],
  [["actions", "backup", "required"], [1]],
  [["actions", "backup", "additionalProperties"], 1],
];

for (const [path, value] of DAMAGE) {
  Deno.test(`a cache with ${JSON.stringify(value)} as ${path.join(".")} is read as none`, async () => {
    const dir = await Deno.makeTempDir();
    try {
      for (const [name, text] of [["metadata", METADATA], ["config", CONFIG], ["actions", ACTIONS]]) {
        await Deno.writeTextFile(`${dir}/${name}.yaml`, text ?? "");
      }
      await (await readCharm(dir)).writeCache();
      assertEquals((await readCharm(dir)).cacheIsStale, false);
      const file = `${dir}/.charmlet/charm.json`;
      const cache = JSON.parse(await Deno.readTextFile(file));
      const last = path[path.length - 1] ?? "";
      path.slice(0, -1).reduce((place, key) => place[key], cache.charm)[last] = value;
      await Deno.writeTextFile(file, JSON.stringify(cache));
      assertEquals((await readCharm(dir)).cacheIsStale, true);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}
