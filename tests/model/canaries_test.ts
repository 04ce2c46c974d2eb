/**
 * Secrets of charms whose servers do not start: the hooks make, keep, hand out and use them, and fail again and again. The
 * suites of `tests/real` check the same with servers.
 */
import { assert, assertMatch } from "@std/assert";
import { join } from "node:path";
import { createAuthority, issue } from "../../interfaces/clients/certificates/authority.ts";
import { deployProvider } from "../real/etcd/simulated_provider.ts";
import { type Lab, withLab } from "../real/units.ts";
import { assertNoSecretShows, findSecrets } from "../real/units_canaries.ts";

const CANARY = `canary-${crypto.randomUUID()}`;
/** A server that shows what it gets, and ends. */
const MYSQLD = `#!/bin/sh
{ tr '\\0' '\\n' </proc/$$/environ; printf '%s\\n' "$@"; } >>"$(dirname "$0")/seen"
sleep 0.1
exit 1
`;
/** The server's user, on machines that have none. */
const GETENT = `#!/bin/sh
[ "$*" = "passwd mysql" ] && exec echo mysql:x:65534:65534::/nonexistent:/bin/false
exec /usr/bin/getent "$@"
`;

/** Directory with programs that stand for those of packages. */
async function makePrograms(lab: Lab): Promise<string> {
  const directory = join(lab.directory, "programs");
  await Deno.mkdir(directory);
  for (const [name, text] of [["mysqld", MYSQLD], ["getent", GETENT]] as const) {
    await Deno.writeTextFile(join(directory, name), text, { mode: 0o755 });
  }
  return directory;
}

/** The machine's packages stay as they are, and programs are found in a directory first. */
function runWith(programs: string): NonNullable<Lab["intercept"]> {
  const script = `PATH="${programs}:$PATH" exec "$@"`;
  return (_unit, command, name) => name === "install" ? ["true"] : ["sh", "-c", script, "sh", ...command];
}

Deno.test("secrets of mysql, of postgresql and of etcd's clients show nowhere", async () => {
  await withLab({ server: "mysqld" }, async (lab) => {
    const { model } = lab;
    const programs = await makePrograms(lab);
    lab.intercept = runWith(programs);
    await lab.deploy({ charm: "mysql", config: { "mysql-directory": programs } });
    await lab.deploy({ charm: "postgresql" });
    await lab.deploy({ charm: "etcd-client" });
    const { publish } = await deployProvider(model, "etcd", "etcd-client:etcd");
    await lab.settleUntil("secrets, and a server that fails", () => {
      assertMatch(lab.statusOf("mysql/0"), /^blocked: MySQL ends after its start/);
      assertMatch(lab.statusOf("postgresql/0"), /^blocked: etcd is not related/);
      return true;
    });

    const authority = await createAuthority({ name: "etcd", days: 1 });
    const client = await issue(authority, { subject: { o: "client" }, usage: ["client"], days: 1 });
    const offer = {
      connection_string: "https://127.0.0.1:1",
      version: "3.4.23",
      client_cert: client.certificate,
      client_ca: authority.certificate,
    };
    for (const client_key of [`${CANARY}\n`.repeat(9), client.key.replace(/\n/, `\n${CANARY}`), client.key]) {
      await publish({ ...offer, client_key });
      assertMatch(lab.statusOf("etcd-client/0"), /^(waiting|blocked): .*(cannot reach|the client key)/);
    }

    const seen = await Deno.readTextFile(join(programs, "seen"));
    assertMatch(seen, /^--initialize/m);
    const held = Object.values(model.world.secrets).map(({ owner }) => owner);
    assert(held.length >= 2, `secrets of ${held}`);
    const secrets = await findSecrets(lab, [CANARY]);
    assert(!secrets.some((secret) => seen.includes(secret)), "a server was started with a secret");
    await assertNoSecretShows(lab, secrets);
  });
});
