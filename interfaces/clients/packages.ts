/**
 * Debian packages and the programs they bring.
 *
 * @module
 */
import { InputError, PackageError } from "./errors.ts";
import { readIfThere } from "./files.ts";
import { capture, type Captured } from "./run.ts";

/** How packages are installed. */
export interface PackageOptions {
  /** Gets a line about each longer step. */
  readonly log?: (line: string) => void;
}

/** Milliseconds for a look into dpkg's list; installations have apt's own limits. */
const QUERY_MS = 60_000;
const NAME = /^[a-z0-9][a-z0-9+.-]{0,100}$/;
const POLICY = "/usr/sbin/policy-rc.d";
/** What forbids starts. */
export const FORBID_STARTS = "#!/bin/sh\n# Charmlet installs packages; this file goes when it has done so.\nexit 101\n";
const LOCK_FILE = "/run/charmlet-packages.lock";
/** Seconds that apt waits for another apt. */
const LOCK_SECONDS = 300;
const APT_OPTIONS = [
  ...["-o", `DPkg::Lock::Timeout=${LOCK_SECONDS}`],
  ...["-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold"],
  ...["-o", "Dpkg::Use-Pty=0", "-y", "-q", "--no-install-recommends"],
];
const ENVIRONMENT = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_MODE: "l" };
const INTERRUPTED = /dpkg was interrupted|dpkg --configure -a/;
const PROGRAM_DIRECTORIES = [
  "/usr/local/sbin",
  "/usr/local/bin",
  "/usr/sbin",
  "/usr/bin",
  "/sbin",
  "/bin",
  "/snap/bin",
];

/**
 * Installs the packages that are missing and starts none of their services; asks nobody anything when all are there.
 *
 * @returns the packages that were missing
 * @throws {PackageError} that says which package is missing and why
 * @throws {InputError} for what is no package name
 */
export async function ensurePackages(
  names: readonly string[],
  { log = () => undefined }: PackageOptions = {},
): Promise<string[]> {
  for (const name of names) if (!NAME.test(name)) throw new InputError(`${JSON.stringify(name)} is no package name`);
  const wanted = await missingOf(names);
  if (wanted.length === 0) {
    if (Deno.uid() === 0) await allowStartsAgain();
    return [];
  }
  if (Deno.uid() !== 0) throw new PackageError(`only root can install ${wanted.join(", ")}: install by hand`, wanted);
  // One at a time: who ends first would allow starts again while another still installs.
  using lock = await Deno.open(LOCK_FILE, { write: true, create: true, mode: 0o600 });
  await lock.lock(true);
  const missing = await missingOf(names);
  if (missing.length === 0) return [];
  const allowStarts = await forbidStarts();
  try {
    await install(missing, log);
  } finally {
    await allowStarts();
  }
  return missing;
}

/** The version of an installed package, such as `1:15.6-0+deb12u1`; undefined when it is not installed. */
export async function packageVersion(name: string): Promise<string | undefined> {
  if (!NAME.test(name)) throw new InputError(`${JSON.stringify(name)} is no package name`);
  const { code, stdout } = await capture("dpkg-query", ["-W", "-f=${db:Status-Abbrev}\t${Version}\n", name], {
    timeoutMs: QUERY_MS,
  });
  return code === 0 ? parseInstalled(stdout) : undefined;
}

/** The version in the output of dpkg-query; a package may be there for several architectures. */
export function parseInstalled(output: string): string | undefined {
  const lines = output.split("\n").map((line) => line.split("\t"));
  const version = lines.find(([status = ""]) => /^[ih]i ?$/.test(status))?.[1]?.trim();
  return version === "" ? undefined : version;
}

/** The first of these programs that the machine has, as an absolute path. @param names program names or paths */
export async function programPath(names: readonly string[]): Promise<string | undefined> {
  for (const name of names) {
    const paths = name.startsWith("/") ? [name] : PROGRAM_DIRECTORIES.map((directory) => `${directory}/${name}`);
    for (const path of paths) {
      const facts = await Deno.stat(path).catch(() => undefined);
      if (facts?.isFile && ((facts.mode ?? 0) & 0o111) !== 0) return path;
    }
  }
  return undefined;
}

async function missingOf(names: readonly string[]): Promise<string[]> {
  const versions = await Promise.all(names.map(packageVersion));
  return names.filter((_, index) => versions[index] === undefined);
}

async function install(names: readonly string[], log: (line: string) => void): Promise<void> {
  const apt = (args: readonly string[]) => capture("apt-get", [...APT_OPTIONS, ...args], { environment: ENVIRONMENT });
  log(`installing ${names.join(", ")}`);
  let result = await apt(["install", "--", ...names]);
  if (result.code !== 0 && INTERRUPTED.test(said(result))) {
    log("finishing an installation that was interrupted");
    await capture("dpkg", ["--configure", "-a", "--force-confdef", "--force-confold"], { environment: ENVIRONMENT });
  }
  if (result.code !== 0) {
    log("updating the list of packages");
    const update = await apt(["update"]);
    result = await apt(["install", "--", ...names]);
    if (result.code !== 0 && update.code !== 0) result = update;
  }
  const missing = await missingOf(names);
  if (missing.length > 0) throw new PackageError(explain(missing, said(result)), missing);
}

/** The error message for what apt-get said. */
export function explain(missing: readonly string[], output: string): string {
  const lines = output.split("\n").map((line) => line.trim());
  const errors = lines.filter((line) => /^(E|Err|dpkg): ?/.test(line));
  const unmet = lines.filter((line) => /Depends: .* but|Unable to locate|has no installation candidate/.test(line));
  const reasons = [...new Set([...unmet, ...errors])].slice(0, 3).map((line) => line.replace(/^E: /, ""));
  const why = (reasons.length > 0 ? reasons : lines.filter((line) => line !== "").slice(-2)).join("; ");
  const plural = missing.length === 1 ? "package" : "packages";
  return `cannot install ${plural} ${missing.join(", ")}: ${clean(why)}; install by hand or fix the package sources`;
}

/** Sources may have a user and password in their addresses. */
function clean(text: string): string {
  return text.replace(/:\/\/[^/\s@]*@/g, "://").replace(/\p{Cc}/gu, " ").slice(0, 400);
}

function said({ stdout, stderr }: Captured): string {
  return `${stdout}\n${stderr}`;
}

/**
 * Removes what a hook that was killed after its installation left: nobody else would.
 *
 * @param policy the file that forbids starts; one that is not ours stays
 * @param lockFile held by whoever installs
 */
export async function allowStartsAgain(policy: string = POLICY, lockFile: string = LOCK_FILE): Promise<void> {
  if (await readIfThere(policy) !== FORBID_STARTS) return;
  using lock = await Deno.open(lockFile, { write: true, create: true, mode: 0o600 });
  if (!await lock.tryLock(true)) return;
  // Whoever held the lock until now may have removed it.
  if (await readIfThere(policy) === FORBID_STARTS) await Deno.remove(policy);
}

/** An image that has its own rule for starts keeps it; ours may be left from a hook that was killed. */
async function forbidStarts(): Promise<() => Promise<void>> {
  const found = await readIfThere(POLICY);
  if (found !== undefined && found !== FORBID_STARTS) return () => Promise.resolve();
  await Deno.writeTextFile(POLICY, FORBID_STARTS, { mode: 0o755 });
  await Deno.chmod(POLICY, 0o755);
  return () => Deno.remove(POLICY);
}
