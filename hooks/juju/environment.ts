/**
 * The variables with which Juju starts a hook or action, as one frozen record.
 *
 * @module
 */

/**
 * The hook environment. Source: juju/juju internal/worker/uniter/runner/context/context.go, HookVars.
 * A variable that Juju leaves out or sets empty is `""` here, unless noted.
 */
export interface JujuEnvironment {
  /** `hooks/<name>` or `actions/<name>`; empty under juju-exec. */
  readonly dispatchPath: string;
  readonly hookName: string;
  readonly contextId: string;
  readonly agentSocketAddress: string;
  readonly agentSocketNetwork: string;
  /** PEM file of the agent's CA: only with `tcp` sockets. */
  readonly agentCaCert: string;
  /** Secret that goes into every request: only with `tcp` sockets. */
  readonly agentToken: string;
  readonly charmDir: string;
  readonly unitName: string;
  readonly modelName: string;
  readonly modelUuid: string;
  readonly machineId: string;
  readonly principalUnit: string;
  readonly availabilityZone: string;
  readonly apiAddresses: readonly string[];
  /** Such as `3.6.8`; empty under very old agents. */
  readonly jujuVersion: string;
  readonly relation: string;
  /** `endpoint:7` or empty. */
  readonly relationId: string;
  readonly remoteUnit: string;
  readonly remoteApp: string;
  readonly departingUnit: string;
  readonly storageId: string;
  readonly storageKind: string;
  readonly storageLocation: string;
  readonly secretId: string;
  readonly secretLabel: string;
  readonly secretRevision: string;
  readonly workloadName: string;
  readonly noticeId: string;
  readonly noticeType: string;
  readonly noticeKey: string;
  readonly pebbleCheckName: string;
  readonly actionName: string;
  readonly actionUuid: string;
  readonly actionTag: string;
  readonly targetBase: string;
  /** PATH of the hook: holds the directory of the hook commands. */
  readonly path: string;
}

const VARIABLES: { readonly [K in Exclude<keyof JujuEnvironment, "apiAddresses">]: readonly string[] } = {
  dispatchPath: ["JUJU_DISPATCH_PATH"],
  hookName: ["JUJU_HOOK_NAME"],
  contextId: ["JUJU_CONTEXT_ID"],
  agentSocketAddress: ["JUJU_AGENT_SOCKET_ADDRESS"],
  agentSocketNetwork: ["JUJU_AGENT_SOCKET_NETWORK"],
  agentCaCert: ["JUJU_AGENT_CA_CERT"],
  agentToken: ["JUJU_AGENT_TOKEN"],
  charmDir: ["JUJU_CHARM_DIR", "CHARM_DIR"],
  unitName: ["JUJU_UNIT_NAME"],
  modelName: ["JUJU_MODEL_NAME"],
  modelUuid: ["JUJU_MODEL_UUID"],
  machineId: ["JUJU_MACHINE_ID"],
  principalUnit: ["JUJU_PRINCIPAL_UNIT"],
  availabilityZone: ["JUJU_AVAILABILITY_ZONE"],
  jujuVersion: ["JUJU_VERSION"],
  relation: ["JUJU_RELATION"],
  relationId: ["JUJU_RELATION_ID"],
  remoteUnit: ["JUJU_REMOTE_UNIT"],
  remoteApp: ["JUJU_REMOTE_APP"],
  departingUnit: ["JUJU_DEPARTING_UNIT"],
  storageId: ["JUJU_STORAGE_ID"],
  storageKind: ["JUJU_STORAGE_KIND"],
  storageLocation: ["JUJU_STORAGE_LOCATION"],
  secretId: ["JUJU_SECRET_ID"],
  secretLabel: ["JUJU_SECRET_LABEL"],
  secretRevision: ["JUJU_SECRET_REVISION"],
  workloadName: ["JUJU_WORKLOAD_NAME"],
  noticeId: ["JUJU_NOTICE_ID"],
  noticeType: ["JUJU_NOTICE_TYPE"],
  noticeKey: ["JUJU_NOTICE_KEY"],
  pebbleCheckName: ["JUJU_PEBBLE_CHECK_NAME"],
  actionName: ["JUJU_ACTION_NAME"],
  actionUuid: ["JUJU_ACTION_UUID"],
  actionTag: ["JUJU_ACTION_TAG"],
  targetBase: ["JUJU_TARGET_BASE", "JUJU_TARGET_SERIES"],
  path: ["PATH"],
};

/**
 * Reads the record from environment variables.
 *
 * @param env the process environment
 */
export function readJujuEnvironment(env: Readonly<Record<string, string | undefined>>): JujuEnvironment {
  const first = (names: readonly string[]) => names.map((name) => env[name]).find((value) => value) ?? "";
  const fields = Object.fromEntries(Object.entries(VARIABLES).map(([field, names]) => [field, first(names)]));
  const apiAddresses = Object.freeze((env.JUJU_API_ADDRESSES ?? "").split(" ").filter(Boolean));
  return Object.freeze({ ...fields, apiAddresses }) as JujuEnvironment;
}
