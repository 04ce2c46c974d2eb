/**
 * MySQL's server, clients and Router for tests: from Debian sid, extracted beside the system and run with the C library
 * that came with them. Run as a program it prints where they are.
 *
 * @module
 */
import { join } from "node:path";
import { extractFromSid, MysqlUnavailableError, run } from "./install_mysql_apt.ts";

export { MysqlUnavailableError } from "./install_mysql_apt.ts";

/** MySQL's programs on this machine. Each is a script that needs no special environment. */
export interface MysqlPrograms {
  /** Such as `9.7.4-2`. */
  readonly version: string;
  /** Also sets where the server finds its own files: it can be used like an installed one. */
  readonly mysqld: string;
  readonly mysql: string;
  readonly mysqlrouter: string;
  /** What Router has to be told with `--conf-set-option` when it bootstraps. */
  readonly routerPlugins: string;
}

const PACKAGES = ["mysql-server-core", "mysql-client-core", "mysql-router"];
/** The series that the clients are written and tested for. */
const SERIES = "9.7.";
const STAMP = "charmlet-version";
const LIBRARIES: Readonly<Record<string, { readonly triplet: string; readonly loader: string }>> = {
  x86_64: { triplet: "x86_64-linux-gnu", loader: "usr/lib64/ld-linux-x86-64.so.2" },
  aarch64: { triplet: "aarch64-linux-gnu", loader: "usr/lib/ld-linux-aarch64.so.1" },
};

/**
 * Installs MySQL where it is missing; takes milliseconds when it is there. Several processes may ask at once.
 *
 * @param root directory of the installation; by default what MYSQL_TEST_ROOT says, or one below /var/cache
 * @throws {MysqlUnavailableError} when this machine cannot have it
 */
export async function installMysql(
  root: string = Deno.env.get("MYSQL_TEST_ROOT") || "/var/cache/charmlet/mysql-sid",
): Promise<MysqlPrograms> {
  try {
    const installed = await findInstalled(root);
    if (installed) return installed;
    await Deno.mkdir(`${root}.apt`, { recursive: true, mode: 0o755 });
    using lock = await Deno.open(`${root}.apt/lock`, { write: true, create: true });
    await lock.lock(true);
    return await findInstalled(root) ?? await install(root);
  } catch (error) {
    if (error instanceof MysqlUnavailableError) throw error;
    if (!(error instanceof Deno.errors.PermissionDenied) && !(error instanceof Deno.errors.NotCapable)) throw error;
    throw new MysqlUnavailableError(`${root} cannot be written: run as root, or set MYSQL_TEST_ROOT`);
  }
}

/**
 * {@linkcode installMysql} for tests, which are skipped without MySQL: that is said in a line of its own.
 *
 * @returns undefined when this machine cannot have it
 */
export async function mysqlForTests(): Promise<MysqlPrograms | undefined> {
  try {
    if (Deno.build.os !== "linux" || Deno.uid() !== 0) throw new MysqlUnavailableError("tests need root on Linux");
    return await installMysql();
  } catch (error) {
    if (!(error instanceof MysqlUnavailableError)) throw error;
    console.log(`SKIPPED: tests with MySQL, which is not available from Debian sid: ${error.message}`);
    return undefined;
  }
}

async function findInstalled(root: string): Promise<MysqlPrograms | undefined> {
  let stamp: string;
  try {
    stamp = (await Deno.readTextFile(join(root, STAMP))).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const programs = programsOf(root, stamp);
  const version = await versionOf(programs.mysqld).catch(() => undefined);
  return version === stamp ? programs : undefined;
}

async function install(root: string): Promise<MysqlPrograms> {
  const temporary = `${root}.tmp`;
  await Deno.remove(temporary, { recursive: true }).catch(ignoreMissing);
  await Deno.mkdir(temporary, { recursive: true, mode: 0o755 });
  await extractFromSid(PACKAGES, `${root}.apt`, temporary);
  await writeWrappers(temporary, root);
  await Deno.remove(root, { recursive: true }).catch(ignoreMissing);
  await Deno.rename(temporary, root);
  const version = await versionOf(programsOf(root, "").mysqld);
  if (!version.startsWith(SERIES)) {
    throw new MysqlUnavailableError(`it has MySQL ${version}, and these tests are for ${SERIES}x`);
  }
  await Deno.writeTextFile(join(root, STAMP), `${version}\n`);
  return programsOf(root, version);
}

/** One script per program, which runs it with the loader and libraries beside it. */
async function writeWrappers(directory: string, root: string): Promise<void> {
  const machine = LIBRARIES[Deno.build.arch];
  if (!machine) throw new MysqlUnavailableError(`there is none for ${Deno.build.arch}`);
  const { triplet, loader } = machine;
  const libraries = [`usr/lib/${triplet}`, "usr/lib/mysql-router", "usr/lib/mysqlrouter/private"];
  const path = libraries.map((library) => `${root}/${library}`).join(":");
  const own = [
    `--basedir=${root}/usr`,
    `--plugin-dir=${root}/usr/lib/mysql/plugin`,
    `--lc-messages-dir=${root}/usr/share/mysql`,
    `--character-sets-dir=${root}/usr/share/mysql/charsets`,
  ];
  await Deno.mkdir(join(directory, "programs"), { mode: 0o755 });
  for (const program of ["usr/sbin/mysqld", "usr/bin/mysql", "usr/bin/mysqlrouter"]) {
    const name = program.slice(program.lastIndexOf("/") + 1);
    // `exec`: a clone makes the server restart only below the supervisor that it was started by. Router derives its
    // prefix from the name it is called by. Options of the server stand last: a defaults file has to be the first.
    const last = name === "mysqld" ? ` ${own.join(" ")}` : "";
    const script = `#!/bin/sh\nexec ${root}/${loader} --argv0 ${root}/${program} --library-path ${path} ` +
      `${root}/${program} "$@"${last}\n`;
    await Deno.writeTextFile(join(directory, "programs", name), script, { mode: 0o755 });
  }
}

function programsOf(root: string, version: string): MysqlPrograms {
  const program = (name: string) => join(root, "programs", name);
  return {
    version,
    mysqld: program("mysqld"),
    mysql: program("mysql"),
    mysqlrouter: program("mysqlrouter"),
    routerPlugins: join(root, "usr/lib/mysqlrouter/plugin"),
  };
}

async function versionOf(mysqld: string): Promise<string> {
  const output = await run(mysqld, ["--no-defaults", "--version"], {});
  const version = /\bVer (\d+\.\d+\.\d+\S*)/.exec(output)?.[1];
  if (version === undefined) throw new MysqlUnavailableError(`${mysqld} does not say its version`);
  return version;
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}

if (import.meta.main) console.log(JSON.stringify(await installMysql(), null, 2));
