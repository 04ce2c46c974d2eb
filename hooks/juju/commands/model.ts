/**
 * Hook commands about the model and the unit's surroundings (contract sections 3.3 and 3.4).
 *
 * @module
 */
import type { Call } from "../call.ts";
import { asRecord, asString, asStrings } from "../shape.ts";

/** Levels of juju-log. */
export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "WARNING" | "ERROR" | "CRITICAL";

/** Typed forms of config, goal state, network, ports, storage, resource, credential, log, reboot commands. */
export function modelCommands(call: Call) {
  const endpointFlags = (endpoints: readonly string[]) =>
    endpoints.length === 0 ? [] : ["--endpoints", endpoints.join(",")];
  return {
    /** Every config option, null where none is set. */
    async config(): Promise<Record<string, unknown>> {
      return asRecord("config-get", await call.json("config-get", ["--all"]));
    },
    /** Units and relations that the model is heading for. */
    async goalState(): Promise<Record<string, unknown>> {
      return asRecord("goal-state", await call.json("goal-state", []));
    },
    /** Addresses of a binding (an endpoint or extra binding), of one relation when given. */
    async network(binding: string, relationId?: number): Promise<Record<string, unknown>> {
      const relation = relationId === undefined ? [] : ["-r", String(relationId)];
      return asRecord("network-get", await call.json("network-get", [...relation, "--", binding]));
    },
    /** The unit's private or public address. */
    async address(kind: "private" | "public"): Promise<string> {
      return asString("unit-get", await call.json("unit-get", [`${kind}-address`]));
    },
    /** Opens a port such as `80/tcp`, `8000-8100/udp` or `icmp`. */
    async openPort(port: string, endpoints: readonly string[] = []): Promise<void> {
      await call.run("open-port", [...endpointFlags(endpoints), "--", port]);
    },
    /** Closes a port. */
    async closePort(port: string, endpoints: readonly string[] = []): Promise<void> {
      await call.run("close-port", [...endpointFlags(endpoints), "--", port]);
    },
    /** Opened ports, pending changes included. */
    async openedPorts(): Promise<string[]> {
      return asStrings("opened-ports", await call.json("opened-ports", []));
    },
    /** Ids of the storage instances, such as `data/0`. */
    async storageList(name: string): Promise<string[]> {
      return asStrings("storage-list", await call.json("storage-list", ["--", name]));
    },
    /** Kind and location of a storage instance. */
    async storageGet(id: string): Promise<Record<string, unknown>> {
      return asRecord("storage-get", await call.json("storage-get", ["-s", id]));
    },
    /** Asks for more storage instances. */
    async storageAdd(name: string, count: number): Promise<void> {
      await call.run("storage-add", ["--", `${name}=${count}`]);
    },
    /** Path of a resource file; the agent downloads it first, which can take minutes. */
    async resource(name: string): Promise<string> {
      return (await call.text("resource-get", ["--", name])).trimEnd();
    },
    /** The cloud credential, where the charm is trusted. */
    async credential(): Promise<Record<string, unknown>> {
      return asRecord("credential-get", await call.json("credential-get", []));
    },
    /** Writes to the model's log. */
    async log(level: LogLevel, message: string): Promise<void> {
      await call.run("juju-log", ["-l", level, "--", message]);
    },
    /** Reboots the machine after the hook, or at once. */
    async reboot(now: boolean): Promise<void> {
      await call.run("juju-reboot", now ? ["--now"] : []);
    },
    /** Registers a workload payload (Juju 3.6 and older). */
    async payloadRegister(type: string, name: string, id: string, tags: readonly string[] = []): Promise<void> {
      await call.run("payload-register", ["--", type, name, id, ...tags]);
    },
    /** Changes the status of a payload (Juju 3.6 and older). */
    async payloadStatus(name: string, id: string, status: string): Promise<void> {
      await call.run("payload-status-set", ["--", name, id, status]);
    },
    /** Forgets a payload (Juju 3.6 and older). */
    async payloadUnregister(name: string, id: string): Promise<void> {
      await call.run("payload-unregister", ["--", name, id]);
    },
  };
}
