/**
 * A charm that uses etcd: it keeps the client credentials in files for its workload, and tells which cluster it works
 * with. Everything follows from the flags of the interface; etcd is only asked when something changed, and by
 * update-status.
 *
 * @module
 */
import { isAbsolute, join } from "node:path";
import { etcdClient, etcdRequires } from "../../../interfaces/etcd/requires.ts";
import {
  type CharmHandlers,
  type Config,
  type Context,
  dispatch,
  done,
  type Outcome,
  ValueError,
} from "../../../mod.ts";

/** Set while the credentials are saved and the cluster took them: what a workload waits for. */
const READY = "etcd-client.ready";

const TEXTS = {
  noUnit: "no unit of etcd is related: juju integrate APPLICATION ETCD",
  noConnectionString: "etcd has not sent its connection string yet",
  noCredentials: "etcd has not sent all of its client certificate, key and authority yet",
  noVersion: "etcd has not sent its version, which means etcd 2: this charm needs etcd 3",
  notThree: "etcd's version is not 3.x.y: relate to an etcd 3, or fix the provider",
  notSecure: "etcd's connection string has http URLs: this charm needs https",
  directory: "data-directory is no absolute path: juju config APPLICATION data-directory=PATH",
  ready: (version: string, members: number) => `etcd ${version}, ${members} member${members === 1 ? "" : "s"}`,
};

/** What is kept from hook to hook. */
interface Kept {
  /** Digest of what etcd sent and of our options when etcd was last asked; empty when it has to be asked again. */
  readonly seen: string;
  /** Where the credentials are saved; empty when they are not. */
  readonly directory: string;
}

const NOTHING: Kept = { seen: "", directory: "" };

const charm: CharmHandlers = {
  when: [
    { name: "use etcd", when: ["etcd.tls.available"], needs: ["read", "write", "net"], run: useEtcd },
    { name: "wait for etcd", when: ["etcd.connected"], whenNot: ["etcd.tls.available"], run: waitForEtcd },
    { name: "let go of etcd", whenNot: ["etcd.connected"], needs: ["read", "write"], run: letGoOfEtcd },
  ],
};

async function useEtcd(ctx: Context): Promise<Outcome> {
  const etcd = etcdClient(ctx);
  const endpoints = await etcd.getConnectionString() ?? "";
  const version = await etcd.getVersion();
  const { clientCert, clientKey, clientCa } = await etcd.getClientCredentials();
  const config = await ctx.config();
  const key = `${config.string("key")}${ctx.unit}`;
  const directory = directoryOf(ctx, config);

  const kept = ctx.stored.get(NOTHING, readKept);
  const seen = await digest([endpoints, version, clientCert, clientKey, clientCa, key, directory]);
  if (seen === kept.seen && ctx.event.name !== "update-status") return done;

  // Loaded here, because most hooks need no client of etcd.
  const { levelOf, visit } = await import("./visit.ts");
  try {
    if (!isAbsolute(directory)) throw new ValueError(TEXTS.directory);
    const urls = await etcd.getEndpoints();
    if (urls.some(({ protocol }) => protocol !== "https:")) throw new ValueError(TEXTS.notSecure);
    if (version === null) throw new ValueError(TEXTS.noVersion);
    if (!/^3\.\d{1,4}\.\d{1,4}(?:[-+.][\w.+-]{1,40})?$/.test(version)) throw new ValueError(TEXTS.notThree);
    const members = await visit(endpoints, { cert: clientCert ?? "", key: clientKey ?? "", ca: clientCa ?? "" }, key);
    // Saved after they worked, so that nothing else ever replaces files that work.
    await etcd.saveClientCredentials(
      join(directory, "key.pem"),
      join(directory, "cert.pem"),
      join(directory, "ca.pem"),
    );
    if (kept.directory !== directory) await removeSaved(kept.directory);
    ctx.stored.set({ seen, directory } satisfies Kept);
    ctx.flags.set(READY);
    ctx.status.set("active", TEXTS.ready(version, members));
  } catch (error) {
    ctx.status.set(...levelOf(error));
    ctx.stored.set({ ...kept, seen });
    ctx.flags.clear(READY);
  }
  return done;
}

function waitForEtcd(ctx: Context): Outcome {
  const isAvailable = ctx.flags.has("etcd.available");
  ctx.status.set("waiting", isAvailable ? TEXTS.noCredentials : TEXTS.noConnectionString);
  ctx.stored.set({ ...ctx.stored.get(NOTHING, readKept), seen: "" });
  ctx.flags.clear(READY);
  return done;
}

async function letGoOfEtcd(ctx: Context): Promise<Outcome> {
  // Both: a hook that was killed after it saved has not kept where.
  await removeSaved(ctx.stored.get(NOTHING, readKept).directory);
  await removeSaved(directoryOf(ctx, await ctx.config()));
  ctx.stored.set(undefined);
  ctx.flags.clear(READY);
  ctx.status.set("blocked", TEXTS.noUnit);
  return done;
}

function directoryOf(ctx: Context, config: Config): string {
  return join(config.string("data-directory") ?? "", ctx.unit.replace("/", "-"), "etcd");
}

async function removeSaved(directory: string): Promise<void> {
  if (directory === "") return;
  await Deno.remove(directory, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

function readKept(value: unknown): Kept {
  const { seen, directory } = value as Partial<Kept>;
  return typeof seen === "string" && typeof directory === "string" ? { seen, directory } : NOTHING;
}

async function digest(parts: readonly (string | null)[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(parts));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

if (import.meta.main) Deno.exit(await dispatch({ interfaces: [etcdRequires], actions: [], charm }));
