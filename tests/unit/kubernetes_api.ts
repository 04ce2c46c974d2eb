/**
 * A strict stand-in for the Kubernetes API: pods and their labels over https with an authority of its own.
 *
 * @module
 */
import { createAuthority } from "../real/etcd/certificates.ts";

/** A pod as the API has it. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly labels: Record<string, string>;
    readonly resourceVersion: string;
  };
}

/** What the API was asked. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly contentType: string | null;
  readonly body: string;
  readonly status: number;
}

/** A running API: `await using api = await startKubernetesApi()`. */
export interface KubernetesApi extends AsyncDisposable {
  readonly port: number;
  /** A service account's directory: token, ca.crt and namespace. */
  readonly directory: string;
  readonly requests: readonly Asked[];
  /** Pods of the namespace by name. */
  readonly pods: Map<string, Pod>;
  /** Changes the token that is accepted and the one in the directory. */
  rotate(token: string): Promise<void>;
  /** Takes away the right to patch. */
  distrust(): void;
  /** Answers this instead of looking at requests. */
  answer(how: (() => Response | Promise<Response>) | undefined): void;
}

/** The namespace that exists. */
export const NAMESPACE = "model";

const PATCH_TYPES = ["application/strategic-merge-patch+json", "application/merge-patch+json"];
const LABEL = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const MAX_LABEL = 63;
const POD = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)$/;

/** Starts the API on a free port of 127.0.0.1. */
export async function startKubernetesApi(): Promise<KubernetesApi> {
  const directory = await Deno.makeTempDir({ prefix: "kubernetes_api_" });
  const authority = await createAuthority(directory, "kubernetes");
  const { cert, key } = await authority.issue("api", { subject: "/O=api", addresses: ["127.0.0.1"] });
  const requests: Asked[] = [];
  const pods = new Map<string, Pod>();
  let token = "";
  let trusted = true;
  let instead: (() => Response | Promise<Response>) | undefined;

  const look = (method: string, path: string, headers: Headers, body: string): Response => {
    if (headers.get("authorization") !== `Bearer ${token}`) return refuse(401, "Unauthorized");
    const [, namespace, name = ""] = POD.exec(path) ?? [];
    if (namespace === undefined) return refuse(404, "NotFound");
    if (method !== "PATCH") return refuse(405, "MethodNotAllowed");
    if (namespace !== NAMESPACE || !trusted) return refuse(403, "Forbidden");
    if (!PATCH_TYPES.includes(headers.get("content-type") ?? "")) return refuse(415, "UnsupportedMediaType");
    const pod = pods.get(name);
    if (!pod) return refuse(404, "NotFound");
    return patch(pods, pod, body);
  };

  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} }, async (request) => {
    const { pathname: path } = new URL(request.url);
    const { method, headers } = request;
    const body = await request.text();
    const response = instead ? await instead() : look(method, path, headers, body);
    requests.push({ method, path, contentType: headers.get("content-type"), body, status: response.status });
    return response;
  });

  const api: KubernetesApi = {
    port: server.addr.port,
    directory,
    requests,
    pods,
    async rotate(next) {
      token = next;
      await Deno.writeTextFile(`${directory}/token`, `${next}\n`);
    },
    distrust: () => void (trusted = false),
    answer: (how) => void (instead = how),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await Deno.remove(directory, { recursive: true });
    },
  };
  await Deno.writeTextFile(`${directory}/ca.crt`, authority.cert);
  await Deno.writeTextFile(`${directory}/namespace`, NAMESPACE);
  await api.rotate("token-1");
  return api;
}

function patch(pods: Map<string, Pod>, { metadata }: Pod, body: string): Response {
  let wanted: { metadata?: { labels?: Record<string, unknown>; resourceVersion?: string } };
  try {
    wanted = JSON.parse(body);
  } catch {
    return refuse(400, "BadRequest");
  }
  const { labels: changes = {}, resourceVersion } = wanted.metadata ?? {};
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion) return refuse(409, "Conflict");
  const labels: Record<string, string> = { ...metadata.labels };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete labels[name];
    else if (typeof value !== "string" || value.length > MAX_LABEL || !LABEL.test(value)) return refuse(422, "Invalid");
    else labels[name] = value;
  }
  const changed =
    JSON.stringify(Object.entries(labels).sort()) !== JSON.stringify(Object.entries(metadata.labels).sort());
  const version = Number(metadata.resourceVersion) + (changed ? 1 : 0);
  const pod: Pod = { metadata: { name: metadata.name, labels, resourceVersion: `${version}` } };
  pods.set(metadata.name, pod);
  return Response.json({ kind: "Pod", apiVersion: "v1", ...pod });
}

/** A Status object, with words that no client should repeat. */
export function refuse(code: number, reason: string): Response {
  const message = `pods "secret-name" is not what you think: ${reason}`;
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code };
  return Response.json(status, { status: code });
}
