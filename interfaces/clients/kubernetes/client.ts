/**
 * The one thing that charms ask of Kubernetes: labels on a pod, by which Patroni finds its members.
 *
 * @module
 */
import {
  CertificateError,
  type ClientError,
  ClientTimeoutError,
  InputError,
  ReplyError,
  UnreachableError,
} from "../errors.ts";
import { exchange, type HttpReply, TransportFailure } from "../http/exchange.ts";
import { createHttpClient } from "../http/http_client.ts";
import { isObject, parseJson } from "../http/json.ts";
import { KubernetesError, reasonOf } from "./errors.ts";

/** Where the API server is; without anything, that of the pod in which the charm runs. */
export interface KubernetesOptions {
  /** `kubernetes.default.svc` without it; an IPv6 address without brackets. */
  readonly host?: string;
  /** 443 without it. */
  readonly port?: number;
  /** Of the service account's `token`, `ca.crt` and `namespace`. */
  readonly directory?: string;
  /** The service account's without it; Juju's is the model's name. */
  readonly namespace?: string;
  /** Milliseconds for a request; 3000 without it. */
  readonly timeoutMs?: number;
}

/** Labels of a pod. */
export type Labels = Readonly<Record<string, string>>;

/** An open client: `using kubernetes = await openKubernetes()`. */
export interface Kubernetes extends Disposable {
  readonly namespace: string;
  /**
   * Sets labels of a pod; others stay, and setting the same ones again changes nothing.
   *
   * @returns all labels of the pod
   * @throws {InputError} for names and labels that Kubernetes does not take; nothing is sent
   * @throws {ClientError} when the API server refuses or cannot be reached
   */
  patchPodLabels(pod: string, labels: Labels): Promise<Labels>;
  close(): void;
}

/** Where Kubernetes puts a pod's identity. */
export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

const HOST = "kubernetes.default.svc";
const PORT = 443;
const TIMEOUT_MS = 3000;
const MAX_REPLY_BYTES = 1024 * 1024;
const MAX_TOKEN_LENGTH = 16 * 1024;
const HOST_FORM = /^(?:[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f:.]{2,45})$/;
const DNS_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL_KEY = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** The labels by which the Patroni of an application finds its members. */
export function patroniPodLabels(application: string): Labels {
  return { application: "patroni", "cluster-name": `patroni-${application}` };
}

/** Whether the charm runs in a pod that has an identity. */
export async function isKubernetes(directory = SERVICE_ACCOUNT): Promise<boolean> {
  try {
    return (await Deno.stat(`${directory}/token`)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/**
 * Opens a client; nothing is sent. Needs `net` for the API server and `read` for the service account's directory.
 *
 * @throws {InputError} when the pod has no identity that can be used
 */
export async function openKubernetes(options: KubernetesOptions = {}): Promise<Kubernetes> {
  const { host = HOST, port = PORT, directory = SERVICE_ACCOUNT, timeoutMs = TIMEOUT_MS } = options;
  if (!HOST_FORM.test(host) || !Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InputError("the address of Kubernetes cannot be used; give a host name or IP address and a port");
  }
  const namespace = options.namespace ?? (await readIdentity(directory, "namespace")).trim();
  checkName("namespace", namespace);
  const http = createHttpClient({ ca: await readIdentity(directory, "ca.crt") });
  const endpoint = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  let open = true;
  const close = (): void => {
    if (open) http.close();
    open = false;
  };

  const patch = async (path: string, body: string): Promise<HttpReply> => {
    // The token changes every hour or so.
    const token = (await readIdentity(directory, "token")).trim();
    if (token.length > MAX_TOKEN_LENGTH || !/^[\x21-\x7e]+$/.test(token)) {
      throw new InputError("the service account's token cannot be used; check the pod's service account");
    }
    const authorization = `Bearer ${token}`;
    const contentType = "application/strategic-merge-patch+json";
    const request = { endpoint, path, server: "the Kubernetes API", method: "PATCH", body, contentType, authorization };
    try {
      return await exchange(request, {
        http,
        signal: AbortSignal.timeout(timeoutMs),
        maxReplyBytes: MAX_REPLY_BYTES,
      });
    } catch (error) {
      throw error instanceof TransportFailure ? transportError(error, endpoint, timeoutMs) : error;
    }
  };

  return {
    namespace,
    async patchPodLabels(pod, labels) {
      checkName("pod", pod);
      for (const [key, value] of Object.entries(labels)) {
        if (!LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) {
          throw new InputError(
            "a label of Kubernetes has at most 63 letters, digits and -_. inside; choose another name",
          );
        }
      }
      const path = `/api/v1/namespaces/${namespace}/pods/${pod}`;
      const reply = await patch(path, JSON.stringify({ metadata: { labels } }));
      if (reply.status !== 200) throw refusal(reply, pod);
      return readLabels(reply, pod, labels);
    },
    close,
    [Symbol.dispose]: close,
  };
}

function refusal({ status, text }: HttpReply, pod: string): ClientError {
  const said = parseJson(text);
  const reason = reasonOf(status, isObject(said) ? said.reason : undefined);
  return new KubernetesError(`the labels of pod ${pod}`, status, reason);
}

/** The server's word that it is done counts only with the labels on the right pod. */
function readLabels({ text }: HttpReply, pod: string, wanted: Labels): Labels {
  const reply = parseJson(text);
  const metadata = isObject(reply) && reply.kind === "Pod" ? reply.metadata : undefined;
  const labels = isObject(metadata) && metadata.name === pod ? metadata.labels : undefined;
  const entries = isObject(labels) ? Object.entries(labels) : [];
  const found = Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
  if (Object.entries(wanted).every(([key, value]) => found[key] === value)) return found;
  throw new ReplyError(`the Kubernetes API did not confirm the labels of pod ${pod}; check what answers there`);
}

function transportError({ kind, reason }: TransportFailure, endpoint: string, timeoutMs: number): ClientError {
  const attempts = [{ endpoint, reason }];
  if (kind === "certificate") return new CertificateError(attempts);
  const error = kind === "timeout" ? new ClientTimeoutError(timeoutMs, attempts) : new UnreachableError(attempts);
  error.outcomeUnknown = kind === "timeout" || kind === "broken";
  return error;
}

function checkName(what: string, name: string): void {
  if (!DNS_NAME.test(name)) {
    throw new InputError(`the name of a Kubernetes ${what} has lower-case letters, digits, - and . only; correct it`);
  }
}

async function readIdentity(directory: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(`${directory}/${file}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new InputError(`the pod has no service account (${directory}/${file}); deploy the application with --trust`);
  }
}
