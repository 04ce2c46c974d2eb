/**
 * MySQL's programs on the machine, and the user that servers run as.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ServiceError } from "../../clients/errors.ts";
import { type Owner, userIds } from "../../clients/files.ts";
import { serverArguments } from "../../clients/mysql/my_cnf.ts";
import { ensurePackages, programPath } from "../../clients/packages.ts";
import { capture } from "../../clients/run.ts";
import { type ServiceManager, serviceManager, type ServiceSpec } from "../../clients/service/service.ts";
import { type Paths, programDirectory } from "./place.ts";

/** A server's process with who manages it. */
export interface ServerService {
  readonly manager: ServiceManager;
  readonly spec: ServiceSpec;
  /** `mysqld`. */
  readonly program: string;
  /** Whose MySQL's files are; undefined: the own user's. */
  readonly owner: Owner | undefined;
}

/** The user that MySQL's packages make. */
export const MYSQL_USER = "mysql";
/** The server alone: the package with the scripts would bring a service and a data directory of its own. */
const DEFAULT_PACKAGE = "mysql-server-core";
/** A clone ends with this code: the server wants to be started again with its new data. */
const RESTART_CODE = 16;
/** A busy server has a lot to write at its end. */
const STOP_MS = 60_000;
const OPEN_FILES = 10_000;

/**
 * Installs what is missing and makes MySQL's user.
 *
 * @throws {PackageError} that says which package is missing and why
 */
export async function install(ctx: Context): Promise<void> {
  const wanted = (await ctx.config()).string("mysql-package") ?? DEFAULT_PACKAGE;
  const missing = [
    ...await findProgram(ctx) === undefined ? [wanted] : [],
    ...await programPath(["openssl"]) === undefined ? ["openssl"] : [],
  ];
  if (missing.length > 0) await ensurePackages(missing, { log: (line) => ctx.log.info(line) });
  if (isRoot() && !await userIds(MYSQL_USER)) await makeUser();
}

/** The server's service; undefined where MySQL is not installed. */
export async function serverService(ctx: Context, paths: Paths): Promise<ServerService | undefined> {
  const [program, manager] = await Promise.all([findProgram(ctx), serviceManager()]);
  if (program === undefined) return undefined;
  const spec: ServiceSpec = {
    name: paths.service,
    description: `MySQL server of ${ctx.unit}`,
    argv: [program, ...serverArguments(paths)],
    directory: paths.directory,
    restartExitCodes: [RESTART_CODE],
    stopTimeoutMs: STOP_MS,
    openFiles: OPEN_FILES,
    ...(isRoot() ? { user: MYSQL_USER } : {}),
  };
  return { manager, spec, program, owner: isRoot() ? await userIds(MYSQL_USER) : undefined };
}

/** Without root, as in a container of one's own, everything is the own user's. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}

async function findProgram(ctx: Context): Promise<string | undefined> {
  const directory = await programDirectory(ctx);
  return await programPath([directory === undefined ? "mysqld" : `${directory}/mysqld`]);
}

async function makeUser(): Promise<void> {
  const home = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"];
  const { code, stderr } = await capture("useradd", ["--system", "--user-group", ...home, MYSQL_USER]);
  if (code !== 0) throw new ServiceError(`cannot make the user ${MYSQL_USER} (${stderr.trim()}): make it by hand`);
}
