/**
 * Texts that openssl reads. Whatever goes into them has been checked: openssl would expand `$`, `\` and `,`.
 *
 * @module
 */

/** What a certificate says besides its dates and key. */
export interface Extensions {
  readonly subject: { readonly o: string; readonly cn?: string };
  /** Such as `IP:10.0.0.1` and `DNS:host`. */
  readonly sans: readonly string[];
  readonly usage: "authority" | readonly ("server" | "client")[];
}

const EXTENDED_USAGE = { server: "serverAuth", client: "clientAuth" } as const;
/** Later years have four digits in a certificate, earlier ones have to have two (RFC 5280, 4.1.2.5). */
const LAST_SHORT_YEAR = 2049;

/** The configuration file of `openssl req` and `openssl ca`, for one certificate. */
export function opensslConfig(directory: string, { subject, sans, usage }: Extensions): string {
  const authority = usage === "authority";
  const lines = [
    "[req]",
    "prompt = no",
    "distinguished_name = subject",
    "[subject]",
    `O = ${subject.o}`,
    ...(subject.cn === undefined ? [] : [`CN = ${subject.cn}`]),
    "[ca]",
    "default_ca = authority",
    "[authority]",
    `new_certs_dir = ${directory}`,
    `database = ${directory}/index.txt`,
    `serial = ${directory}/serial`,
    "default_md = sha256",
    "policy = policy",
    "x509_extensions = extensions",
    "[policy]",
    "organizationName = optional",
    "commonName = optional",
    "[extensions]",
    `basicConstraints = critical, ${authority ? "CA:TRUE, pathlen:0" : "CA:FALSE"}`,
    `keyUsage = critical, ${authority ? "keyCertSign, cRLSign" : "digitalSignature"}`,
    ...(authority ? [] : [`extendedKeyUsage = ${[...new Set(usage)].map((use) => EXTENDED_USAGE[use]).join(", ")}`]),
    "subjectKeyIdentifier = hash",
    "authorityKeyIdentifier = keyid:always",
    ...(sans.length === 0 ? [] : [`subjectAltName = ${sans.join(", ")}`]),
  ];
  return `${lines.join("\n")}\n`;
}

/** A time as a certificate has it, such as `260131235959Z`. */
export function opensslTime(date: Date): string {
  const digits = date.toISOString().replace(/\.\d+/, "").replaceAll(/[-:T]/g, "");
  return date.getUTCFullYear() <= LAST_SHORT_YEAR ? digits.slice(2) : digits;
}
