/**
 * An agent that answers each hook command as the test says.
 *
 * @module
 */
import type { CharmMetadata, Endpoint } from "../../hooks/charm/metadata.ts";
import { Context } from "../../hooks/context.ts";
import type { Event } from "../../hooks/event.ts";
import { hookCommands } from "../../hooks/juju/commands.ts";
import { readJujuEnvironment } from "../../hooks/juju/environment.ts";
import type { CommandReply, HookCommandTransport } from "../../hooks/juju/transport.ts";
import { Logger } from "../../hooks/log.ts";
import { Redactor } from "../../hooks/redact.ts";
import { Session } from "../../hooks/session.ts";
import { UnitState } from "../../hooks/state/unit_state.ts";

const encoder = new TextEncoder();

/** A reply with some standard output. */
export function printed(stdout: string): CommandReply {
  return { code: 0, stdout: encoder.encode(stdout), stderr: new Uint8Array() };
}

/**
 * A transport that answers by a command's name, with ` --app` behind it where that is given, and with an empty output
 * where nothing is said.
 */
export function replying(replies: Readonly<Record<string, CommandReply>>): HookCommandTransport {
  const find = (key: string) => Object.hasOwn(replies, key) ? replies[key] : undefined;
  return {
    kind: "native",
    run(command, args) {
      const ofApp = args.includes("--app") ? find(`${command} --app`) : undefined;
      return Promise.resolve(ofApp ?? find(command) ?? printed(""));
    },
    close() {},
  };
}

/** The hook in which a context is. */
export interface Scene {
  readonly charm: CharmMetadata;
  readonly endpoint?: Endpoint;
  readonly event?: Event;
  readonly state?: Readonly<Record<string, string>>;
  /** Told every line of the log. */
  readonly note?: (line: string) => void;
}

/** A hook's session over such an agent. The unit is `app/0`. */
export function sessionOver(transport: HookCommandTransport, scene: Scene): Session {
  const { charm, state = {}, note = () => {} } = scene;
  const redactor = new Redactor();
  return new Session({
    environment: readJujuEnvironment({ JUJU_UNIT_NAME: "app/0", JUJU_CHARM_DIR: "/charm" }),
    charm,
    commands: hookCommands(transport),
    state: new UnitState(state),
    log: new Logger({ send: (_level, line) => Promise.resolve(note(line)), printDebug: note }, redactor),
    redactor,
    now: () => 1_767_225_600_000,
  });
}

const UPDATE_STATUS: Event = { kind: "lifecycle", name: "update-status", hook: "update-status" };

/** What a handler of an endpoint sees over such an agent. */
export function contextOver(transport: HookCommandTransport, scene: Scene): Context {
  const { event = UPDATE_STATUS, endpoint } = scene;
  return new Context(sessionOver(transport, scene), event, endpoint?.name ?? "", endpoint);
}
