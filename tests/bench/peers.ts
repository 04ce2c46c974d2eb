/**
 * The same charm written with what others write charms with: installed in the versions that are pinned below `peers/`,
 * left out with a reason where that cannot be had.
 *
 * @module
 */
import { join } from "node:path";
import { projectDir } from "../../build/project.ts";
import { build, buildGo, DIST, UnavailableError } from "./programs.ts";

/** A charm of a peer, ready to run. */
export interface Peer {
  /** The peer and its version. */
  readonly name: PeerName;
  readonly version: string;
  /** What belongs into the charm's directory. */
  readonly files: string;
  /** Program, absolute, and arguments, relative to the charm's directory, of a hook. */
  readonly start: (hook: string) => readonly [string, ...string[]];
}

/** Peers, in the order of the table. */
export const PEERS = ["bash", "goops", "ops", "charms.reactive"] as const;

/** Name of a peer. */
export type PeerName = typeof PEERS[number];

/** What there is to compare with. */
export interface Peers {
  readonly peers: readonly Peer[];
  /** One line for each that is missing. */
  readonly leftOut: readonly string[];
}

const BASH = "/bin/bash";

const PREPARE: Readonly<Record<PeerName, () => Promise<Peer>>> = {
  bash: async () => {
    const version = await build([BASH, "-c", 'echo "${BASH_VERSINFO[0]}.${BASH_VERSINFO[1]}"'], projectDir);
    return { name: "bash", version, files: sources("bash"), start: (hook) => [BASH, `hooks/${hook}`] };
  },
  goops: async () => {
    const files = sources("goops");
    const program = join(DIST, "peers", "goops");
    await buildGo(files, program);
    const version = /goops v(\S+)/.exec(await Deno.readTextFile(join(files, "go.mod")))?.[1] ?? "";
    return { name: "goops", version, files, start: () => [program] };
  },
  ops: () => pythonPeer("ops", "ops"),
  "charms.reactive": () => pythonPeer("charms.reactive", "reactive"),
};

/** Installs and builds all peers; what is there already in the pinned version stays. */
export async function preparePeers(): Promise<Peers> {
  await Deno.mkdir(join(DIST, "peers"), { recursive: true });
  const peers: Peer[] = [];
  const leftOut: string[] = [];
  for (const name of PEERS) {
    try {
      peers.push(await PREPARE[name]());
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error;
      leftOut.push(`${name} is left out: ${error.message}`);
    }
  }
  return { peers, leftOut };
}

function sources(directory: string): string {
  return join(projectDir, "tests/bench/peers", directory);
}

/**
 * A charm in Python, in a virtual environment of its own.
 *
 * @param directory with its requirements.txt, whose first line is the peer itself
 */
async function pythonPeer(name: PeerName, directory: string): Promise<Peer> {
  const files = sources(directory);
  const requirements = await Deno.readTextFile(join(files, "requirements.txt"));
  const environment = join(DIST, "peers", name);
  const python = join(environment, "bin", "python");
  const stamp = join(environment, "installed.txt");
  const wanted = `${await build(["python3", "--version"], projectDir)}\n${requirements}`;
  if (await Deno.readTextFile(stamp).catch(() => "") !== wanted) {
    await build(["python3", "-m", "venv", "--clear", environment], projectDir);
    const install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"];
    await build([python, ...install, "-r", join(files, "requirements.txt")], projectDir);
    // The proof that it works here, without leaving anything in the sources.
    await build([python, "-B", "-c", "import charm"], files);
    await Deno.writeTextFile(stamp, wanted);
  }
  const version = /==(\S+)/.exec(requirements)?.[1] ?? "";
  return { name, version, files, start: () => [python, "charm.py"] };
}
