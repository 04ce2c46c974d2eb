/** What the clients say while TLS is switched and while etcd has no quorum, on three real members. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AuthenticationError, CertificateError } from "../../../interfaces/clients/errors.ts";
import { PatroniRefusedError } from "../../../interfaces/clients/patroni/errors.ts";
import { clusterHba } from "../../../interfaces/clients/patroni/hba.ts";
import type { PatroniSettings } from "../../../interfaces/clients/patroni/settings.ts";
import { writeTlsFiles } from "../../../interfaces/clients/patroni/tls_files.ts";
import { isStale } from "../../../interfaces/clients/patroni/values.ts";
import { openPostgres, type Postgres } from "../../../interfaces/clients/postgresql/client.ts";
import { createAuthority } from "../etcd/certificates.ts";
import { eventually, type Lab, type LabMember, PATIENCE_MS, PORTS, startLab, USERS } from "./lab.ts";
import { ownerOf } from "./machine.ts";

const SLOW = { timeoutMs: PATIENCE_MS };

/** The member's settings with PostgreSQL's TLS on or off. */
function withTls({ tls }: LabMember, on: boolean): (settings: PatroniSettings) => PatroniSettings {
  return (settings) => {
    const { tls: _, ...postgresql } = settings.postgresql;
    const users = {
      superuser: USERS.superuser.username,
      replication: USERS.replication.username,
      rewind: USERS.rewind.username,
    };
    const hba = clusterHba({ tls: on, ...users, addresses: ["127.0.0.0/8"] });
    return { ...settings, postgresql: { ...postgresql, ...on ? { tls } : {}, hba } };
  };
}

function overNetwork(member: LabMember, ca?: string): Promise<Postgres> {
  const at = { host: member.address, port: PORTS.postgresql, ...ca === undefined ? {} : { ca } };
  const { username: user, password } = USERS.superuser;
  return openPostgres({ at, user, password, timeoutMs: 10_000 });
}

async function switchTls(lab: Lab, on: boolean): Promise<void> {
  for (const member of lab.members) {
    await lab.configure(member, withTls(member, on));
    using client = lab.patroni(member, SLOW);
    await client.reload();
  }
  const start = performance.now();
  for (const member of lab.members) {
    await using server = await lab.postgres(member);
    await eventually(`ssl is ${on}`, PATIENCE_MS, async () => await server.sslEnabled() === on);
  }
  console.log(`TLS ${on ? "on" : "off"} everywhere after the reload: ${Math.round(performance.now() - start)} ms`);
}

async function sessions(lab: Lab, primary: LabMember): Promise<boolean[]> {
  await using server = await lab.postgres(primary);
  return (await server.replication()).map(({ ssl }) => ssl);
}

// Deno 2.7.11 keeps a reply's resource when fetch is aborted in the instant in which the reply arrives.
Deno.test(
  { name: "TLS on and off: by reload for new connections, by restart for old ones", sanitizeResources: false },
  async () => {
    await using lab = await startLab(3);
    const primary = await lab.untilPrimary();
    const ca = lab.authority.cert;
    const replicas = lab.members.filter((member) => member !== primary);
    for (const on of [true, false]) {
      await switchTls(lab, on);
      assertEquals(await sessions(lab, primary), [!on, !on], "replication goes on as it was");
      {
        await using client = await overNetwork(primary, on ? ca : undefined);
        assertEquals(await client.inRecovery(), false);
      }
      using patroni = lab.patroni(primary, SLOW);
      assertEquals((await patroni.status()).pendingRestart, false);
      const start = performance.now();
      for (const replica of replicas) {
        using client = lab.patroni(replica, SLOW);
        assertEquals(await client.restart(), "restarted");
      }
      await lab.untilReady(3);
      assertEquals(await sessions(lab, primary), [on, on], "replication has changed");
      console.log(`replication ${on ? "encrypted" : "in clear"}: ${Math.round(performance.now() - start)} ms`);
      if (on) await refuseOthers(lab, primary);
    }
  },
);

/** While TLS is on. */
async function refuseOthers(lab: Lab, primary: LabMember): Promise<void> {
  await using plain = await overNetwork(primary);
  await assertRejects(() => plain.inRecovery(), AuthenticationError);
  const directory = await Deno.makeTempDir();
  try {
    const other = await createAuthority(directory, "another");
    await using suspicious = await overNetwork(primary, other.cert);
    await assertRejects(() => suspicious.inRecovery(), CertificateError);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  // A rotated certificate has new paths; Patroni and PostgreSQL change over without a restart.
  const identity = await lab.authority.issue("rotated", { subject: "/O=rotated", addresses: [primary.address] });
  const texts = { ca: lab.authority.cert, cert: identity.cert, key: identity.key };
  const tls = await writeTlsFiles(`${primary.directory}/tls`, texts, await ownerOf("postgres"));
  await lab.configure(primary, (settings) => ({
    ...settings,
    rest: { ...settings.rest, tls },
    postgresql: { ...settings.postgresql, tls },
  }));
  using client = lab.patroni(primary, SLOW);
  await client.reload();
  await eventually("both show the new certificate", PATIENCE_MS, async () => {
    const shown = await Promise.all([PORTS.rest, PORTS.postgresql].map((port) => certificateAt(primary.address, port)));
    return shown.every((text) => text.includes("O = rotated"));
  });
}

async function certificateAt(address: string, port: number): Promise<string> {
  const starttls = port === PORTS.postgresql ? ["-starttls", "postgres"] : [];
  const args = ["s_client", "-connect", `${address}:${port}`, ...starttls];
  const { stdout } = await new Deno.Command("openssl", { args, stdin: "null", stderr: "null" }).output();
  return new TextDecoder().decode(stdout);
}

// Patroni 3.0.2 reads from the etcd member that is left, so its view is not old then; the primary steps down all the same.
Deno.test({
  name: "without etcd's quorum nobody is primary, without etcd the view grows old too",
  sanitizeResources: false,
  async fn() {
    await using lab = await startLab(3, { stores: 3 });
    const primary = await lab.untilPrimary();
    using patroni = lab.patroni(primary, SLOW);
    const [last, ...lost] = lab.etcd.members;
    assert(last);
    const since = Date.now();
    await Promise.all(lost.map((member) => lab.etcd.kill(member)));
    await eventually("no primary", PATIENCE_MS, async () => !await patroni.is("primary"));
    console.log(`the primary stepped down after ${Date.now() - since} ms`);
    const { members } = await patroni.cluster();
    assertEquals(members.map(({ name }) => name), lab.members.map(({ name }) => name), "the list is still told");
    const error = await assertRejects(() => patroni.patchConfig({ loop_wait: 3 }, SLOW), PatroniRefusedError);
    assertEquals(error.reason, "conflict");
    const limit = 10_000;
    await eventually("a fresh view", PATIENCE_MS, async () => !isStale(await patroni.status(), limit));
    await lab.etcd.kill(last);
    const gone = Date.now();
    await eventually("a stale view", PATIENCE_MS, async () => isStale(await patroni.status(), limit));
    console.log(`the view was ${limit} ms old ${Date.now() - gone} ms after the last of etcd`);
    const back = Date.now();
    await Promise.all(lab.etcd.members.map((member) => lab.etcd.start(member)));
    await lab.untilPrimary();
    console.log(`a primary again ${Date.now() - back} ms after etcd's start`);
    await eventually("a fresh view", PATIENCE_MS, async () => !isStale(await patroni.status(), limit));
    assertEquals((await patroni.config()).loop_wait, 2);
  },
});
