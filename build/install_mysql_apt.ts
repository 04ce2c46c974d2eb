/**
 * Packages of Debian sid, fetched and extracted beside the system: an apt of our own with an empty list of installed
 * packages gets all that they need, the C library included. Nothing is installed, started or upgraded.
 *
 * @module
 */
import { join } from "node:path";

/** Packages of Debian sid cannot be had on this machine; the message says why. */
export class MysqlUnavailableError extends Error {
  override readonly name = "MysqlUnavailableError";
}

/** What an apt of our own works with. */
interface PrivateApt {
  readonly directory: string;
  /** Value of APT_CONFIG. */
  readonly config: string;
}

const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";
/** Release of Debian that has MySQL, and its part. */
const SUITE = "sid main";
/** Settings of the machine that say how to reach its mirror, in the output of `apt-config dump`. */
const WAY_TO_MIRROR = /^Acquire::(?:https?::(?!User-Agent)|Check-Date)/;
const APT_LIMIT_MS = 10 * 60_000;

/**
 * Gets packages of sid with all that they need.
 *
 * @param names of the packages
 * @param aptDirectory where apt keeps its lists and the packages; what is there already is not fetched again
 * @param target where the packages are extracted
 * @throws {MysqlUnavailableError}
 */
export async function extractFromSid(names: readonly string[], aptDirectory: string, target: string): Promise<void> {
  const apt = await prepareApt(aptDirectory);
  const install = ["install", ...names];
  await aptGet(apt, ["update"]);
  // Asked with an empty cache apt names all packages, also those that need not be fetched again.
  const uris = await aptGet(apt, [
    "-o",
    `Dir::Cache::archives=${join(aptDirectory, "none")}`,
    "--print-uris",
    ...install,
  ]);
  await aptGet(apt, ["--download-only", ...install]);
  const files = [...uris.matchAll(/^'[^']+' (\S+\.deb) /gm)].map(([, file = ""]) => file);
  if (files.length === 0) throw new MysqlUnavailableError(`apt names no files for ${names.join(", ")}`);
  for (const file of files) await run("dpkg-deb", ["-x", join(aptDirectory, "cache/archives", file), target], {});
  // What another version left behind.
  await aptGet(apt, ["autoclean"]);
}

async function prepareApt(directory: string): Promise<PrivateApt> {
  for (const part of ["lists/partial", "cache/archives/partial", "none/partial", "etc/apt.conf.d", "dpkg"]) {
    await Deno.mkdir(join(directory, part), { recursive: true, mode: 0o755 });
  }
  const mirror = await mainMirror();
  const architecture = (await run("dpkg", ["--print-architecture"], {})).trim();
  const way = (await run("apt-config", ["dump"], {})).split("\n").filter((line) => WAY_TO_MIRROR.test(line));
  const config = join(directory, "apt.conf");
  await Deno.writeTextFile(join(directory, "dpkg/status"), "");
  await Deno.writeTextFile(join(directory, "etc/sources.list"), `deb [signed-by=${KEYRING}] ${mirror} ${SUITE}\n`);
  // The mirror may be weeks old: its signature is checked all the same. A host's `docker-clean` would delete the cache.
  await Deno.writeTextFile(
    config,
    `
Dir::Etc "${directory}/etc";
Dir::Etc::parts "${directory}/etc/apt.conf.d";
Dir::Etc::sourcelist "${directory}/etc/sources.list";
Dir::Etc::sourceparts "-";
Dir::State "${directory}";
Dir::State::lists "${directory}/lists";
Dir::State::status "${directory}/dpkg/status";
Dir::Cache "${directory}/cache";
APT::Architecture "${architecture}";
APT::Architectures { "${architecture}"; };
APT::Install-Recommends "false";
APT::Update::Error-Mode "any";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Debug::NoLocking "true";
${way.join("\n")}
`,
  );
  return { directory, config };
}

/** The mirror of Debian's main archive that the machine's own apt uses. */
async function mainMirror(): Promise<string> {
  const origins = await run("apt-get", ["indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)"], {});
  const mirrors = origins.split("\n").filter((line) => line.startsWith("Debian Debian "));
  const mirror = mirrors.map((line) => line.slice("Debian Debian ".length).trim()).find((uri) => uri !== "");
  if (mirror === undefined) {
    throw new MysqlUnavailableError("the machine's apt has no list of Debian's main archive: run apt-get update");
  }
  return mirror.replace(/\/$/, "");
}

async function aptGet({ config }: PrivateApt, args: readonly string[]): Promise<string> {
  return await run("apt-get", ["-q", "-y", ...args], { APT_CONFIG: config, DEBIAN_FRONTEND: "noninteractive" });
}

/** @throws {MysqlUnavailableError} when the program is missing, fails or takes too long */
export async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const name = [program, ...args.slice(0, 4)].join(" ");
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      env: { LC_ALL: "C", ...env },
      stdin: "null",
      signal: AbortSignal.timeout(APT_LIMIT_MS),
    }).output();
    const [output, errors] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes)) as [string, string];
    if (code === 0) return output;
    const why = (errors || output).trim().split("\n").slice(-3).join(" | ");
    throw new MysqlUnavailableError(`${name} ended with exit code ${code}: ${why}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new MysqlUnavailableError(`${program} is not on this machine`);
    throw error;
  }
}
