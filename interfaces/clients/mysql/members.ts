/**
 * The group from one server's point of view.
 *
 * @module
 */
import type { Mysql } from "./connection.ts";
import { sql } from "./quoting.ts";
import { flagIn, numberIn, textIn } from "./rows.ts";
import { type Address, plainVersion } from "./status.ts";

/** What a member says, or the others say of it. `UNREACHABLE` is said of others only. */
export type MemberState = "ONLINE" | "RECOVERING" | "OFFLINE" | "ERROR" | "UNREACHABLE";

/** A server of the group. */
export interface Member extends Address {
  readonly uuid: string;
  readonly state: MemberState;
  /** `unknown` for members that are stopped or broken. */
  readonly role: "primary" | "secondary" | "unknown";
  readonly version: string;
}

/** The group as one of its servers sees it. Members that were expelled are not in it. */
export interface Group {
  /** The server that was asked; undefined when it has never been configured. */
  readonly self: Member | undefined;
  readonly members: readonly Member[];
  /** The primary, when it is online. */
  readonly primary: Member | undefined;
  readonly online: number;
  /** Whether this server is in a group and more than half of it can be reached. Without it, writes hang. */
  readonly quorum: boolean;
  /** Whether clients may write at the server that was asked: the primary, with a majority, not read-only. */
  readonly writable: boolean;
}

/** Addresses by what they can be used for, each such as `10.0.0.1:3306`. */
export interface Endpoints {
  readonly rw: readonly string[];
  readonly ro: readonly string[];
  readonly offline: readonly string[];
}

const STATES: readonly MemberState[] = ["ONLINE", "RECOVERING", "OFFLINE", "ERROR", "UNREACHABLE"];

/** Reads the group. */
export async function readGroup(db: Mysql): Promise<Group> {
  const rows = await db.query(
    "read the group's members",
    sql`SELECT MEMBER_ID AS id, MEMBER_HOST AS host, MEMBER_PORT AS port, MEMBER_STATE AS state, MEMBER_ROLE AS role,
      MEMBER_VERSION AS version, @@server_uuid AS self, @@global.read_only AS read_only
      FROM performance_schema.replication_group_members`,
  );
  const members = rows.map((row): Member => ({
    // A server that has never started group replication has one row without names.
    uuid: textIn(row, "id") || (rows.length === 1 ? textIn(row, "self") : ""),
    host: textIn(row, "host"),
    port: textIn(row, "port") === "" ? 0 : numberIn(row, "port"),
    state: STATES.find((state) => state === textIn(row, "state")) ?? "ERROR",
    role: ({ PRIMARY: "primary", SECONDARY: "secondary" } as const)[textIn(row, "role")] ?? "unknown",
    version: plainVersion(textIn(row, "version")),
  }));
  const self = rows.length === 0 ? undefined : textIn(rows[0], "self");
  return viewOf(members, self, rows.length > 0 && flagIn(rows[0], "read_only"));
}

/**
 * What follows from the rows of a group.
 *
 * @param self uuid of the server that was asked
 * @param readOnly whether that server refuses clients' writes; administrators may be let in for a change
 */
export function viewOf(members: readonly Member[], self: string | undefined, readOnly: boolean): Group {
  const own = members.find(({ uuid }) => uuid === self);
  const unreachable = members.filter(({ state }) => state === "UNREACHABLE").length;
  const primary = members.find(({ state, role }) => state === "ONLINE" && role === "primary");
  const inGroup = own?.state === "ONLINE" || own?.state === "RECOVERING";
  const quorum = inGroup && unreachable * 2 < members.length;
  return {
    self: own,
    members,
    primary,
    online: members.filter(({ state }) => state === "ONLINE").length,
    quorum,
    writable: quorum && primary !== undefined && primary.uuid === own?.uuid && !readOnly,
  };
}

/**
 * What the members can be used for.
 *
 * @param known all servers of the cluster: those that are no members now are offline
 * @param options.readOnly whether the primary takes no writes, as in a replica cluster
 */
export function endpointsOf(
  group: Pick<Group, "members" | "quorum">,
  known: readonly Address[] = [],
  { readOnly = false }: { readonly readOnly?: boolean } = {},
): Endpoints {
  const rw: string[] = [];
  const ro: string[] = [];
  const offline: string[] = [];
  for (const member of group.members) {
    const online = member.state === "ONLINE";
    const writes = online && member.role === "primary" && group.quorum && !readOnly;
    (writes ? rw : online && member.role !== "unknown" ? ro : offline).push(addressText(member));
  }
  const listed = new Set([...rw, ...ro, ...offline]);
  return { rw, ro, offline: [...offline, ...known.map(addressText).filter((address) => !listed.has(address))] };
}

/** Such as `10.0.0.1:3306` or `[fd00::1]:3306`. */
export function addressText({ host, port }: Address): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
