import { assertEquals, assertRejects } from "@std/assert";
import { BuildError } from "../../build/errors.ts";
import { addCounts, countJunit, NO_COUNTS, oneCheck, summaryLine } from "../../build/junit.ts";
import { chooseRegistry, denoFlags } from "../../build/registry.ts";
import { selectTests } from "../../build/test.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="4" failures="1" errors="0" time="0.008">
    <testsuite name="./a_test.ts" tests="4" disabled="1" errors="0" failures="1">
        <testcase name="says &lt;failure&gt; but passes" classname="./a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="fine" classname="./a_test.ts" time="0.000" line="2" col="6">
        </testcase>
        <testcase name="left out" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="bad" classname="./a_test.ts" time="0.001" line="1" col="75">
            <failure message="Uncaught Error: x">Error: x</failure>
        </testcase>
    </testsuite>
</testsuites>
`;

Deno.test("counts: test cases of a JUnit report", () => {
  assertEquals(countJunit(REPORT, false), { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("counts: a run that crashed has a failure even if no test does", () => {
  assertEquals(countJunit("", false), { passed: 0, failed: 1, skipped: 0 });
  const passing = REPORT.replace(/<failure.*<\/failure>/, "");
  assertEquals(countJunit(passing, false), { passed: 3, failed: 1, skipped: 1 });
  assertEquals(countJunit(passing, true), { passed: 3, failed: 0, skipped: 1 });
});

Deno.test("counts: sum and last line", () => {
  const sum = addCounts(addCounts(NO_COUNTS, oneCheck(true)), oneCheck(false));
  assertEquals(summaryLine(sum), "1 passed, 1 failed");
  assertEquals(summaryLine({ passed: 3, failed: 0, skipped: 2 }), "3 passed, 0 failed, 2 skipped");
});

Deno.test("registry: the variable decides before anything is asked", async () => {
  const probe = () => Promise.reject(new Error("asked"));
  assertEquals((await chooseRegistry("jsr", probe)).registry, "jsr");
  assertEquals((await chooseRegistry("npm", probe)).registry, "npm");
  await assertRejects(() => chooseRegistry("other", probe), BuildError, "set it to jsr or npm");
});

Deno.test("registry: without the variable JSR is used if it can be", async () => {
  assertEquals((await chooseRegistry("", () => Promise.resolve(true))).registry, "jsr");
  assertEquals((await chooseRegistry("", () => Promise.resolve(false))).registry, "npm");
});

Deno.test("registry: only npm needs an import map, and its lock file is frozen", async () => {
  assertEquals(denoFlags("jsr"), []);
  const [map, lock, frozen] = denoFlags("npm");
  assertEquals(frozen, "--frozen");
  for (const flag of [map, lock]) assertEquals((await Deno.stat(flag?.split("=")[1] ?? "")).isFile, true);
});

Deno.test("supply chain: packages bring no install scripts, and none would be run", async () => {
  const read = (path: string) => Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
  const { npm }: { npm: Record<string, object> } = JSON.parse(await read("build/npm/deno.lock"));
  assertEquals(Object.entries(npm).filter(([, each]) => "scripts" in each).map(([name]) => name), []);
  for (const path of ["build/deno", "build/run.ts", "build/registry.ts", "build/test.ts", "deno.json", ".ci/run"]) {
    assertEquals((await read(path)).includes("allow-scripts"), false, path);
  }
});

Deno.test("import maps: both offer the same modules, and the same npm packages", async () => {
  const read = async (path: string): Promise<Record<string, string>> =>
    JSON.parse(await Deno.readTextFile(new URL(`../../${path}`, import.meta.url))).imports;
  const jsr = await read("deno.json");
  const npm = await read("build/npm/import_map.json");
  assertEquals(Object.keys(jsr).sort(), Object.keys(npm).sort());
  const packages = (map: Record<string, string>) => Object.entries(map).filter(([name]) => !name.startsWith("@std/"));
  assertEquals(packages(jsr).sort(), packages(npm).sort());
});

Deno.test("tests: long scenarios run apart, filters look at the path", () => {
  const paths = [
    "tests/real/etcd_test.ts",
    "tests/real/mysql_test.ts",
    "tests/real/etcd_long_test.ts",
    "tests/real/x.ts",
  ];
  assertEquals(selectTests(paths, false, []), ["tests/real/etcd_test.ts", "tests/real/mysql_test.ts"]);
  assertEquals(selectTests(paths, true, []), ["tests/real/etcd_long_test.ts"]);
  assertEquals(selectTests(paths, false, ["etcd"]), ["tests/real/etcd_test.ts"]);
});
