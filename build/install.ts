/**
 * Debian packages that tests need.
 *
 * @module
 */
import { BuildError } from "./errors.ts";

const POLICY = "/usr/sbin/policy-rc.d";
const FORBID_STARTS = "#!/bin/sh\nexit 101\n";
/** PostgreSQL's package would make a cluster of its own, which tests do not use. */
const CREATE_CLUSTER = "/etc/postgresql-common/createcluster.d";
const FORBID_CLUSTER = "create_main_cluster = false\n";
/** Held while packages are installed: files of tests run side by side. */
const LOCK = "/var/lock/charmlet-test-packages";
/** Seconds that apt waits for another apt. */
const LOCK_SECONDS = 300;

/**
 * Installs the packages that are missing; their services are not started. Does nothing when all are there.
 *
 * @throws {BuildError} that says which package could not be installed and why
 */
export async function ensureDebianPackages(names: readonly string[]): Promise<void> {
  const wanted = await missingOf(names);
  if (wanted.length === 0) return;
  if (Deno.uid() !== 0) {
    throw new BuildError(`These tests need ${describe(wanted)}: install them, or run the tests as root`);
  }
  using lock = await Deno.open(LOCK, { write: true, create: true });
  await lock.lock(true);
  const missing = await missingOf(wanted);
  if (missing.length > 0) await install(missing);
}

async function missingOf(names: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of names) if (!await isInstalled(name)) missing.push(name);
  return missing;
}

function describe(names: readonly string[]): string {
  return `Debian's packages ${names.join(", ")}`;
}

async function install(missing: readonly string[]): Promise<void> {
  const what = describe(missing);
  const restore = await forbidStarts();
  try {
    if (missing.some((name) => name.startsWith("postgresql"))) await forbidCluster();
    const options = ["-o", `DPkg::Lock::Timeout=${LOCK_SECONDS}`, "-y", "--no-install-recommends"];
    let result = await run("apt-get", ["install", ...options, ...missing]);
    if (result.code !== 0) {
      const update = await run("apt-get", ["update"]);
      if (update.code !== 0) throw new BuildError(`Cannot install ${what}: apt-get update says: ${update.tail}`);
      result = await run("apt-get", ["install", ...options, ...missing]);
    }
    if (result.code !== 0) throw new BuildError(`Cannot install ${what}: apt-get install says: ${result.tail}`);
  } finally {
    await restore();
  }
}

async function isInstalled(name: string): Promise<boolean> {
  const { code, output } = await run("dpkg-query", ["-W", "-f=${db:Status-Abbrev}", name]);
  return code === 0 && output.startsWith("ii");
}

/** Packages of servers would start them; an image that forbids that already is left as it is. */
async function forbidStarts(): Promise<() => Promise<void>> {
  try {
    await Deno.writeTextFile(POLICY, FORBID_STARTS, { createNew: true, mode: 0o755 });
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) return () => Promise.resolve();
    throw error;
  }
  return () => Deno.remove(POLICY);
}

async function forbidCluster(): Promise<void> {
  await Deno.mkdir(CREATE_CLUSTER, { recursive: true });
  await Deno.writeTextFile(`${CREATE_CLUSTER}/tests.conf`, FORBID_CLUSTER);
}

async function run(command: string, args: readonly string[]): Promise<{ code: number; output: string; tail: string }> {
  const env = { DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  try {
    const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], env, stdin: "null" }).output();
    const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
    return { code, output, tail: (errors || output).trim().split("\n").slice(-4).join(" | ") };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { code: 127, output: "", tail: `${command} is not there: these tests need Debian or Ubuntu` };
  }
}
