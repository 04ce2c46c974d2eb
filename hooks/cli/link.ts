/**
 * The links under which Juju finds the executable: `hooks/NAME`, `actions/NAME`, or one `dispatch`.
 *
 * @module
 */
import { basename, dirname, join, relative, resolve } from "node:path";
import { loadCharm } from "../charm/load.ts";
import type { CharmMetadata } from "../charm/metadata.ts";
import { actionNames, hookNames, isValidName, looksLikeHook, matchHook } from "../charm/names.ts";
import { CharmletError, EnvironmentError } from "../errors.ts";

/** What to link. */
export interface LinkOptions {
  readonly charmDir: string;
  /** Path of the executable, anywhere inside the charm. */
  readonly executable: string;
  /** The only ones to link, as `hooks/NAME` and `actions/NAME`; all if left out. */
  readonly handled?: ReadonlySet<string>;
  /** One `dispatch` instead of all others. */
  readonly dispatch?: boolean;
  /** Change nothing: report what would be changed. */
  readonly check?: boolean;
  /** Replace files and links of others, too; never folders, nor a `dispatch` that is not to be linked. */
  readonly force?: boolean;
}

/** What was done, or would be: paths inside the charm. */
export interface LinkReport {
  readonly created: readonly string[];
  /** Links to the executable that were broken or roundabout, and files of others that were replaced. */
  readonly repaired: readonly string[];
  /** Links to the executable under names that are not (any more) to be linked. */
  readonly removed: readonly string[];
  readonly unchanged: readonly string[];
  /** In the way, and not made by this command: left alone. */
  readonly foreign: readonly string[];
  /** Whether nothing was written. */
  readonly checked: boolean;
}

/** A charm on disk; both paths without symlinks. */
interface Place {
  readonly charmDir: string;
  readonly executable: string;
}

/** What stands at a path: nothing, a link to the executable, the executable itself, or something of others. */
type Found =
  | { readonly kind: "nothing" | "executable" | "file" | "folder" }
  | { readonly kind: "own"; readonly target: string };

const FOLDERS = ["hooks", "actions"] as const;
const DISPATCH = "dispatch";

/**
 * Creates, repairs and checks the links of a charm. Links are relative, each appears at once and whole, and a second
 * run changes nothing. A link counts as made by this command when it leads to the executable, or leads nowhere but to a
 * place inside the charm where an executable of that name may have been.
 *
 * @throws {EnvironmentError} the executable is outside the charm, `hooks` or `actions` is no folder, or not writable
 * @throws {CharmFileError} the charm's files cannot be read
 */
export async function link(options: LinkOptions): Promise<LinkReport> {
  const place = await locate(options.charmDir, options.executable);
  const all = linkPaths(await loadCharm(place.charmDir));
  const { handled } = options;
  const wanted = options.dispatch ? [DISPATCH] : handled ? all.filter((path) => handled.has(path)) : all;
  return await inCharm(place, () => apply(place, wanted, options));
}

/**
 * Repairs links after an upgrade replaced the charm: what was linked stays linked, what the charm no longer has goes, and
 * endpoints, storages, containers and actions without any link get theirs. Where the executable does not lie in the
 * charm, nothing links to it, or there is a `dispatch`, there is nothing to repair.
 *
 * @returns the paths that were created, repaired or removed
 * @throws {EnvironmentError} the links cannot be written
 */
export async function repairLinks(charmDir: string, executable: string): Promise<string[]> {
  const root = await Deno.realPath(charmDir);
  if (!isInside(root, await Deno.realPath(executable))) return [];
  const place = await locate(charmDir, executable);
  const charm = await loadCharm(place.charmDir);
  return await inCharm(place, async () => {
    const linked = new Set(await ownLinks(place));
    if (linked.size === 0 || (await find(place, DISPATCH)).kind !== "nothing") return [];
    const groups = new Set([...linked].map((path) => groupOf(path, charm)));
    const wanted = linkPaths(charm).filter((path) => linked.has(path) || !groups.has(groupOf(path, charm)));
    const { created, repaired, removed } = await apply(place, wanted, {});
    return [...created, ...repaired, ...removed];
  });
}

/** Whether there is nothing to change. */
export function linkIsClean({ created, repaired, removed, foreign }: LinkReport): boolean {
  return created.length + repaired.length + removed.length + foreign.length === 0;
}

/** Lines for a terminal: each change, and a count. */
export function formatLinkReport(report: LinkReport): string[] {
  const lines = (paths: readonly string[], did: string, would: string) =>
    paths.map((path) => `${report.checked ? would : did} ${path}`);
  const { created, repaired, removed, unchanged, foreign } = report;
  return [
    ...lines(created, "created", "would create"),
    ...lines(repaired, "repaired", "would repair"),
    ...lines(removed, "removed", "would remove"),
    ...foreign.map((path) =>
      path === DISPATCH
        ? `left alone ${path}: not made by charmlet, and Juju runs it for every hook and action; move it away`
        : `left alone ${path}: not made by charmlet; move it away, or replace a file with --force`
    ),
    `${created.length + repaired.length + unchanged.length} links: ${created.length} created, ` +
    `${repaired.length} repaired, ${removed.length} removed, ${unchanged.length} unchanged` +
    (report.checked ? " (only checked: nothing was written)" : ""),
  ];
}

function linkPaths(charm: CharmMetadata): string[] {
  return [
    ...hookNames(charm).map((name) => `hooks/${name}`),
    ...actionNames(charm).map((name) => `actions/${name}`),
  ];
}

/** What a link belongs to: an endpoint, storage or container; itself for an action; one group for all other hooks. */
function groupOf(path: string, charm: CharmMetadata): string {
  if (path.startsWith("actions/")) return path;
  const match = matchHook(basename(path), charm);
  switch (match?.kind) {
    case "relation":
      return `endpoint ${match.endpoint.name}`;
    case "storage":
      return `storage ${match.storage}`;
    case "workload":
      return `container ${match.container}`;
    default:
      return "charm";
  }
}

async function locate(charmDir: string, executable: string): Promise<Place> {
  const real = async (path: string) => {
    try {
      return await Deno.realPath(path);
    } catch (cause) {
      throw new EnvironmentError(`there is no ${path}: check the path`, { cause });
    }
  };
  const place = { charmDir: await real(charmDir), executable: await real(executable) };
  if (!isInside(place.charmDir, place.executable)) {
    throw new EnvironmentError(
      `${place.executable} is outside the charm: copy it to ${place.charmDir}/bin/charmlet and run that`,
    );
  }
  if (((await Deno.stat(place.executable)).mode ?? 0o111) & 0o111) return place;
  throw new EnvironmentError(`${place.executable} is not executable: run chmod +x ${place.executable}`);
}

function isInside(dir: string, path: string): boolean {
  return path.startsWith(dir === "/" ? dir : `${dir}/`);
}

async function apply(place: Place, wanted: readonly string[], options: Partial<LinkOptions>): Promise<LinkReport> {
  const { check = false, force = false } = options;
  const report = {
    created: [] as string[],
    repaired: [] as string[],
    removed: [] as string[],
    unchanged: [] as string[],
    foreign: [] as string[],
    checked: check,
  };
  const own = await ownLinks(place);
  const target = (path: string) => relative(dirname(join(place.charmDir, path)), place.executable);
  for (const path of wanted) {
    const found = await find(place, path);
    const isRight = found.kind === "executable" || (found.kind === "own" && found.target === target(path));
    if (isRight) report.unchanged.push(path);
    else if (found.kind === "nothing") report.created.push(path);
    else if (found.kind === "own" || (force && found.kind === "file")) report.repaired.push(path);
    else report.foreign.push(path);
  }
  report.removed.push(...own.filter((path) => !wanted.includes(path)));
  const dispatch = wanted.includes(DISPATCH) ? "own" : (await find(place, DISPATCH)).kind;
  if (dispatch === "file" || dispatch === "folder") report.foreign.push(DISPATCH);
  if (check) return report;
  // New links first: at no time is a hook without any.
  for (const path of [...report.created, ...report.repaired]) await write(place, path, target(path));
  for (const path of report.removed) await Deno.remove(join(place.charmDir, path));
  return report;
}

/** Every link to the executable that this command may have made. */
async function ownLinks(place: Place): Promise<string[]> {
  const paths = [DISPATCH];
  for (const folder of FOLDERS) {
    if (!await isFolder(place, folder)) continue;
    const isLinkName = folder === "hooks" ? looksLikeHook : (name: string) => isValidName("action", name);
    for await (const { name } of Deno.readDir(join(place.charmDir, folder))) {
      if (isLinkName(name) && name !== basename(place.executable)) paths.push(`${folder}/${name}`);
    }
  }
  const found = await Promise.all(paths.map(async (path) => ({ path, kind: (await find(place, path)).kind })));
  return found.filter(({ kind }) => kind === "own").map(({ path }) => path).sort();
}

async function isFolder({ charmDir }: Place, folder: string): Promise<boolean> {
  const path = join(charmDir, folder);
  try {
    if ((await Deno.lstat(path)).isDirectory) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  throw new EnvironmentError(`${path} is not a folder: move it away; charmlet link makes a folder`);
}

async function find({ charmDir, executable }: Place, path: string): Promise<Found> {
  const full = join(charmDir, path);
  if (full === executable) return { kind: "executable" };
  try {
    const { isSymlink, isDirectory } = await Deno.lstat(full);
    if (!isSymlink) return { kind: isDirectory ? "folder" : "file" };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { kind: "nothing" };
    throw error;
  }
  const target = await Deno.readLink(full);
  const reached = await Deno.realPath(full).catch(() => undefined);
  const isOwn = reached === undefined ? isFormerExecutable() : reached === executable;
  return isOwn ? { kind: "own", target } : { kind: "file" };

  function isFormerExecutable(): boolean {
    const former = resolve(dirname(full), target);
    return isInside(charmDir, former) && basename(former) === basename(executable);
  }
}

/** Makes a link beside its place and moves it there, over what there is. */
async function write(place: Place, path: string, target: string): Promise<void> {
  const full = join(place.charmDir, path);
  const folder = dirname(full);
  if (path !== DISPATCH && !await isFolder(place, dirname(path))) {
    await Deno.mkdir(folder);
    // Whoever packs the charm, or runs it as another user, must be able to read it.
    await Deno.chmod(folder, 0o755);
  }
  const temporary = join(folder, `.${basename(path)}.${crypto.randomUUID()}`);
  await Deno.symlink(target, temporary);
  try {
    await Deno.rename(temporary, full);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {});
    throw error;
  }
}

/** Says in one line what the system refused: a folder that is not readable or writable, a full disk. */
async function inCharm<T>({ charmDir }: Place, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof CharmletError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EnvironmentError(
      `cannot link in ${charmDir}: ${reason}; make it writable, or run this as its owner`,
      { cause },
    );
  }
}
