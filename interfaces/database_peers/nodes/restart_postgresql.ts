import type { World } from "../world.ts";

const NODE = "Restart PostgreSQL if TLS is turned on/off";

/**
 * Restart PostgreSQL if TLS is turned on/off: new connections change with the reload, those that are there, replication
 * among them, only with a restart. The databag's mark changes together with the request for the lock, so that a hook that
 * was killed in between asks again although the server has switched by then. The local server is asked, not the primary.
 */
export async function restartPostgresqlIfTlsSwitched({ juju, machine, note }: World): Promise<void> {
  const wanted = await machine.isTlsWanted();
  const marked = await juju.isTlsMarked();
  const actual = marked === wanted ? await machine.isTlsOn() : marked;
  const word = (on: boolean | undefined) => on === undefined ? "unknown" : on ? "on" : "off";
  if (actual === undefined || actual === wanted) {
    note(NODE, `no: TLS is to be ${word(wanted)} and is ${word(actual)}`);
    return;
  }
  juju.markTls(wanted);
  await machine.reload();
  const asked = await juju.requestRestart();
  note(
    NODE,
    `yes: TLS is to be ${word(wanted)} and is ${word(actual)}${asked ? "" : "; the restart is asked for already"}`,
  );
}
