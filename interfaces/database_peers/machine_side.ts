/**
 * The machine's part of the world: files, Patroni's process, pod labels, and the member's entry in etcd.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Context } from "../../hooks/context.ts";
import type { Relation } from "../../hooks/relation.ts";
import { ClientError, InputError } from "../clients/errors.ts";
import { type Owner, writeFileAtomically } from "../clients/files.ts";
import { renderPatroniConfig } from "../clients/patroni/config_file.ts";
import type { TlsPaths } from "../clients/patroni/settings.ts";
import { removeOldTlsFiles, type TlsTexts, writeTlsFiles } from "../clients/patroni/tls_files.ts";
import { signal } from "../clients/service/process.ts";
import { serviceManager } from "../clients/service/service.ts";
import { ContractError, readApplicationBag } from "./bags.ts";
import type { Budget } from "./budget.ts";
import { forgetIdentity, identityOf } from "./identity.ts";
import type { ReachablePeer } from "./juju_side.ts";
import { keep, readKept } from "./kept.ts";
import { stopIfMoved } from "./moved.ts";
import { scopeOf, type Substrate } from "./names.ts";
import type { Options } from "./options.ts";
import type { Passwords } from "./passwords.ts";
import type { RealPatroni } from "./patroni_side.ts";
import { makePlace, type Place, programsOf, serviceOf } from "./place.ts";
import { removePartner } from "./raft.ts";
import { settingsOf } from "./settings.ts";
import { chooseStore, deleteMemberKey } from "./store.ts";
import { TEXTS } from "./texts.ts";
import type { Applied, MachineSide } from "./world.ts";

/** Milliseconds that a member which was just started has in this hook; a longer start is a deferral. */
const START_MS = 4000;
const POLL_MS = 250;
/** Milliseconds for a write to etcd, and for a question to the server. */
const STORE_MS = 2000;
const SERVER_MS = 2000;
/** Milliseconds for Raft to take a partner out. */
const RAFT_MS = 4000;

/** What the machine's side is made of. */
export interface MachineInput {
  readonly ctx: Context;
  readonly relation: Relation;
  readonly substrate: Substrate;
  readonly self: ReachablePeer;
  readonly options: Options;
  readonly passwords: Passwords | undefined;
  readonly place: Place;
  readonly patroni: RealPatroni;
  readonly budget: Budget;
  /** Whether certificates may be made and forgotten; not when somebody only looks. */
  readonly changes: boolean;
}

/** The real side. */
export function machineSide(input: MachineInput): MachineSide {
  const { ctx, relation, substrate, self, options, place, patroni } = input;
  let reloaded = false;

  const identity = async (): Promise<TlsTexts | undefined> => {
    if (!options.tls && input.changes) await forgetIdentity(ctx, relation);
    if (!options.tls || self.address === undefined) return undefined;
    return await identityOf(ctx, relation, self.address, { make: input.changes });
  };
  const reload = async (): Promise<void> => {
    if (reloaded || self.address === undefined) return;
    try {
      using client = patroni.open(self.address);
      await client.reload();
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      // Its certificate or password may be the one that is to be changed. Without a process it reads its file anyway.
      const { pid } = await (await serviceManager()).state(serviceOf(place, ctx.unit));
      if (pid !== undefined) signal(pid, "SIGHUP");
    }
    reloaded = true;
    patroni.forget();
  };

  return {
    reload,
    async applyConfig() {
      try {
        return await apply();
      } catch (error) {
        if (error instanceof InputError || error instanceof ContractError) {
          return { kind: "blocked", why: error.message };
        }
        if (error instanceof ClientError) return { kind: "failed", why: error.message };
        throw error;
      }
    },
    isTlsWanted: async () => await identity() !== undefined,
    async isTlsOn() {
      const kept = readKept(ctx.stored);
      if (kept.tlsSeen !== "" && kept.tlsSeen === kept.applied && ctx.event.name !== "update-status") return kept.tlsOn;
      const tlsOn = await askServer(input);
      if (tlsOn !== undefined) keep(ctx.stored, { tlsSeen: kept.applied, tlsOn });
      return tlsOn;
    },
    async labelPod(member) {
      const { openKubernetes, patroniPodLabels } = await import("../clients/kubernetes/client.ts");
      try {
        using kubernetes = await openKubernetes({ namespace: ctx.model.name });
        await kubernetes.patchPodLabels(member, patroniPodLabels(ctx.application));
        return undefined;
      } catch (error) {
        if (error instanceof ClientError) return error.message;
        throw error;
      }
    },
    async forgetMember(member) {
      const choice = await chooseStore(ctx, substrate, options);
      const timeoutMs = input.budget.leftMs(STORE_MS);
      if (choice.kind !== "store" || choice.store.kind !== "etcd3" || timeoutMs === 0) return;
      try {
        await deleteMemberKey(choice.store, scopeOf(ctx.application, substrate), member, timeoutMs);
        patroni.forget();
      } catch (error) {
        // Its lease ends it too.
        if (!(error instanceof ClientError)) throw error;
        ctx.log.debug(`the entry of ${member} is left to its lease: ${error.message}`);
      }
    },
    async removeRaftPartner(address) {
      const choice = await chooseStore(ctx, substrate, options);
      if (choice.kind !== "store" || choice.store.kind !== "raft" || !input.passwords || !self.address) return true;
      const timeoutMs = input.budget.leftMs(RAFT_MS);
      if (timeoutMs === 0) return false;
      return await removePartner({
        self: self.address,
        partner: address,
        port: options.raftPort,
        password: input.passwords.raft,
        timeoutMs,
      });
    },
  };

  async function apply(): Promise<Applied> {
    if (!input.passwords) return { kind: "failed", why: TEXTS.noPasswords };
    if (self.address === undefined) return { kind: "failed", why: TEXTS.noAddress };
    const choice = await chooseStore(ctx, substrate, options);
    if (choice.kind !== "store") return choice;
    const { store } = choice;
    const owner = await makePlace(place);
    const programs = await programsOf(place);
    const tlsPaths = await identityFiles(owner);
    const etcdTls = store.kind === "etcd3" && store.tls
      ? await writeTlsFiles(place.etcdTls, store.tls, owner)
      : undefined;
    const text = renderPatroniConfig(settingsOf({
      ...{ application: ctx.application, unit: ctx.unit, model: ctx.model.name, substrate, address: self.address },
      members: readApplicationBag(await relation.localApp.get(), substrate).members,
      ...{ options, passwords: input.passwords, place, programs, store, etcdTls, tls: tlsPaths },
    }));
    await writeFileAtomically(place.config, text, { mode: 0o600, owner });
    const digest = createHash("sha256").update(text).digest("hex");
    const isNew = readKept(ctx.stored).applied !== digest;
    await stopIfMoved(ctx, place, self.address);
    const started = await start();
    // Only what Patroni was told counts: a hook that was killed before tells it again.
    if (isNew && !started) await reload();
    if (isNew) keep(ctx.stored, { applied: digest, address: self.address, dataDirectory: options.dataDirectory });
    else if (ctx.event.name === "update-status") {
      await (await serviceManager()).trimLog(serviceOf(place, ctx.unit));
      // Not together with the change: the servers read the new files a moment later.
      await removeOldTlsFiles(place.tls, tlsPaths ? [tlsPaths] : []);
      await removeOldTlsFiles(place.etcdTls, etcdTls ? [etcdTls] : []);
    }
    return { kind: started ? "started" : isNew ? "changed" : "unchanged" };
  }

  /**
   * This unit's certificate as files.
   *
   * @throws {ContractError} when what is kept is damaged
   */
  async function identityFiles(owner: Owner): Promise<TlsPaths | undefined> {
    try {
      const tls = await identity();
      return tls && await writeTlsFiles(place.tls, tls, owner);
    } catch (error) {
      if (error instanceof InputError) throw new ContractError(TEXTS.identityUnusable);
      throw error;
    }
  }

  /** Starts Patroni where it does not run, and gives it a moment. */
  async function start(): Promise<boolean> {
    const manager = await serviceManager();
    const service = serviceOf(place, ctx.unit);
    if ((await manager.state(service)).running) return false;
    await manager.install(service);
    await manager.start(service);
    for (const deadline = Date.now() + input.budget.leftMs(START_MS); Date.now() < deadline;) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      patroni.forget();
      if ((await patroni.health(self.address ?? ""))?.running) break;
      // Something that it does not get over, such as another server on its port.
      if (!(await manager.state(service)).running) break;
    }
    return true;
  }
}

/** What the local server says of its TLS. */
async function askServer({ place, options, passwords, budget }: MachineInput): Promise<boolean | undefined> {
  const timeoutMs = budget.leftMs(SERVER_MS);
  if (!passwords || timeoutMs === 0) return undefined;
  const { openPostgres } = await import("../clients/postgresql/client.ts");
  const at = { socketDirectory: place.sockets, port: options.port };
  try {
    await using server = await openPostgres({ at, user: "operator", password: passwords.operator, timeoutMs });
    return await server.sslEnabled();
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
}
