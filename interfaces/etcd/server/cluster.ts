/**
 * The cluster as its members show it.
 *
 * @module
 */
import { ClientError } from "../../clients/errors.ts";
import { type Etcd, openEtcd } from "../../clients/etcd/client.ts";
import type { MemberHealth } from "../../clients/etcd/maintenance.ts";
import type { Member } from "../../clients/etcd/members.ts";
import type { TlsOptions } from "../../clients/etcd/pem.ts";

/** What was seen. */
export interface View {
  /** The members, from one that has a quorum if there is any. */
  readonly members: readonly Member[];
  /** Client URLs of members that serve. */
  readonly serving: readonly string[];
  /** Client URLs of members that answer; without a quorum they do so, but do not serve. */
  readonly answering: readonly string[];
  /** Client URLs of members that serve with an alarm, such as that of a full database. */
  readonly alarmed: readonly string[];
  /** Whether the list came from a member that serves: then who is not in it is no member. */
  readonly isSure: boolean;
}

/** Milliseconds for a request about the state of things; a member that is paused costs as much. */
const LOOK_MS = 1500;
/** Milliseconds for a change of members. */
const CHANGE_MS = 4000;

/** Opens a client for looking. */
export function openLook(endpoints: readonly string[], tls: TlsOptions): Etcd {
  return openEtcd({ endpoints, tls, timeoutMs: LOOK_MS });
}

/** Opens a client for changes of members. */
export function openChange(endpoints: readonly string[], tls: TlsOptions): Etcd {
  return openEtcd({ endpoints, tls, timeoutMs: CHANGE_MS });
}

/**
 * Asks all members that are known, then those of whom these tell.
 *
 * @param endpoints client URLs that are known
 * @returns undefined when nobody answers
 */
export async function look(endpoints: readonly string[], tls: TlsOptions): Promise<View | undefined> {
  if (endpoints.length === 0) return undefined;
  const first = await askHealth(endpoints, tls);
  const asked = first.length > 0 ? first.map(({ endpoint }) => endpoint) : endpoints;
  let members: readonly Member[];
  try {
    using etcd = openLook(asked, tls);
    members = await etcd.members.list();
  } catch (error) {
    if (error instanceof ClientError) return undefined;
    throw error;
  }
  const known = endpoints.map(origin);
  const unknown = members.flatMap(({ clientUrls }) => clientUrls).filter((url) => !known.includes(origin(url)));
  const all = [...first, ...unknown.length === 0 ? [] : await askHealth(unknown, tls)];
  const serving = all.map(({ endpoint }) => endpoint);
  const answering = serving.length > 0
    ? serving
    : await whoAnswers(members.flatMap(({ clientUrls }) => clientUrls), tls);
  const alarmed = all.filter(({ healthy }) => !healthy).map(({ endpoint }) => endpoint);
  return { members, serving, answering, alarmed, isSure: first.length > 0 };
}

async function whoAnswers(endpoints: readonly string[], tls: TlsOptions): Promise<readonly string[]> {
  if (endpoints.length === 0) return [];
  using etcd = openLook(endpoints, tls);
  const asked = await Promise.allSettled(etcd.endpoints.map((endpoint) => etcd.maintenance.status(endpoint)));
  return asked.flatMap((each) => each.status === "fulfilled" ? [each.value.endpoint] : []);
}

/** The members that serve, healthy or with an alarm. */
async function askHealth(endpoints: readonly string[], tls: TlsOptions): Promise<readonly MemberHealth[]> {
  using etcd = openLook(endpoints, tls);
  return (await etcd.maintenance.health()).filter(({ serves }) => serves);
}

/** Whether one member serves within the time. @param timeoutMs milliseconds */
export async function servesWithin(endpoint: string, tls: TlsOptions, timeoutMs: number): Promise<boolean> {
  const end = Date.now() + timeoutMs;
  for (;;) {
    if ((await askHealth([endpoint], tls)).length > 0) return true;
    if (Date.now() >= end) return false;
    await pause();
  }
}

/** Waits a little. */
export function pause(ms = 100): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether a member answers at one of its URLs. */
export function isServing(view: View, { clientUrls }: Pick<Member, "clientUrls">): boolean {
  return clientUrls.some((url) => view.serving.includes(origin(url)));
}

/** One text for all ways to write a URL. */
export function origin(url: string): string {
  return URL.parse(url)?.origin ?? url;
}

/** Members that have started and may vote. */
export function voters(members: readonly Member[]): readonly Member[] {
  return members.filter(({ isLearner }) => !isLearner);
}
