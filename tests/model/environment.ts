/**
 * The environment of a hook, an action or juju-exec: exactly the variables that Juju sets, and no other.
 * Source: juju/juju internal/worker/uniter/runner/context/context.go, HookVars; contract section 2.
 *
 * @module
 */
import type { Hook } from "./local_state.ts";
import type { WorldState } from "./state.ts";

/** What is run. */
export type Subject =
  | { readonly kind: "hook"; readonly hook: Hook }
  | { readonly kind: "action"; readonly name: string; readonly id: string }
  | { readonly kind: "exec"; readonly relationId: number | null; readonly remoteUnit: string };

/** Where and as what it is run. */
export interface EnvironmentOptions {
  readonly unit: string;
  readonly subject: Subject;
  readonly contextId: string;
  readonly charmDir: string;
  readonly toolsDir: string;
  /** Address of the agent's socket: `@…` or a path. */
  readonly socketAddress: string;
}

/** The PATH of Juju's own agent service. */
const AGENT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin";

/**
 * The environment variables.
 *
 * @param world the model
 * @param options where and as what it is run
 */
export function hookEnvironment(world: WorldState, options: EnvironmentOptions): Record<string, string> {
  const { unit, subject, contextId, charmDir } = options;
  const state = world.units[unit];
  const model = world.models[world.applications[state?.app ?? ""]?.model ?? ""];
  const isCaas = model?.type === "caas";
  return {
    ...dispatchVariables(subject),
    JUJU_CONTEXT_ID: contextId,
    JUJU_AGENT_SOCKET_ADDRESS: options.socketAddress,
    JUJU_AGENT_SOCKET_NETWORK: "unix",
    CHARM_DIR: charmDir,
    JUJU_CHARM_DIR: charmDir,
    JUJU_UNIT_NAME: unit,
    JUJU_MODEL_NAME: model?.name ?? "",
    JUJU_MODEL_UUID: model?.uuid ?? "",
    JUJU_API_ADDRESSES: "10.255.0.1:17070 10.255.0.2:17070 10.255.0.3:17070",
    JUJU_MACHINE_ID: isCaas ? "" : state?.machine ?? "",
    JUJU_PRINCIPAL_UNIT: "",
    JUJU_AVAILABILITY_ZONE: "",
    JUJU_VERSION: world.jujuVersion,
    CLOUD_API_VERSION: "",
    JUJU_CHARM_HTTP_PROXY: "",
    JUJU_CHARM_HTTPS_PROXY: "",
    JUJU_CHARM_FTP_PROXY: "",
    JUJU_CHARM_NO_PROXY: "",
    PATH: `${options.toolsDir}:${AGENT_PATH}`,
    LANG: "C.UTF-8",
    TERM: "tmux-256color",
    DEBIAN_FRONTEND: "noninteractive",
    APT_LISTCHANGES_FRONTEND: "none",
    ...(Number.parseInt(world.jujuVersion) < 4 ? { JUJU_SLA: "unsupported" } : {}),
    ...subjectVariables(world, unit, subject),
  };
}

function dispatchVariables(subject: Subject): Record<string, string> {
  if (subject.kind === "hook") {
    return { JUJU_DISPATCH_PATH: `hooks/${subject.hook.name}`, JUJU_HOOK_NAME: subject.hook.name };
  }
  if (subject.kind === "action") return { JUJU_DISPATCH_PATH: `actions/${subject.name}`, JUJU_HOOK_NAME: "" };
  return { JUJU_HOOK_NAME: "" };
}

function subjectVariables(world: WorldState, unit: string, subject: Subject): Record<string, string> {
  if (subject.kind === "hook") return hookVariables(world, unit, subject.hook);
  if (subject.kind === "action") {
    return { JUJU_ACTION_NAME: subject.name, JUJU_ACTION_UUID: subject.id, JUJU_ACTION_TAG: `action-${subject.id}` };
  }
  if (subject.relationId === null) return {};
  const remoteApp = subject.remoteUnit.split("/", 1)[0] || remoteAppOf(world, unit, subject.relationId);
  return relationVariables(world, unit, subject.relationId, subject.remoteUnit, remoteApp);
}

function hookVariables(world: WorldState, unit: string, hook: Hook): Record<string, string> {
  if ("relationId" in hook) {
    const departing = hook.departingUnit;
    return {
      ...relationVariables(world, unit, hook.relationId, hook.remoteUnit, hook.remoteApp),
      ...(departing === undefined ? {} : { JUJU_DEPARTING_UNIT: departing }),
    };
  }
  if ("storageId" in hook) {
    const storage = world.units[unit]?.storage.find((item) => item.id === hook.storageId);
    if (!storage) return {};
    return {
      JUJU_STORAGE_ID: storage.id,
      JUJU_STORAGE_LOCATION: storage.location,
      JUJU_STORAGE_KIND: storage.kind,
    };
  }
  if ("secretId" in hook) {
    const hasRevision = hook.kind === "secret-remove" || hook.kind === "secret-expired";
    return {
      JUJU_SECRET_ID: `secret:${hook.secretId}`,
      JUJU_SECRET_LABEL: hook.label,
      ...(hasRevision ? { JUJU_SECRET_REVISION: String(hook.revision) } : {}),
    };
  }
  if ("container" in hook) {
    const variables: Record<string, string | undefined> = {
      JUJU_WORKLOAD_NAME: hook.container,
      JUJU_NOTICE_ID: hook.noticeId,
      JUJU_NOTICE_TYPE: hook.noticeType,
      JUJU_NOTICE_KEY: hook.noticeKey,
      JUJU_PEBBLE_CHECK_NAME: hook.checkName,
    };
    const given = Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined);
    return Object.fromEntries(given);
  }
  return {};
}

function relationVariables(
  world: WorldState,
  unit: string,
  relationId: number,
  remoteUnit: string,
  remoteApp: string,
): Record<string, string> {
  const app = world.units[unit]?.app;
  const endpoint = world.relations[relationId]?.sides.find((side) => side.app === app)?.endpoint.name ?? "";
  return {
    JUJU_RELATION: endpoint,
    JUJU_RELATION_ID: `${endpoint}:${relationId}`,
    JUJU_REMOTE_UNIT: remoteUnit,
    JUJU_REMOTE_APP: remoteApp,
  };
}

function remoteAppOf(world: WorldState, unit: string, relationId: number): string {
  const app = world.units[unit]?.app ?? "";
  return world.relations[relationId]?.sides.find((side) => side.app !== app)?.app ?? app;
}
