/**
 * Certificates for tests, made with openssl: EC P-256, each in a directory of its own choice.
 *
 * @module
 */

/** A certificate and its key: where they are, and as PEM text. */
export interface Identity {
  readonly certFile: string;
  readonly keyFile: string;
  readonly cert: string;
  readonly key: string;
}

/** What a certificate says. */
export interface IssueOptions {
  /** Such as `/O=etcd client`; etcd's gateway refuses clients with a common name once authentication is on. */
  readonly subject: string;
  /** IP addresses for which the certificate stands; none for a client. */
  readonly addresses?: readonly string[];
  /** Days until it expires; a negative number makes one that has expired. */
  readonly days?: number;
}

/** A certificate authority of its own. */
export interface Authority extends Identity {
  /** Makes a certificate that may be a server's and a client's: etcd's gateway dials its own server. */
  issue(name: string, options: IssueOptions): Promise<Identity>;
}

const CONFIG = "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\n";
const VALID_DAYS = 30;

/**
 * Makes a certificate authority.
 *
 * @param directory where its files and those of its certificates are written; has to exist
 */
export async function createAuthority(directory: string, name: string): Promise<Authority> {
  const config = `${directory}/openssl.cnf`;
  await Deno.writeTextFile(config, CONFIG);
  const make = async (file: string, args: readonly string[]): Promise<Identity> => {
    const certFile = `${directory}/${file}.crt`;
    const keyFile = `${directory}/${file}.key`;
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
    await openssl(["req", "-x509", "-config", config, ...key, "-out", certFile, ...args]);
    return { certFile, keyFile, cert: await Deno.readTextFile(certFile), key: await Deno.readTextFile(keyFile) };
  };
  const extension = (text: string): string[] => ["-addext", text];
  const authority = await make(name, [
    ...["-subj", `/O=${name}`, "-days", `${VALID_DAYS}`],
    ...extension("basicConstraints=critical,CA:TRUE"),
    ...extension("keyUsage=critical,keyCertSign,cRLSign"),
  ]);
  const signer = ["-CA", authority.certFile, "-CAkey", authority.keyFile];
  return {
    ...authority,
    issue(leaf, { subject, addresses = [], days = VALID_DAYS }) {
      const san = addresses.map((address) => `IP:${address}`).join(",");
      return make(leaf, [
        ...signer,
        ...["-subj", subject, "-days", `${days}`],
        ...extension("basicConstraints=critical,CA:FALSE"),
        ...extension("extendedKeyUsage=serverAuth,clientAuth"),
        ...(san === "" ? [] : extension(`subjectAltName=${san}`)),
      ]);
    },
  };
}

async function openssl(args: readonly string[]): Promise<void> {
  const { code, stderr } = await new Deno.Command("openssl", { args: [...args], stdin: "null" }).output();
  if (code !== 0) throw new Error(`openssl ${args[0]} failed: ${new TextDecoder().decode(stderr).trim()}`);
}
