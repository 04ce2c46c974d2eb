/**
 * What has to be on the machine.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { capture } from "../../clients/run.ts";
import { ensurePackages, programPath } from "../../clients/packages.ts";
import { userIds } from "../../clients/files.ts";
import { serviceManager } from "../../clients/service/service.ts";
import { ServiceError } from "../../clients/errors.ts";
import { ETCD_USER, isRoot } from "./member_service.ts";

/** Programs and the Debian package that each comes from. */
const PROGRAMS: readonly (readonly [program: string, name: string])[] = [
  ["etcd", "etcd-server"],
  ["etcdctl", "etcd-client"],
  ["openssl", "openssl"],
];
/** The package's own service: the charm starts members itself, each unit with a service of its own. */
const PACKAGE_SERVICE = "etcd.service";

const LIMIT = { timeoutMs: 120_000 } as const;

/**
 * Installs what is missing and makes etcd's user.
 *
 * @throws {PackageError} that says which package is missing and why
 */
export async function install(ctx: Context): Promise<void> {
  const found = await Promise.all(PROGRAMS.map(async ([program, name]) => await programPath([program]) ? [] : [name]));
  const missing = found.flat();
  // Also when nothing is missing: a hook that was killed while it installed left the rest to this one.
  await ensurePackages(missing, { log: (line) => ctx.log.info(line) });
  await stopPackageService(ctx);
  if (isRoot() && !await userIds(ETCD_USER)) await makeUser();
}

/** It would take the default ports, and start again with the machine. */
async function stopPackageService(ctx: Context): Promise<void> {
  if ((await serviceManager()).kind !== "systemd") return;
  const { stdout } = await capture("systemctl", ["is-enabled", PACKAGE_SERVICE], LIMIT);
  if (stdout.trim() !== "enabled") return;
  const { code, stderr } = await capture("systemctl", ["disable", "--now", PACKAGE_SERVICE], LIMIT);
  if (code !== 0) ctx.log.warning(`disabling the package's ${PACKAGE_SERVICE}: ${stderr.trim()}`);
}

async function makeUser(): Promise<void> {
  const home = ["--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"];
  const { code, stderr } = await capture("useradd", ["--system", "--user-group", ...home, ETCD_USER], LIMIT);
  if (code !== 0) throw new ServiceError(`cannot make the user ${ETCD_USER} (${stderr.trim()}): make it by hand`);
}
