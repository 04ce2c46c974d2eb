/** Certificates and keys of etcd clients: what is no PEM, and what would end the process, is refused. */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { type EtcdOptions, openEtcd } from "../../interfaces/clients/etcd/client.ts";
import { checkPem, checkTls } from "../../interfaces/clients/etcd/pem.ts";
import { InputError } from "../../interfaces/clients/errors.ts";

async function makeCertificates(kind: readonly string[], ...args: string[]): Promise<{ cert: string; key: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const files = ["-keyout", `${directory}/key`, "-out", `${directory}/cert`];
    const all = ["req", "-x509", "-newkey", ...kind, "-nodes", "-subj", "/O=test", "-days", "2", ...files, ...args];
    const { success } = await new Deno.Command("openssl", { args: all, stderr: "null", stdin: "null" }).output();
    assert(success, "openssl makes a certificate");
    return { cert: await Deno.readTextFile(`${directory}/cert`), key: await Deno.readTextFile(`${directory}/key`) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const P256 = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"];

Deno.test("checkPem takes whole blocks only and repeats nothing of them", async () => {
  const { cert, key } = await makeCertificates(P256);
  assertEquals(checkPem("chain", cert + cert, "certificates").length, 2);
  assertEquals(
    checkPem("key", `-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n${key}`, "private key").length,
    1,
  );
  const half = key.slice(0, key.length >> 1);
  const shortened = key.replace(/\n(.{20}).*\n/, "\n$1\n");
  const refused: [string, string][] = [
    ["", "is empty"],
    ["no PEM", "has no PEM block"],
    [half, "BEGIN without its END"],
    [half + key, "BEGIN without its END"],
    [key + key, "more than one private key"],
    [shortened, "no base64 of a whole DER value"],
    [key.replace(/\n./, "\n!"), "no base64 of a whole DER value"],
    [cert, "another kind than PRIVATE KEY"],
    [key.replaceAll("PRIVATE", "ENCRYPTED PRIVATE"), "is encrypted"],
    [key + " ".repeat(1024 * 1024), "characters, at most"],
  ];
  for (const [text, reason] of refused) {
    const error = assertThrows(() => checkPem("client key", text, "private key"), InputError, reason);
    for (const line of key.trim().split("\n").slice(1, -1)) assert(!error.message.includes(line.slice(0, 12)));
  }
  assertThrows(() => checkPem("chain", cert.repeat(101), "certificates"), InputError, "has 101 PEM blocks");
});

Deno.test("checkTls refuses what would end the process inside Deno's TLS", async () => {
  const good = await makeCertificates(P256);
  const tls = { ca: good.cert, cert: good.cert, key: good.key };
  checkTls(tls);
  checkTls({ ca: good.cert });
  checkTls(await makeCertificates(["ed25519"]));
  const junk = "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n";
  const refused: [EtcdOptions["tls"], string][] = [
    [{ ...tls, key: (await makeCertificates(P256)).key }, "not the key of the client certificate"],
    [{ ca: good.cert, cert: good.cert }, "belong together"],
    [{ ca: good.cert, key: good.key }, "belong together"],
    [{ ...tls, cert: junk }, "client certificate cannot be read"],
    [{ ...tls, ca: junk }, "authority certificate cannot be read"],
    [{ ...tls, key: junk.replaceAll("CERTIFICATE", "PRIVATE KEY") }, "client key cannot be read"],
    [await makeCertificates(["rsa:1024"]), "a kind that is not supported"],
    [await makeCertificates(["ed448"]), "a kind that is not supported"],
    [await makeCertificates(P256, "-addext", "1.2.3.4=critical,ASN1:NULL"), "critical extension"],
  ];
  for (const [wrong, reason] of refused) {
    const open = () => openEtcd({ endpoints: "https://10.0.0.1:2379", tls: wrong ?? {} });
    assertThrows(open, InputError, reason);
  }
  openEtcd({ endpoints: "https://10.0.0.1:2379", tls }).close();
});

Deno.test("a client certificate with any one byte changed is refused or usable, but never ends the process", async () => {
  const { cert, key } = await makeCertificates(P256);
  const [der] = checkPem("certificate", cert, "certificates");
  assert(der);
  let refused = 0;
  for (const [at, byte] of der.entries()) {
    for (const change of [0x01, 0x40]) {
      const changed = der.slice();
      changed[at] = byte ^ change;
      const pem = `-----BEGIN CERTIFICATE-----\n${changed.toBase64()}\n-----END CERTIFICATE-----\n`;
      try {
        openEtcd({ endpoints: "https://10.0.0.1:2379", tls: { cert: pem, key } }).close();
      } catch (error) {
        assertInstanceOf(error, InputError);
        refused++;
      }
    }
  }
  assert(refused > der.length / 2, `${refused} were refused`);
});
