/**
 * The process of the own member, its files, and what its data belongs to.
 *
 * @module
 */
import {
  ensureDirectory,
  isThere,
  type Owner,
  readIfThere,
  removeIfThere,
  userIds,
  writeFileAtomically,
} from "../../clients/files.ts";
import { programPath } from "../../clients/packages.ts";
import { type ServiceManager, serviceManager, type ServiceSpec } from "../../clients/service/service.ts";
import { type Initial, renderConfig } from "./config_file.ts";
import type { Paths, Place } from "./place.ts";
import { whole } from "./record.ts";

/** The user that etcd's package makes, and that its members run as. */
export const ETCD_USER = "etcd";
/** Of its directory below the unit's; others must be able to pass to it. */
const UNIT_MODE = 0o755;
const PRIVATE_MODE = 0o700;
/** Of the certificates' directory: etcd reads its own files there and changes none. */
const PASS_MODE = 0o711;
/** A follower that is far behind has a lot to read at its end. */
const STOP_MS = 8000;

/** A member's process with who manages it. */
export interface MemberService {
  readonly manager: ServiceManager;
  readonly spec: ServiceSpec;
}

/** What data belongs to. */
export interface Belongs {
  readonly token: string;
  readonly generation: number;
}

/** The member's service; undefined where etcd is not installed. */
export async function memberService(paths: Paths): Promise<MemberService | undefined> {
  const [program, manager] = await Promise.all([programPath(["etcd"]), serviceManager()]);
  if (program === undefined) return undefined;
  const spec: ServiceSpec = {
    name: paths.service,
    description: `etcd member ${paths.name}`,
    argv: [program, `--config-file=${paths.configFile}`],
    directory: paths.directory,
    restart: "always",
    stopTimeoutMs: STOP_MS,
    ...(isRoot() ? { user: ETCD_USER } : {}),
  };
  return { manager, spec };
}

/** Whose etcd's files are; undefined: the own user's. */
export async function fileOwner(): Promise<Owner | undefined> {
  return isRoot() ? await userIds(ETCD_USER) : undefined;
}

/** Makes the unit's directories. */
export async function ensureDirectories(paths: Paths, owner: Owner | undefined): Promise<void> {
  await ensureDirectory(paths.directory, { mode: UNIT_MODE });
  await ensureDirectory(paths.tlsDirectory, { mode: PASS_MODE });
  await ensureDirectory(paths.dataDirectory, { mode: PRIVATE_MODE, ...(owner ? { owner } : {}) });
}

/** Writes etcd's configuration. */
export async function writeConfig(place: Place, owner: Owner | undefined, initial?: Initial): Promise<void> {
  await writeFileAtomically(place.configFile, renderConfig(place, initial), {
    mode: 0o600,
    ...(owner ? { owner } : {}),
  });
}

/** Whether a member has begun to keep data here: its log of changes is there. */
export async function hasData({ dataDirectory }: Paths): Promise<boolean> {
  return await isThere(`${dataDirectory}/member/wal`);
}

/** What the data belongs to; undefined when that is not known. */
export async function readMarker({ marker }: Paths): Promise<Belongs | undefined> {
  const [token = "", generation] = (await readIfThere(marker) ?? "").trim().split(" ");
  return token === "" ? undefined : { token, generation: whole(generation) };
}

/** Notes what the data that is about to be written belongs to. */
export async function writeMarker({ marker }: Paths, { token, generation }: Belongs): Promise<void> {
  await writeFileAtomically(marker, `${token} ${generation}\n`, { mode: 0o600 });
}

/** Deletes a member's data. Its process must not run. */
export async function wipeData(paths: Paths): Promise<void> {
  for (const path of [`${paths.dataDirectory}/member`, paths.marker]) await removeIfThere(path);
}

/** Keeps data of another cluster, of which nobody knows here, beside its place; only the latest is kept. */
export async function setDataAside(paths: Paths): Promise<string> {
  const aside = `${paths.dataDirectory}.previous`;
  await removeIfThere(aside);
  await Deno.rename(paths.dataDirectory, aside);
  await removeIfThere(paths.marker);
  return aside;
}

/** Without root, as in a container of one's own, everything is the own user's. */
export function isRoot(): boolean {
  return Deno.uid() === 0;
}
