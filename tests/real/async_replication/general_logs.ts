/**
 * What charms ask servers of other machines for, by the servers' general logs: one line for each statement, written when
 * it arrives.
 *
 * @module
 */
import { join } from "node:path";
import { sql } from "../../../interfaces/clients/mysql/quoting.ts";
import { openUnit } from "../mysql/formation.ts";
import type { Lab } from "../units.ts";

const FILE = "general.log";
/** Time, connection, command, and what it was; statements may go on in further lines. */
const ENTRY = /^\d{4}-\d\d-\d\dT\S+\t\s*(\d+) (\w+)\t?/;
/** Who connects as a charm does over the network: tests come by the socket, replication has another user. */
const CHARM = /^clusteruser@/;
/** After the last entry of a server that was started again: the ids of connections begin anew. */
const RESTART = /\nTcp port: \d+/;
const BUFFER = 65_536;

/** The logs of some units' servers, read from where the last look ended. */
export class GeneralLogs implements Disposable {
  readonly #logs: { readonly file: Deno.FsFile; rest: string; readonly charms: Set<string> }[];

  private constructor(files: readonly Deno.FsFile[]) {
    this.#logs = files.map((file) => ({ file, rest: "", charms: new Set() }));
  }

  /** Lets the servers write their logs, also after a restart. */
  static async open(lab: Lab, units: readonly string[]): Promise<GeneralLogs> {
    const files = await Promise.all(units.map(async (unit) => {
      const path = join(lab.unitDirectory(unit), FILE);
      await Deno.writeTextFile(path, "");
      await Deno.chmod(path, 0o666);
      await using db = await openUnit(lab, unit);
      await db.run("place the log", sql`SET PERSIST general_log_file = ${path}`);
      await db.run("write the log", sql`SET PERSIST general_log = ON`);
      return await Deno.open(path);
    }));
    return new GeneralLogs(files);
  }

  /** What came from charms since the last look: statements, `Connect` and `Quit`. */
  read(): string[] {
    return this.#logs.flatMap((log) => {
      const entries = (log.rest + readAll(log.file)).split(/^(?=\d{4}-\d\d-\d\dT)/m);
      // The last one may not be whole.
      log.rest = entries.at(-1)?.endsWith("\n") ? "" : entries.pop() ?? "";
      return entries.flatMap((entry) => requestIn(entry, log.charms) ?? []);
    });
  }

  [Symbol.dispose](): void {
    for (const { file } of this.#logs) file.close();
  }
}

/** What has come to a file since it was read last. */
export function readAll(file: Deno.FsFile): string {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(BUFFER);
  let text = "";
  for (let size = file.readSync(buffer); size !== null; size = file.readSync(buffer)) {
    text += decoder.decode(buffer.subarray(0, size), { stream: true });
  }
  return text;
}

/** What a charm asked for. @param charms ids of their connections */
function requestIn(entry: string, charms: Set<string>): string | undefined {
  const [head = "", id = "", command = ""] = ENTRY.exec(entry) ?? [];
  const text = entry.slice(head.length);
  if (command === "Connect" && CHARM.test(text)) charms.add(id);
  const isCharms = charms.has(id);
  if (command === "Quit") charms.delete(id);
  if (RESTART.test(entry)) charms.clear();
  if (!isCharms) return undefined;
  return command === "Query" ? text : command;
}
