/**
 * What actions use of the unit's member.
 *
 * @module
 */
import type { Context } from "../../../hooks/context.ts";
import { ValueError } from "../../../hooks/errors.ts";
import { type Etcd, openEtcd } from "../../clients/etcd/client.ts";
import type { Owner } from "../../clients/files.ts";
import { certificateFiles } from "./config_file.ts";
import { readClient } from "./leaves.ts";
import { fileOwner, type MemberService, memberService } from "./member_service.ts";
import { readMemory } from "./memory.ts";
import { pathsOf } from "./place.ts";
import { readReport } from "./record.ts";
import { TEXT } from "./texts.ts";

/** The unit's member: where it is and how it is asked. */
export interface OwnMember {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  /** Everything of the unit. */
  readonly directory: string;
  /** etcd's own. */
  readonly dataDirectory: string;
  readonly snapshots: string;
  /** Whose etcd's files are; absent: of the user that runs the hooks. */
  readonly owner?: Owner;
  /** For etcdctl; `cert` and `key` are one file. */
  readonly files: { readonly ca: string; readonly cert: string; readonly key: string };
}

/** The member's process. */
export interface OwnService extends MemberService {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** The unit's member; undefined before it was set up. */
export async function ownMember(ctx: Context): Promise<OwnMember | undefined> {
  const { dataDirectory, leaves } = readMemory(ctx);
  const [peers] = await ctx.relations();
  const { clientUrls: [clientUrl], peerUrl } = readReport(ctx.unit, await peers?.local.get() ?? {});
  if (dataDirectory === undefined || !leaves || clientUrl === undefined || peerUrl === undefined) return undefined;
  const { name, directory, dataDirectory: data, snapshots, tlsDirectory } = pathsOf(ctx.unit, dataDirectory);
  const { ca, client } = certificateFiles(tlsDirectory);
  const owner = await fileOwner();
  return {
    name,
    clientUrl,
    peerUrl,
    directory,
    dataDirectory: data,
    snapshots,
    ...(owner ? { owner } : {}),
    files: { ca, cert: client, key: client },
  };
}

/**
 * Opens a client of the cluster, the own member first.
 *
 * @throws {ValueError} before the unit was set up
 */
export async function openOwnEtcd(ctx: Context): Promise<Etcd> {
  const { dataDirectory, others = [] } = readMemory(ctx);
  const own = await ownMember(ctx);
  const tls = dataDirectory === undefined ? undefined : await readClient(pathsOf(ctx.unit, dataDirectory));
  if (!own || !tls) throw new ValueError(TEXT.notSetUp);
  return openEtcd({ endpoints: [...new Set([own.clientUrl, ...others])], tls });
}

/**
 * The process of the unit's member.
 *
 * @throws {ValueError} before the unit was set up
 */
export async function ownService(ctx: Context): Promise<OwnService> {
  const { dataDirectory } = readMemory(ctx);
  const service = dataDirectory === undefined ? undefined : await memberService(pathsOf(ctx.unit, dataDirectory));
  if (!service) throw new ValueError(TEXT.notSetUp);
  const { manager, spec } = service;
  return { manager, spec, start: () => manager.start(spec), stop: () => manager.stop(spec) };
}
