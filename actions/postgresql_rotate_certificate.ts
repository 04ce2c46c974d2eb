/**
 * `rotate-certificate`: gives this unit another key and certificate of the same authority.
 *
 * @module
 */
import { defineAction } from "../hooks/definition.ts";
import { ActionFailed } from "../hooks/errors.ts";
import { certificateFacts } from "../interfaces/clients/certificates/authority.ts";
import { identityOf } from "../interfaces/database_peers/identity.ts";
import { SIDE, worldOf } from "./postgresql_world.ts";

/** The action. */
export const postgresqlRotateCertificate = defineAction({
  name: "rotate-certificate",
  side: SIDE,
  needs: ["read", "run", "write"],
  async run(ctx) {
    const { juju, options, relation } = await worldOf(ctx);
    const { address } = await juju.self();
    if (!options.tls) throw new ActionFailed("TLS is off: juju config APPLICATION tls=true");
    const made = address === undefined ? undefined : await identityOf(ctx, relation, address, { make: "anew" });
    if (!made) throw new ActionFailed("there is no certificate authority yet: wait until the units are active");
    const { fingerprint256 } = certificateFacts(made.cert);
    return { fingerprint: fingerprint256, output: JSON.stringify({ fingerprint: fingerprint256 }) };
  },
});
