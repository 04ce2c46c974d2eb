/**
 * Every surface.
 *
 * @module
 */
import { ACTION_SURFACES } from "./actions.ts";
import { AGENT_SURFACES } from "./agent.ts";
import { ASYNC_REPLICATION_SURFACES } from "./async_replication.ts";
import { CHARM_FILE_SURFACES } from "./charm_files.ts";
import { DATABAG_SURFACES } from "./databags.ts";
import { ETCD_SURFACES } from "./etcd.ts";
import { HOOK_COMMAND_SURFACES } from "./hook_commands.ts";
import { MEMORY_SURFACES } from "./memory.ts";
import { MYSQL_SURFACES } from "./mysql.ts";
import { OPTION_SURFACES } from "./options.ts";
import { PATRONI_SURFACES } from "./patroni.ts";
import { ROUTING_SURFACES } from "./routing.ts";
import { SOCKET_SURFACES } from "./sockets.ts";
import { STATE_SURFACES } from "./state.ts";
import type { Surface } from "./surface.ts";

/** Every surface, each with a name of its own. */
export const SURFACES: readonly Surface[] = [
  ...CHARM_FILE_SURFACES,
  ...OPTION_SURFACES,
  ...DATABAG_SURFACES,
  ...ASYNC_REPLICATION_SURFACES,
  ...ETCD_SURFACES,
  ...PATRONI_SURFACES,
  ...MYSQL_SURFACES,
  ...SOCKET_SURFACES,
  ...AGENT_SURFACES,
  ...HOOK_COMMAND_SURFACES,
  ...STATE_SURFACES,
  ...MEMORY_SURFACES,
  ...ACTION_SURFACES,
  ...ROUTING_SURFACES,
];
