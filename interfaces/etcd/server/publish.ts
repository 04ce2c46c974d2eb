/**
 * What a unit tells clients and the other units when its member serves.
 *
 * @module
 */
import type { Member } from "../../clients/etcd/members.ts";
import { etcdPeers } from "../peers.ts";
import { etcdProvider } from "../provides.ts";
import { openLook, origin } from "./cluster.ts";
import { connectionString } from "./decide.ts";
import { readMemory, remember } from "./memory.ts";
import { clientEndpoints } from "./place.ts";
import { writeReport } from "./record.ts";
import { ownUrl, settingsOf, wanted, type Ward } from "./ward.ts";

/** Publishes to clients and reports to the other units. */
export async function publish(ward: Ward, members: readonly Member[], own: Member): Promise<void> {
  const { ctx, place, tls } = ward;
  using etcd = openLook([ownUrl(ward)], tls);
  const { server } = await etcd.maintenance.version();
  const endpoints = connectionString(members);
  for (const { name } of clientEndpoints(ctx)) {
    const provider = etcdProvider(ctx, name);
    await provider.setClientCredentials(tls.key, tls.cert, tls.ca);
    await provider.setConnectionString(endpoints, server);
  }
  const ownUrls = place.clientUrls.map(origin);
  const others = members.flatMap(({ clientUrls }) => clientUrls).filter((url) => !ownUrls.includes(origin(url)));
  remember(ctx, { started: true, memberId: own.id, others });
  ctx.setWorkloadVersion(server);
  ctx.openPort(`${place.clientPort}/tcp`);
  await report(ward);
}

/** Reports how far this unit is. */
async function report(ward: Ward): Promise<void> {
  const { ctx, peers, place, record, state } = ward;
  const { memberId, leaves, loaded } = readMemory(ctx);
  const isCurrent = leaves?.version === state.version && loaded?.trust === wanted(ward).trust;
  const { tlsVersion } = isCurrent ? { tlsVersion: state.version } : { tlsVersion: state.version - 1 };
  peers.local.set(writeReport({
    started: true,
    memberId,
    clientUrls: place.clientUrls,
    peerUrl: place.peerUrl,
    tlsVersion,
    generation: record.generation,
    settings: loaded?.config === wanted(ward).config ? settingsOf(place) : "",
    knows: record.token,
  }));
  const host = URL.parse(ownUrl(ward))?.hostname.replace(/^\[|\]$/g, "");
  if (host !== undefined) await etcdPeers(ctx, ctx.endpoint?.name).setDbIngressAddress(host);
}
