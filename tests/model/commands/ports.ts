/**
 * open-port, close-port, opened-ports.
 * Source: contract section 3.4; juju/juju core/network/portrange.go and runner/context/ports.go.
 *
 * @module
 */
import { goQuote } from "../go_flags.ts";
import type { HookRun, PendingPort } from "../hook_run.ts";
import type { WorldState } from "../state.ts";
import {
  ALL_FORMATS,
  checkEmpty,
  type CommandCall,
  type CommandDefinition,
  type CommandResult,
  formatNote,
  IGNORED_FORMAT,
  RunError,
  UsageError,
} from "./definition.ts";

interface PortRange {
  readonly from: number;
  readonly to: number;
  readonly protocol: string;
}

const ICMP: PortRange = { from: -1, to: -1, protocol: "icmp" };

/**
 * Reads `80`, `80/tcp`, `10-20/udp` or `icmp`, in any case.
 *
 * @param text the argument
 * @throws {UsageError} with Juju's text
 */
export function parsePortRange(text: string): PortRange {
  const slash = text.indexOf("/");
  const ports = slash < 0 ? text : text.slice(0, slash);
  const protocol = slash < 0 ? "tcp" : text.slice(slash + 1);
  if (ports === "icmp") return ICMP;
  const bounds = ports.split("-");
  if (bounds.length > 2) throw new UsageError(`invalid port range ${goQuote(ports)}`);
  const [from = 0, to = from] = bounds.map((bound) => {
    if (/^[-+]?\d+$/.test(bound)) return Number(bound);
    throw new UsageError(`invalid port ${goQuote(bound)}: strconv.Atoi: parsing ${goQuote(bound)}: invalid syntax`);
  });
  const range = { from, to, protocol };
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "icmp") {
    throw new UsageError(`invalid protocol ${goQuote(protocol)}, expected "tcp", "udp", or "icmp"`);
  }
  if (protocol === "icmp") throw new UsageError(`protocol "icmp" doesn't support any ports; got "${from}"`);
  if (from > to) throw new UsageError(`invalid port range ${printRange(range)}`);
  if (to > 65535) throw new UsageError(`port range bounds must be between 0 and 65535, got ${from}-${to}`);
  return range;
}

/**
 * A range as Juju prints it.
 *
 * @param range the range
 */
export function printRange({ from, to, protocol }: PortRange): string {
  if (protocol === "icmp") return protocol;
  return from === to ? `${from}/${protocol}` : `${from}-${to}/${protocol}`;
}

function order(a: string, b: string): number {
  const left = parsePortRange(a);
  const right = parsePortRange(b);
  if (left.protocol !== right.protocol) return left.protocol < right.protocol ? -1 : 1;
  return left.from - right.from || left.to - right.to;
}

/** Why the range cannot change, `same` when the unit has it already, undefined when nothing is in the way. */
function conflict(run: HookRun, wanted: PendingPort, unit: string, ports: readonly PendingPort[], note: string) {
  const range = parsePortRange(wanted.range);
  for (const port of ports) {
    const other = parsePortRange(port.range);
    if (other.protocol !== range.protocol || range.to < other.from || other.to < range.from) continue;
    if (unit === run.unit && port.range === wanted.range) {
      if (port.endpoint === wanted.endpoint) return "same";
      continue;
    }
    return `port range conflicts with ${port.range} (unit ${goQuote(unit)})${note}`;
  }
  return undefined;
}

function portsOf(world: WorldState, unit: string): PendingPort[] {
  return (world.units[unit]?.ports ?? []).map(([endpoint, range]) => ({ endpoint, range }));
}

function machineConflict(run: HookRun, wanted: PendingPort): string | undefined {
  const machine = run.world.units[run.unit]?.machine;
  for (const unit of Object.values(run.world.units)) {
    if (unit.machine !== machine && unit.name !== run.unit) continue;
    const found = conflict(run, wanted, unit.name, portsOf(run.world, unit.name), "");
    if (found !== undefined) return found;
  }
  return undefined;
}

function change(run: HookRun, verb: "open" | "close", wanted: PendingPort): void {
  const [pending, opposite] = verb === "open" ? [run.portsOpened, run.portsClosed] : [run.portsClosed, run.portsOpened];
  const cancelled = opposite.findIndex((port) => port.endpoint === wanted.endpoint && port.range === wanted.range);
  if (cancelled >= 0) opposite.splice(cancelled, 1);
  const earlier = conflict(run, wanted, run.unit, pending, " requested earlier");
  const found = earlier ?? machineConflict(run, wanted);
  if (found !== undefined && found !== "same") {
    throw new RunError(`cannot ${verb} ${wanted.range} (unit ${goQuote(run.unit)}): ${found}`);
  }
  if (earlier === "same" || (verb === "open" && found === "same")) return;
  pending.push(wanted);
}

const portCommand = (verb: "open" | "close") => (call: CommandCall): CommandResult => {
  const { run, args, flags } = call;
  const [text] = args;
  if (text === undefined) throw new UsageError("no port or range specified");
  const parsed = parsePortRange(text.toLowerCase());
  checkEmpty(args.slice(1));
  const { world } = run;
  if (world.models[world.applications[run.app]?.model ?? ""]?.type === "caas" && parsed.from !== parsed.to) {
    throw new RunError("port ranges are not supported for k8s applications, please specify a single port");
  }
  const endpoints = (flags.get("endpoints") ?? "").split(",").map((endpoint) => endpoint.trim());
  for (const endpoint of endpoints) change(run, verb, { endpoint, range: printRange(parsed) });
  return formatNote(call);
};

/**
 * Open ports of the unit with the hook's pending changes, as `[endpoint, range]`, sorted.
 *
 * @param run the run
 */
export function openPorts(run: HookRun): [string, string][] {
  const is = (port: PendingPort, [endpoint, range]: readonly [string, string]) =>
    port.endpoint === endpoint && port.range === range;
  const ports = [...run.world.units[run.unit]?.ports ?? []];
  for (const port of run.portsOpened) {
    if (!ports.some((open) => is(port, open))) ports.push([port.endpoint, port.range]);
  }
  return ports
    .filter((open) => !run.portsClosed.some((port) => is(port, open)))
    .sort(([a, x], [b, y]) => order(x, y) || (a < b ? -1 : a > b ? 1 : 0));
}

function openedPorts(call: CommandCall): CommandResult {
  checkEmpty(call.args);
  const byRange = new Map<string, string[]>();
  for (const [endpoint, range] of openPorts(call.run)) {
    byRange.set(range, [...byRange.get(range) ?? [], endpoint || "*"]);
  }
  const withEndpoints = call.flags.get("endpoints") === "true";
  const lines = [...byRange].map((
    [range, endpoints],
  ) => (withEndpoints ? `${range} (${endpoints.join(", ")})` : range));
  return { value: lines, asLines: true };
}

const PORT_USAGE = "<port>[/<protocol>] or <from>-<to>[/<protocol>] or icmp";
const portFlags = () =>
  [
    { names: ["endpoints"], type: "string", usage: "a comma-delimited list of application endpoints" },
    IGNORED_FORMAT,
  ] as const;

/** Commands about ports. */
export const portCommands: readonly CommandDefinition[] = [
  {
    name: "open-port",
    usage: PORT_USAGE,
    purpose: "Register a request to open a port or port range.",
    flags: portFlags,
    perform: portCommand("open"),
  },
  {
    name: "close-port",
    usage: PORT_USAGE,
    purpose: "Register a request to close a port or port range.",
    flags: portFlags,
    perform: portCommand("close"),
  },
  {
    name: "opened-ports",
    usage: "",
    purpose: "List all ports or port ranges opened by the unit.",
    flags: () => [{ names: ["endpoints"], type: "bool", usage: "display the list of target application endpoints" }],
    formats: ALL_FORMATS,
    perform: openedPorts,
  },
];
