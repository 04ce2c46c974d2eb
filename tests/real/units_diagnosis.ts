/**
 * Why a test with units failed, for a human to read.
 *
 * @module
 */
import { join, relative } from "node:path";
import type { Model, TimelineEntry } from "../model/mod.ts";

const RUNS = 40;
const UNIT_LINES = 25;
const SERVER_LINES = 15;

/**
 * Status, the last runs, the ends of the units' logs and those of their servers.
 *
 * @param model the model
 * @param dataDirectory where the servers' logs are, at any depth
 */
export async function describe(model: Model, dataDirectory: string): Promise<string> {
  const runs = model.timeline.slice(-RUNS).map(describeRun);
  const units = [...new Set(model.timeline.map(({ unit }) => unit))];
  const logs = units.map((unit) => {
    const lines = model.log(unit).slice(-UNIT_LINES).map(({ level, module, message }) =>
      `${level} ${module} ${message}`
    );
    return section(`log of ${unit}`, lines);
  });
  const servers = (await logFiles(dataDirectory)).map(({ path, lines }) =>
    section(`end of ${relative(dataDirectory, path)}`, lines.slice(-SERVER_LINES))
  );
  return [
    section("status", model.formatStatus().trimEnd().split("\n")),
    section(`the last ${runs.length} runs`, runs),
    ...logs,
    ...servers,
  ].join("\n");
}

function describeRun(run: TimelineEntry): string {
  const about = run.relation === "" ? "" : ` ${run.relation} ${run.remoteUnit || run.remoteApp}`;
  const end = `${run.outcome}${run.error === "" ? "" : `: ${run.error}`}`;
  const faults = run.faults.length === 0 ? "" : ` [${run.faults.join(", ")}]`;
  const ms = `${Math.round(run.end - run.start)} ms`;
  const status = `${run.status.status}: ${run.status.message}`;
  return `${Math.round(run.start)} ${run.unit} ${run.name}${about}, ${ms}, ${end}${faults} -> ${status}`;
}

function section(title: string, lines: readonly string[]): string {
  return [`--- ${title}`, ...lines].join("\n");
}

async function logFiles(directory: string): Promise<{ path: string; lines: string[] }[]> {
  const found: { path: string; lines: string[] }[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) found.push(...await logFiles(path));
    else if (isFile && name.endsWith(".log")) {
      found.push({ path, lines: (await Deno.readTextFile(path)).trimEnd().split("\n") });
    }
  }
  return found;
}
