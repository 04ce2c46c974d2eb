/**
 * The packages of a unit.
 *
 * @module
 */
import type { Context } from "../../hooks/context.ts";
import { blocked, done, type Outcome } from "../../hooks/outcome.ts";
import { PackageError } from "../clients/errors.ts";
import { ensureDirectory, writeFileAtomically } from "../clients/files.ts";
import { ensurePackages, packageVersion } from "../clients/packages.ts";
import { readOptions } from "./options.ts";
import { TEXTS } from "./texts.ts";

/** PostgreSQL's packages make a cluster of their own unless they find this. */
const NO_CLUSTER = "/etc/postgresql-common/createcluster.d/charmlet.conf";
/** The version that everything was tried with; distributions without it bring their own. */
const SERVERS = ["postgresql-15", "postgresql"] as const;
/** Patroni with etcd fails for ever without python3-idna, which no dependency brings. */
const PATRONI = ["patroni", "python3-etcd", "python3-idna"];
const RAFT = ["python3-pysyncobj", "python3-cryptography"];

/** install: the servers' packages, without any cluster or service of their own. */
export async function installPackages(ctx: Context): Promise<Outcome> {
  ctx.status.set("maintenance", TEXTS.installing);
  const { dcs } = await readOptions(ctx);
  const log = (line: string) => ctx.log.info(line);
  await ensureDirectory(NO_CLUSTER.slice(0, NO_CLUSTER.lastIndexOf("/")), { mode: 0o755 });
  await writeFileAtomically(NO_CLUSTER, "create_main_cluster = false\n", { mode: 0o644 });
  try {
    await ensureServer(log);
    await ensurePackages([...PATRONI, "openssl", ...dcs === "raft" ? RAFT : []], { log });
  } catch (error) {
    if (error instanceof PackageError) return blocked(error.message);
    throw error;
  }
  const version = await packageVersion(SERVERS[0]) ?? await packageVersion(SERVERS[1]);
  if (version !== undefined) ctx.setWorkloadVersion(version.split("-")[0]?.split("+")[0] ?? version);
  return done;
}

async function ensureServer(log: (line: string) => void): Promise<void> {
  const [tried, any] = SERVERS;
  try {
    await ensurePackages([tried], { log });
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    log(`${tried} cannot be installed: taking ${any}`);
    await ensurePackages([any], { log });
  }
}
