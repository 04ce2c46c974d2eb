/**
 * All that the steps of a hook work with.
 *
 * @module
 */
import { createHash } from "node:crypto";
import type { Context } from "../../../hooks/context.ts";
import type { Relation } from "../../../hooks/relation.ts";
import type { StatusLevel } from "../../../hooks/status.ts";
import type { TlsOptions } from "../../clients/etcd/pem.ts";
import type { Owner } from "../../clients/files.ts";
import { servesWithin } from "./cluster.ts";
import { type Initial, renderConfig } from "./config_file.ts";
import { type MemberService, writeConfig } from "./member_service.ts";
import { type Loaded, remember } from "./memory.ts";
import { pathsOf, type Place } from "./place.ts";
import type { ClusterRecord, UnitReport } from "./record.ts";
import type { TlsState } from "./tls_state.ts";

/** The unit's member and what is known about it. */
export interface Ward {
  readonly ctx: Context;
  readonly peers: Relation;
  readonly place: Place;
  readonly record: ClusterRecord;
  readonly state: TlsState;
  readonly others: readonly UnitReport[];
  readonly service: MemberService;
  readonly owner: Owner | undefined;
  /** How members are asked. */
  readonly tls: Required<TlsOptions>;
  /** When the hook is to be at its end, in milliseconds since 1970: what has to wait longer waits for the next one. */
  readonly until: number;
}

/** What came of a step. */
export interface Result {
  readonly level: StatusLevel;
  readonly text: string;
  /** Nothing more is to be done until something changes. */
  readonly settled: boolean;
}

/** Milliseconds that a hook waits for the member to serve. */
const START_MS = 3000;

/** How long something may take in this hook. @param ms milliseconds that it takes at most */
export function timeFor({ until }: Pick<Ward, "until">, ms: number): number {
  return Math.max(0, Math.min(ms, until - Date.now()));
}

/** The step has to wait; the next hook tries again. */
export function waiting(text: string): Result {
  return { level: "waiting", text, settled: false };
}

/** Client URLs of the other units' members, as these told. */
export function othersUrls({ others }: Pick<Ward, "others">): readonly string[] {
  return others.filter(({ started }) => started).flatMap(({ clientUrls }) => clientUrls);
}

/** The own URL at which the member is asked. */
export function ownUrl({ place }: Pick<Ward, "place">): string {
  return place.clientUrls[0] ?? "";
}

/** Fingerprints of what the member has to be started with. */
export function wanted({ place, state }: Pick<Ward, "place" | "state">): Required<Loaded> {
  const { listenPeer, listenClient, peerUrl, clientUrls } = place;
  return {
    config: fingerprint(renderConfig(place)),
    trust: fingerprint(state.trust),
    address: fingerprint(JSON.stringify([listenPeer, listenClient, peerUrl, clientUrls])),
  };
}

/** Whether the member was started with all that it is to have. */
export function isLoaded(loaded: Loaded | undefined, { config, trust }: Loaded): boolean {
  return loaded?.config === config && loaded.trust === trust;
}

/** Fingerprint of the settings that all members share: the configuration without what is the unit's own. */
export function settingsOf(place: Place): string {
  const nowhere = { listenPeer: [], listenClient: [], clientUrls: [], peerUrl: "" };
  return fingerprint(renderConfig({ ...place, ...pathsOf("unit/0", ""), ...nowhere }));
}

/**
 * Starts the member with all that it is to have, also when it runs.
 *
 * @param initial for a member without data
 * @returns whether it serves within a short time
 */
export async function startMember(ward: Ward, initial?: Initial): Promise<boolean> {
  const { ctx, place, owner, tls, service: { manager, spec } } = ward;
  await writeConfig(place, owner, initial);
  await manager.install(spec);
  await manager.restart(spec);
  remember(ctx, { loaded: wanted(ward) });
  return await servesWithin(ownUrl(ward), tls, timeFor(ward, START_MS));
}

/** A short text that tells one text from another. */
export function fingerprint(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
