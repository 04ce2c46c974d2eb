/**
 * The passwords that both sites share, as tests see them.
 *
 * @module
 */
import { connectMysql } from "../../../interfaces/clients/mysql/connection.ts";
import { HOST } from "../mysql/lab.ts";
import { EAST, type Sites } from "./sites.ts";

/** The password of the cluster's user that a unit tells its peers. */
export function passwordOf(sites: Sites, unit: string): string {
  return String(JSON.parse(sites.unitBag(unit)["cluster-password"] ?? '""'));
}

/** Fails unless all servers let the cluster's user in with a password. */
export async function letIn(sites: Sites, password: string): Promise<void> {
  for (const unit of sites.allUnits()) {
    const at = { host: HOST, port: Number(sites.unitBag(unit)["cluster-port"]), tls: "unverified" as const };
    await using _ = await connectMysql({ at, user: "clusteruser", password });
  }
}

/** What the primary side grants is taken back before any hook of the other side runs. @returns grants it for good */
export function withholdSecret(sites: Sites): () => Promise<void> {
  const { lab } = sites;
  lab.intercept = (_unit, command) => {
    for (const secret of Object.values(lab.model.world.secrets)) {
      secret.grants = secret.grants.filter(({ relationId }) => relationId !== sites.relationId);
    }
    return command;
  };
  return async () => {
    lab.intercept = undefined;
    const id = sites.bag(EAST)["secret-id"] ?? "";
    await lab.model.exec(sites.leader(EAST), `secret-grant ${id} --relation ${sites.relationId}`);
  };
}
