/**
 * What an action leaves behind. Source: contract section 5.
 *
 * @module
 */
import type { ExecutionEnd } from "./execution.ts";
import type { ActionTask } from "./state.ts";

/**
 * The end of an action: status, message and results.
 *
 * @param task the action as it was asked for; an aborted one stays so
 * @param end how its process ended; undefined when there was none
 * @param refusal why there was no process
 */
export function actionResults(
  task: ActionTask,
  end: ExecutionEnd | undefined,
  refusal: string,
): Pick<ActionTask, "status" | "message" | "results"> {
  if (!end) return { status: "failed", message: refusal, results: {} };
  const { action } = end.run;
  const results: Record<string, unknown> = {
    ...action.results,
    ...(end.exit === null ? {} : { "return-code": end.exit }),
    ...captured("stdout", end.stdout),
    ...captured("stderr", end.stderr),
  };
  if (task.status === "aborted") return { status: "aborted", message: task.message, results };
  if (end.outcome === "done") {
    return { status: action.failed ? "failed" : "completed", message: action.message, results };
  }
  if (end.outcome === "refused") return refused(end, results);
  // An interrupted action is failed, never run again.
  const message = end.outcome === "killed" ? "action terminated" : end.error;
  return { status: "failed", message, results };
}

function refused(
  end: ExecutionEnd,
  results: Record<string, unknown>,
): Pick<ActionTask, "status" | "message" | "results"> {
  const printed = typeof results.stderr === "string" && results.stderr !== "" ? `${results.stderr}\n` : "";
  const code = results["return-code"];
  return {
    status: "failed",
    message: end.run.action.message || "committing requested changes failed",
    results: {
      ...results,
      stderr: `${printed}${end.error}`,
      "return-code": code === undefined || code === "0" ? "1" : code,
    },
  };
}

/** Output that is not UTF-8 goes as base64. */
function captured(name: "stdout" | "stderr", bytes: Uint8Array): Record<string, string> {
  if (bytes.length === 0) return {};
  try {
    return { [name]: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { [name]: bytes.toBase64(), [`${name}-encoding`]: "base64" };
  }
}
