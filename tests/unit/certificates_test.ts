/** The certificate authority, judged by openssl, Node's parser and real TLS connections. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertNotMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  certificateFacts,
  createAuthority,
  expiresWithin,
  type Identity,
  issue,
  type IssueOptions,
} from "../../interfaces/clients/certificates/authority.ts";
import { opensslTime } from "../../interfaces/clients/certificates/config.ts";
import { ClientError, InputError } from "../../interfaces/clients/errors.ts";
import { checkTls } from "../../interfaces/clients/etcd/pem.ts";

const DAY_MS = 24 * 3600 * 1000;
const BOTH: IssueOptions = {
  addresses: ["127.0.0.1", "::1", "10.1.2.3"],
  names: ["localhost", "*.etcd.internal"],
  usage: ["server", "client"],
  days: 365,
};

async function openssl(files: Readonly<Record<string, string>>, args: readonly string[]): Promise<string> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${directory}/${name}`, text);
    const command = new Deno.Command("openssl", { args: [...args], cwd: directory, stdin: "null" });
    const { stdout, stderr } = await command.output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const describe = (pem: string) => openssl({ "x.pem": pem }, ["x509", "-in", "x.pem", "-noout", "-text"]);

Deno.test("authority: signs, and is nothing else", async () => {
  const authority = await createAuthority({ name: "etcd a1b2", days: 3650 });
  const text = await describe(authority.certificate);
  assertMatch(text, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
  assertMatch(text, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
  assertMatch(text, /Authority Key Identifier:/);
  assertMatch(text, /NIST CURVE: P-256/);
  assertMatch(text, /ecdsa-with-SHA256/);
  assertEquals(certificateFacts(authority.certificate).subject, "O=etcd a1b2, CN=etcd a1b2 authority");
  assertMatch(
    await openssl({ "ca.pem": authority.certificate }, ["verify", "-x509_strict", "-CAfile", "ca.pem", "ca.pem"]),
    /OK/,
  );
});

Deno.test("issue: openssl accepts it for what it is for, and for nothing else", async () => {
  const authority = await createAuthority({ name: "etcd", days: 10 });
  const other = await createAuthority({ name: "etcd", days: 10 });
  const files = (identity: Identity, ca = authority) => ({ "ca.pem": ca.certificate, "x.pem": identity.certificate });
  const verify = (...extra: string[]) => ["verify", "-x509_strict", ...extra, "-CAfile", "ca.pem", "x.pem"];
  const server = await issue(authority, { ...BOTH, usage: ["server"] });
  const client = await issue(authority, { usage: ["client"], days: 1 });
  assertMatch(await openssl(files(server), verify("-purpose", "sslserver", "-verify_ip", "::1")), /: OK/);
  assertMatch(await openssl(files(server), verify("-verify_hostname", "a.etcd.internal")), /: OK/);
  assertMatch(await openssl(files(client), verify("-purpose", "sslclient")), /: OK/);
  assertNotMatch(await openssl(files(server), verify("-verify_ip", "10.1.2.4")), /: OK/);
  assertNotMatch(await openssl(files(server), verify("-purpose", "sslclient")), /: OK/);
  assertNotMatch(await openssl(files(client), verify("-purpose", "sslserver")), /: OK/);
  assertNotMatch(await openssl(files(server, other), verify()), /: OK/, "an authority of the same name");
  const text = await describe(server.certificate);
  assertMatch(text, /Basic Constraints: critical\s+CA:FALSE/);
  assertMatch(text, /Authority Key Identifier:/);
  assertMatch(text, /Subject: O = etcd$/m, "no common name: etcd's gateway would refuse it");
  const both = await issue(authority, { ...BOTH, subject: { o: "mysql", cn: "mysql-0" } });
  assertEquals(certificateFacts(both.certificate).subject, "O=mysql, CN=mysql-0");
  assertMatch(await describe(both.certificate), /TLS Web Server Authentication, TLS Web Client Authentication/);
});

Deno.test("issue: key and certificate belong together, and Deno's TLS can use them", async () => {
  const authority = await createAuthority({ name: "x", days: 10 });
  const first = await issue(authority, BOTH);
  const second = await issue(authority, BOTH);
  checkTls({ ca: authority.certificate, cert: first.certificate, key: first.key });
  assertMatch(first.key, /^-----BEGIN PRIVATE KEY-----\n/);
  assert(new X509Certificate(first.certificate).verify(new X509Certificate(authority.certificate).publicKey));
  assertEquals(createPrivateKey(first.key).asymmetricKeyType, "ec");
  assertNotEquals(first.key, second.key);
  const serials = [authority, first, second].map(({ certificate }) => new X509Certificate(certificate).serialNumber);
  assertEquals(new Set(serials).size, 3);
  for (const serial of serials) assertMatch(serial, /^[4-7][0-9A-F]{31}$/, "16 bytes, positive");
});

Deno.test("issue: a TLS server and client trust each other with it, by IPv4, IPv6 and name", async () => {
  const authority = await createAuthority({ name: "x", days: 10 });
  const { certificate: cert, key } = await issue(authority, BOTH);
  for (const hostname of ["127.0.0.1", "::1"]) {
    if (hostname === "::1" && !hasIPv6()) {
      console.log("SKIPPED: TLS to ::1: this machine has no IPv6");
      continue;
    }
    using listener = Deno.listenTls({ hostname, port: 0, cert, key });
    const { port } = listener.addr as Deno.NetAddr;
    for (const name of [hostname, "localhost", "a.etcd.internal"]) {
      const accepted = listener.accept().then(async (connection) => {
        await connection.write(new TextEncoder().encode("hi"));
        connection.close();
      });
      const plain = await Deno.connect({ hostname, port });
      using client = await Deno.startTls(plain, { hostname: name, caCerts: [authority.certificate] });
      const buffer = new Uint8Array(2);
      await client.read(buffer);
      await accepted;
      assertEquals(new TextDecoder().decode(buffer), "hi", name);
    }
  }
});

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("facts: dates, names and fingerprint", async () => {
  const authority = await createAuthority({ name: "x", days: 1 });
  const now = Date.now();
  const { certificate } = await issue(authority, { ...BOTH, days: 0.5 });
  const facts = certificateFacts(certificate);
  assert(facts.notBefore < now - 60_000 && facts.notBefore > now - DAY_MS, "clocks may differ by minutes");
  assert(Math.abs(facts.notAfter - now - DAY_MS / 2) < 600_000);
  assertEquals(facts.sans, ["IP:127.0.0.1", "IP:::1", "IP:10.1.2.3", "DNS:localhost", "DNS:*.etcd.internal"]);
  assertEquals(facts.subject, "O=x");
  assertMatch(facts.fingerprint256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assertEquals(certificateFacts(authority.certificate).sans, []);
  assertEquals(certificateFacts(certificate + authority.certificate), facts, "of a chain, the first");
  assertEquals(expiresWithin(certificate, DAY_MS / 4), false);
  assertEquals(expiresWithin(certificate, DAY_MS), true);
});

Deno.test("issue: nothing outlives its authority", async () => {
  const authority = await createAuthority({ name: "x", days: 1 });
  const { certificate } = await issue(authority, { ...BOTH, days: 365 });
  assertEquals(certificateFacts(certificate).notAfter, certificateFacts(authority.certificate).notAfter);
});

Deno.test("issue: what openssl could misread is refused, as is a damaged authority", async () => {
  const authority = await createAuthority({ name: "x", days: 10 });
  const bad: readonly Partial<IssueOptions>[] = [
    { subject: { o: "a\nCN = root" } },
    { subject: { cn: "$ENV::HOME" } },
    { subject: { cn: "a/CN=b" } },
    { subject: { o: "" } },
    { subject: { cn: "x".repeat(65) } },
    { names: ["a,IP:1.2.3.4"] },
    { names: ["a b"] },
    { names: ["a.*"] },
    { names: ["10.0.0.1"] },
    { names: ["x".repeat(64)] },
    { addresses: ["10.0.0"] },
    { addresses: ["fe80::1%eth0"] },
    { addresses: ["10.0.0.1,DNS:x"] },
    { addresses: Array.from({ length: 201 }, (_, index) => `10.0.0.${index}`) },
    { days: 0 },
    { days: -1 },
    { days: NaN },
    { days: 1e9 },
    { usage: [] },
  ];
  for (const part of bad) {
    await assertRejects(() => issue(authority, { ...BOTH, ...part }), InputError, undefined, Deno.inspect(part));
  }
  await assertRejects(() => createAuthority({ name: "a\nb", days: 1 }), InputError);
  await assertRejects(() => createAuthority({ name: "x".repeat(60), days: 1 }), InputError);
  const other = await createAuthority({ name: "x", days: 10 });
  const mixed = { certificate: authority.certificate, key: other.key };
  const error = await assertRejects(() => issue(mixed, BOTH), InputError, "check the authority's certificate and key");
  assertNotMatch(error.message, /BEGIN|\n/);
  await assertRejects(() => issue({ ...authority, key: "junk" }, BOTH), InputError);
  await assertRejects(() => issue({ ...authority, certificate: "junk" }, BOTH), InputError);
});

Deno.test("facts: hostile PEM is an error of ours", async () => {
  const { certificate, key } = await createAuthority({ name: "x", days: 1 });
  const body = certificate.split("\n").slice(1, -2).join("");
  const bytes = Uint8Array.fromBase64(body);
  const pem = (der: Uint8Array) => `-----BEGIN CERTIFICATE-----\n${der.toBase64()}\n-----END CERTIFICATE-----\n`;
  const hostile = ["", "junk", key, certificate.slice(0, 200), pem(bytes.subarray(0, 50)), "x".repeat(1024 * 1024)];
  for (const text of hostile) assertThrows(() => certificateFacts(text), InputError);
  let refused = 0;
  for (let index = 0; index < bytes.length; index++) {
    const damaged = bytes.slice();
    damaged[index] = (damaged[index] ?? 0) ^ 0xff;
    try {
      certificateFacts(pem(damaged));
    } catch (error) {
      assert(error instanceof ClientError, `byte ${index}: ${error}`);
      refused++;
    }
  }
  assert(refused > 20, `${refused} of ${bytes.length} damaged certificates were refused`);
});

Deno.test("times: two digits of the year as long as a certificate has to have them", () => {
  assertEquals(opensslTime(new Date("2026-01-02T03:04:05.678Z")), "260102030405Z");
  assertEquals(opensslTime(new Date("2049-12-31T23:59:59Z")), "491231235959Z");
  assertEquals(opensslTime(new Date("2050-01-01T00:00:00Z")), "20500101000000Z");
});
