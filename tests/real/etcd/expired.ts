/**
 * A client's certificate that has expired.
 *
 * @module
 */
import type { Authority } from "./certificates.ts";

const CONFIG = `[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
x509_extensions = client
[any]
organizationName = optional
[client]
basicConstraints = CA:FALSE
extendedKeyUsage = clientAuth
`;

/**
 * Makes one with `openssl ca`: only that takes dates of the past in every release.
 *
 * @param authority who signs
 * @param directory an existing one for its files
 */
export async function issueExpired(authority: Authority, directory: string): Promise<{ cert: string; key: string }> {
  const openssl = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await new Deno.Command("openssl", { args, cwd: directory, stdin: "null" }).output();
    if (code !== 0) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
  };
  await Deno.writeTextFile(`${directory}/ca.cnf`, CONFIG);
  await Deno.writeTextFile(`${directory}/index.txt`, "");
  await Deno.writeTextFile(`${directory}/serial`, "0E\n");
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=expired"];
  await openssl("req", ...curve, "-keyout", "expired.key", "-out", "expired.csr");
  const signer = ["-cert", authority.certFile, "-keyfile", authority.keyFile, "-notext", "-batch"];
  const dates = ["-startdate", "20200101000000Z", "-enddate", "20200102000000Z"];
  await openssl("ca", "-config", "ca.cnf", ...signer, ...dates, "-in", "expired.csr", "-out", "expired.crt");
  const [cert, key] = await Promise.all(["crt", "key"].map((end) => Deno.readTextFile(`${directory}/expired.${end}`)));
  return { cert: cert ?? "", key: key ?? "" };
}
