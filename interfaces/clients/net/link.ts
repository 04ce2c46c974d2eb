/**
 * Facts about the machine's own links, from /sys/class/net and /proc/net/bonding.
 *
 * @module
 */
import { type BondFacts, readBondFile } from "./bond_file.ts";
import { InputError } from "../errors.ts";
import { runProgram } from "./program.ts";
import { isInterfaceName, show } from "./validate.ts";

/** Reading a few small files takes no longer, in milliseconds. */
const READ_MS = 10_000;
const MAX_LINKS = 256;

/** One of the machine's links. */
export interface LinkFacts {
  readonly name: string;
  /** Whether there is such a link; the rest is null when there is not. */
  readonly present: boolean;
  readonly mtu: number | null;
  /** Mbit/s; null when the link is down or virtual. */
  readonly speedMbit: number | null;
  /** As the kernel says it: `up`, `down`, `unknown` (for links that do not tell, such as lo), `lowerlayerdown`. */
  readonly state: string | null;
  readonly carrier: boolean | null;
  readonly mac: string | null;
  /** The bond or bridge that it belongs to. */
  readonly master: string | null;
  /** When it is a bond. */
  readonly bond: BondFacts | null;
}

/**
 * The facts about links.
 *
 * Deno lets only processes with every permission read below /sys and /proc, and a hook has given up what it does not
 * need: so `grep` reads the files, all in one process, and leaves out those that are missing or refuse to be read.
 *
 * @param names of interfaces
 * @throws {InputError} for a name that no interface can have
 * @throws {ProgramMissingError | ForbiddenError}
 */
export async function readLinks(names: readonly string[]): Promise<LinkFacts[]> {
  const wrong = names.find((name) => !isInterfaceName(name));
  if (wrong !== undefined) throw new InputError(`${show(wrong)} is no name of a network interface`);
  if (names.length > MAX_LINKS) throw new InputError(`${names.length} interfaces are more than ${MAX_LINKS}`);
  if (names.length === 0) return [];
  const files = names.flatMap((name) => [
    ...["mtu", "speed", "operstate", "carrier", "address", "master/uevent"].map((file) => sysPath(name, file)),
    bondPath(name),
  ]);
  const lines = await readFiles(files);
  return names.map((name) => readLink(name, lines));
}

/** The names of all links, and of those that are bonds. */
export async function listLinks(): Promise<{ readonly links: string[]; readonly bonds: string[] }> {
  const masters = "/sys/class/net/bonding_masters";
  const lines = await readFiles(["/proc/net/dev", masters]);
  const links = (lines.get("/proc/net/dev") ?? []).flatMap((line) => /^\s*([^\s:|]+):/.exec(line)?.[1] ?? []);
  const bonds = (lines.get(masters) ?? []).join(" ").split(/\s+/).filter((name) => name !== "");
  return { links, bonds };
}

const sysPath = (name: string, file: string) => `/sys/class/net/${name}/${file}`;
const bondPath = (name: string) => `/proc/net/bonding/${name}`;

async function readFiles(paths: readonly string[]): Promise<Map<string, string[]>> {
  const { stdout } = await runProgram("grep", ["-sH", "", "--", ...paths], READ_MS);
  return readPrefixed(stdout);
}

/** The lines of each file in grep's output; none of the paths has a colon. */
export function readPrefixed(output: string): Map<string, string[]> {
  const files = new Map<string, string[]>();
  for (const line of output.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 0) continue;
    const path = line.slice(0, colon);
    const lines = files.get(path);
    if (lines === undefined) files.set(path, [line.slice(colon + 1)]);
    else lines.push(line.slice(colon + 1));
  }
  return files;
}

/** One link's facts from the lines of the files. */
export function readLink(name: string, files: ReadonlyMap<string, readonly string[]>): LinkFacts {
  const first = (file: string) => files.get(sysPath(name, file))?.[0]?.trim();
  const mtu = count(first("mtu"));
  const carrier = first("carrier");
  const master = files.get(sysPath(name, "master/uevent"))?.find((line) => line.startsWith("INTERFACE="));
  return {
    name,
    present: mtu !== null,
    mtu,
    speedMbit: count(first("speed")),
    state: first("operstate") ?? null,
    carrier: carrier === undefined ? null : carrier === "1",
    mac: first("address") || null,
    master: master?.slice("INTERFACE=".length) ?? null,
    bond: readBondFile(files.get(bondPath(name))?.join("\n") ?? "") ?? null,
  };
}

/** Links without a speed say -1, or 4294967295 in old kernels. */
function count(text: string | undefined): number | null {
  const value = /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0;
  return value > 0 ? value : null;
}
